//! A program of the operator's that prints an access token: no shell, a limit on how long it may
//! take and on what it may say.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use observe::Secret;
use rustix::process::{Pid, Signal, kill_process_group};

use super::fetched::Fetched;
use super::mask::masked;
use crate::clock;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(20);
/// How long its token is kept. Such programs keep the tokens themselves and do not tell how long
/// one is good.
const KEPT: Duration = Duration::from_secs(60);
/// What it may print, in octets. A token has a few thousand.
const OUTPUT_MAX: u64 = 64 * 1024;

/// Runs the program; the first line that it prints is the token.
///
/// # Errors
/// Why there is none, without what it printed.
pub(super) fn run(argv: &[String]) -> Result<Fetched, String> {
    run_for(argv, PATIENCE)
}

fn run_for(argv: &[String], patience: Duration) -> Result<Fetched, String> {
    let Some((program, arguments)) = argv.split_first() else {
        return Err("no program is named".to_owned());
    };
    let until = clock::instant() + patience;
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // With what it starts itself, so that all of it can be ended.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let printed = child.stdout.take().map(reading);
    let complained = child.stderr.take().map(reading);
    let ended = finish(&mut child, program, until, patience);
    let printed = heard(printed, until);
    let token = printed.as_deref().and_then(|text| text.lines().next()).unwrap_or_default().trim();
    let complained = heard(complained, until).unwrap_or_default();
    let complained = masked(&complained, &[token]);
    let complained = match complained.is_empty() {
        true => String::new(),
        false => format!("; it says: {complained}"),
    };
    ended.map_err(|why| format!("{why}{complained}"))?;
    match printed.as_deref() {
        None => Err(format!("{program} printed no text, or more than {OUTPUT_MAX} octets")),
        Some(_) if token.is_empty() => Err(format!("{program} printed no token{complained}")),
        Some(_) => Ok(Fetched { token: Secret::new(token.to_owned()), life: KEPT }),
    }
}

/// Reads to the end, in a thread of its own: neither of two pipes waits for the other. Nothing
/// comes of what is too long or no text.
fn reading(mut pipe: impl Read + Send + 'static) -> Receiver<Option<String>> {
    let (said, heard) = channel();
    let read = move || {
        let mut bytes = Vec::new();
        let read = pipe.by_ref().take(OUTPUT_MAX + 1).read_to_end(&mut bytes);
        // The rest has to go somewhere, or the program would wait for it.
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
        let fits = read.is_ok_and(|length| length as u64 <= OUTPUT_MAX);
        let _ = said.send(String::from_utf8(bytes).ok().filter(|_| fits));
    };
    // Without a thread nothing is heard.
    let _ = std::thread::Builder::new().name("token".to_owned()).spawn(read);
    heard
}

fn heard(pipe: Option<Receiver<Option<String>>>, until: Instant) -> Option<String> {
    // What a program leaves behind may keep a pipe open.
    let left = until.saturating_duration_since(clock::instant()).max(LOOK);
    pipe?.recv_timeout(left).ok().flatten()
}

fn finish(
    child: &mut Child,
    program: &str,
    until: Instant,
    patience: Duration,
) -> Result<(), String> {
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program} failed: {status}")),
            Ok(None) if clock::instant() < until => clock::sleep(LOOK),
            Ok(None) => {
                let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
                let killed = group.map(|group| kill_process_group(group, Signal::KILL));
                let ended = killed.is_some_and(|killed| killed.is_ok()) && child.wait().is_ok();
                let how = if ended { "was ended" } else { "cannot be ended" };
                return Err(format!("{program} took longer than {patience:?} and {how}"));
            }
            Err(error) => return Err(format!("{program} cannot be waited for: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<String, String> {
        let argv = ["sh", "-c", script].map(str::to_owned);
        run(&argv).map(|fetched| fetched.token.expose().clone())
    }

    #[test]
    fn the_first_line_is_the_token() {
        assert_eq!(shell("echo ya29.token; echo more; echo talk >&2").as_deref(), Ok("ya29.token"));
        assert_eq!(shell("printf ' one '").as_deref(), Ok("one"));
        let long = shell("head -c 60000 /dev/zero | tr '\\0' x; head -c 200000 /dev/zero >&2");
        assert_eq!(long.map(|token| token.len()), Ok(60_000));
    }

    #[test]
    fn what_goes_wrong_is_told_without_what_was_printed() {
        for (script, told) in [
            (
                "echo s3cret; echo 'grant expired for s3cret and bob@corp.example' >&2; exit 3",
                "it says: grant expired for *** and ***",
            ),
            ("echo", "printed no token"),
            ("head -c 70000 /dev/zero | tr '\\0' x", "more than 65536 octets"),
            ("printf '\\377'", "printed no text"),
        ] {
            let why = shell(script).unwrap_err();
            assert!(why.contains(told) && !why.contains("s3cret"), "{script}: {why}");
        }
        let why = run(&["/nonexistent/program".to_owned()]).map(drop).unwrap_err();
        assert!(why.contains("cannot be run"), "{why}");
    }

    #[test]
    fn one_that_does_not_end_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let argv = ["sh", "-c", &script].map(str::to_owned);
        let why = run_for(&argv, Duration::from_secs(1)).map(drop).unwrap_err();
        assert!(why.contains("took longer"), "{why}");
        let pid = std::fs::read_to_string(file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        // It was killed, and nobody is here to wait for it: the end may be a moment away.
        let runs = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let until = clock::instant() + Duration::from_secs(60);
        while runs() {
            assert!(clock::instant() < until, "it still runs");
            clock::sleep(LOOK);
        }
    }
}
