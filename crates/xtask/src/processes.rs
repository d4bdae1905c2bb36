//! Child processes with an end: every one has a time limit, and what it leaves
//! behind is ended by process id, never by name.
//!
//! A child stays in our process group, so that an interrupt from the keyboard
//! reaches it as it reaches us. Its own children are found through `/proc` when
//! the time is up. The servers of the end-to-end tests run in groups of their
//! own and are noted in a folder (see [`sweep`]), because a test that is killed
//! cannot stop them itself.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Runs a command to its end, its output going where ours goes.
///
/// # Errors
/// When it cannot be started, or is still running after `limit`.
pub(crate) fn run(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let child =
        command.stdin(Stdio::null()).spawn().with_context(|| format!("cannot start {name}"))?;
    wait(child, &name, limit)
}

/// Runs a command and gives each line of its standard output to `each` at once.
///
/// # Errors
/// When it cannot be started, or is still running after `limit`.
pub(crate) fn run_lines(
    command: &mut Command,
    limit: Duration,
    mut each: impl FnMut(&str),
) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let Some(stdout) = child.stdout.take() else { bail!("{name}: no output to read") };
    let (lines, received) = std::sync::mpsc::channel::<String>();
    // The reader ends with the pipe; when a grandchild keeps the pipe open past
    // the limit, the thread is left behind and ends with this program.
    std::thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned();
            if lines.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match received.recv_timeout(left) {
            Ok(line) => each(&line),
            Err(_) => break,
        }
    }
    wait(child, &name, deadline.saturating_duration_since(Instant::now()))
}

fn wait(mut child: Child, name: &str, limit: Duration) -> Result<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().with_context(|| format!("waiting for {name}"))? {
            return Ok(status);
        }
        if Instant::now() >= deadline {
            end_tree(child.id());
            let _ = child.kill();
            let _ = child.wait();
            bail!("{name} was still running at its time limit and was ended");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Ends a process and everything it started, children first.
fn end_tree(root: u32) {
    for pid in descendants(root, &parents()).into_iter().rev() {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

/// `root` and all processes below it, parents before their children.
fn descendants(root: u32, parents: &HashMap<u32, u32>) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        let children = parents.iter().filter(|&(pid, of)| *of == parent && !found.contains(pid));
        let children: Vec<u32> = children.map(|(pid, _)| *pid).collect();
        found.extend(children);
        next += 1;
    }
    found
}

/// Every process with its parent.
fn parents() -> HashMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter_map(|pid| Some((pid, stat_field(pid, 1)?.parse().ok()?)))
        .collect()
}

/// A field of `/proc/PID/stat`, counted from the one behind the name: 0 is the
/// state, 1 the parent, 19 the time of the start in clock ticks.
fn stat_field(pid: u32, index: usize) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name is in parentheses and may itself hold spaces and parentheses.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(index).map(str::to_owned)
}

/// Ends the servers that tests left running, and forgets them.
///
/// The folder holds one file per server: its name is the process id, its content
/// the time that process started. Both must fit, so that a number which has been
/// given to another process since is left alone. Returns how many were ended.
pub(crate) fn sweep(folder: &Path) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut ended = 0;
    for entry in entries.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let started = fs::read_to_string(entry.path()).unwrap_or_default();
        if let Some(pid) = pid
            && stat_field(pid, 19).is_some_and(|now| now == started.trim())
            && let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        {
            let _ = kill_process_group(group, Signal::KILL);
            ended += 1;
        }
        let _ = fs::remove_file(entry.path());
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;

    #[test]
    fn a_command_past_its_limit_is_ended_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let note = folder.path().join("pid");
        let script = format!("sleep 60 & echo $! > {}; wait", note.display());
        let error = run(Command::new("sh").args(["-c", &script]), Duration::from_millis(500));
        assert!(error.unwrap_err().to_string().contains("time limit"));
        let pid: u32 = fs::read_to_string(note).unwrap().trim().parse().unwrap();
        // It was killed, and nobody is here to wait for it: the end may be a moment away, and
        // then it stays as a zombie until init collects it.
        let runs = || stat_field(pid, 0).is_some_and(|state| state != "Z" && state != "X");
        let until = Instant::now() + Duration::from_secs(60);
        while runs() {
            assert!(Instant::now() < until, "it still runs");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[test]
    fn lines_arrive_and_the_status_is_the_commands_own() {
        let mut seen = Vec::new();
        let status = run_lines(
            Command::new("sh").args(["-c", "echo one; printf two; exit 3"]),
            Duration::from_secs(20),
            |line| seen.push(line.to_owned()),
        );
        assert_eq!(status.unwrap().code(), Some(3));
        assert_eq!(seen, ["one", "two"]);
    }

    #[test]
    fn the_sweep_ends_what_is_noted_and_spares_a_reused_number() {
        let folder = tempfile::tempdir().unwrap();
        let mut noted = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let mut other = Command::new("sleep").arg("60").process_group(0).spawn().unwrap();
        let start = stat_field(noted.id(), 19).unwrap();
        fs::write(folder.path().join(noted.id().to_string()), start).unwrap();
        fs::write(folder.path().join(other.id().to_string()), "1").unwrap();
        assert_eq!(sweep(folder.path()), 1);
        assert!(!noted.wait().unwrap().success());
        assert!(other.try_wait().unwrap().is_none(), "another process with that number was ended");
        other.kill().unwrap();
        other.wait().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
