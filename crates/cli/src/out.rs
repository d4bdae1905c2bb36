//! What is printed, where, and how: answers to standard output, everything else to
//! standard error. A reader that has gone (`| head`) ends the command quietly.

use std::io::{IsTerminal, Write};

use serde::Serialize;

use crate::exit::Exit;
use crate::words::{Global, OutputForm};

/// The way to print of this call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Out {
    form: OutputForm,
    quiet: bool,
    verbose: u8,
}

impl Out {
    pub(crate) fn new(global: &Global) -> Self {
        Self { form: global.output, quiet: global.quiet, verbose: global.verbose }
    }

    /// Whether answers go to a program.
    pub(crate) fn is_json(self) -> bool {
        self.form == OutputForm::Json
    }

    pub(crate) fn verbose(self) -> u8 {
        self.verbose
    }

    /// Whether standard error is a terminal that shows a bar that moves.
    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && !self.is_json() && std::io::stderr().is_terminal()
    }

    /// Whether standard output likes colours.
    pub(crate) fn colour(self) -> bool {
        std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
    }

    /// Prints an answer: `json` for programs, else what `text` makes of it.
    pub(crate) fn answer<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        if self.is_json() {
            let mut line = serde_json::to_string_pretty(value)?;
            line.push('\n');
            return self.print(&line);
        }
        self.print(&text(value))
    }

    /// Prints one of many answers: a line of JSON, or what `text` makes of it.
    pub(crate) fn line<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<()> {
        let mut line = if self.is_json() { serde_json::to_string(value)? } else { text(value) };
        line.push('\n');
        self.print(&line)
    }

    /// Prints to standard output.
    pub(crate) fn print(self, text: &str) -> anyhow::Result<()> {
        self.print_bytes(text.as_bytes())
    }

    /// Prints bytes to standard output.
    pub(crate) fn print_bytes(self, bytes: &[u8]) -> anyhow::Result<()> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                std::process::exit(Exit::Ok as i32)
            }
            other => Ok(other?),
        }
    }

    /// Tells something that is no answer, unless asked to be quiet.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet {
            self.tell(text);
        }
    }

    /// Tells what must be told.
    pub(crate) fn tell(self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        // There is nowhere left to say that nothing can be said.
        let _ = writeln!(stderr, "{}", text.trim_end());
    }

    /// Tells why the command failed.
    pub(crate) fn error(self, error: &anyhow::Error) {
        if self.is_json() {
            let value = serde_json::json!({ "error": format!("{error:#}") });
            self.tell(&value.to_string());
        } else {
            self.tell(&format!("optgate: {error:#}"));
        }
    }
}
