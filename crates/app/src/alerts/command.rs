//! A program of the operator's that is run for each message: no shell, no words of the message in
//! its arguments, a limit on how long it may take.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::trouble::Message;
use crate::clock;

/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether it is done.
const LOOK: Duration = Duration::from_millis(50);

/// Runs the program: what happened is in its environment, and as JSON on its standard input.
///
/// # Errors
/// Why it could not be run, or that it failed.
pub(super) fn run(argv: &[String], message: &Message, json: &str) -> Result<(), String> {
    let Some((program, arguments)) = argv.split_first() else { return Ok(()) };
    let mut child = Command::new(program)
        .args(arguments)
        .env("OPTGATE_ALERT_EVENT", message.event.as_str())
        .env("OPTGATE_ALERT_ABOUT", &message.about)
        .env("OPTGATE_ALERT_TEXT", &message.text)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that does not want it closes its side.
        let _ = input.write_all(json.as_bytes());
    }
    finish(&mut child, program)
}

fn finish(child: &mut Child, program: &str) -> Result<(), String> {
    let until = clock::instant() + PATIENCE;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return Err(format!("{program} failed: {status}")),
            Ok(None) if clock::instant() < until => clock::sleep(LOOK),
            Ok(None) => {
                let killed = child.kill().and_then(|()| child.wait());
                let how = if killed.is_ok() { "was ended" } else { "cannot be ended" };
                return Err(format!("{program} took longer than {PATIENCE:?} and {how}"));
            }
            Err(error) => return Err(format!("{program} cannot be waited for: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::trouble::Event;
    use super::*;

    fn message() -> Message {
        let text = "it's \"down\"; $(touch /nowhere)".to_owned();
        Message { event: Event::SmarthostDown, about: "relay:25".to_owned(), text }
    }

    #[test]
    fn the_program_hears_what_happened_and_no_shell_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let heard = folder.path().join("heard");
        let script = format!(
            "printf '%s|%s|' \"$OPTGATE_ALERT_EVENT\" \"$OPTGATE_ALERT_TEXT\" > {0}; cat >> {0}",
            heard.display()
        );
        let argv = ["sh", "-c", &script].map(str::to_owned);
        run(&argv, &message(), "{\"a\":1}").unwrap();
        let expected = format!("smarthost-down|{}|{{\"a\":1}}", message().text);
        assert_eq!(std::fs::read_to_string(heard).unwrap(), expected);
    }

    #[test]
    fn a_program_that_fails_or_is_not_there_is_told() {
        let words = |argv: &[&str]| {
            let argv: Vec<_> = argv.iter().map(|word| (*word).to_owned()).collect();
            run(&argv, &message(), "{}").unwrap_err()
        };
        assert!(words(&["false"]).contains("failed"));
        assert!(words(&["/nonexistent/program"]).contains("cannot be run"));
    }
}
