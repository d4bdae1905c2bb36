//! A server with the list on it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::child::Measure;
use super::table::Measured;

/// `tests/e2e/examples/list_server.rs` at work. The server ends with it.
pub(super) struct ListServer {
    process: Child,
    told: Told,
}

/// How the list is asked for. A page has no URL but its own.
#[derive(Deserialize)]
struct Told {
    url: Option<String>,
    user: Option<String>,
    password: Option<String>,
    whole: String,
    tenth: String,
}

impl ListServer {
    /// Starts it and waits until the list is there.
    pub(super) fn start(program: &Path, name: &str, csv: &Path, manifest: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .arg(name)
            .arg(csv)
            .env("OPTGATE_E2E_PEERS", manifest)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line)?;
        }
        match serde_json::from_str(&line) {
            Ok(told) => Ok(Self { process, told }),
            Err(_) => {
                let _ = process.wait();
                anyhow::bail!("{name}: the server did not start, or did not take the list")
            }
        }
    }

    /// Reads all of the list, and a tenth of it.
    pub(super) fn read(&self, measure: &Measure, engine: &str) -> Result<Measured> {
        let Told { url, user, password, whole, tenth } = &self.told;
        let read = |question: &str| match url {
            None => measure.run(&["fetch", question], None),
            Some(url) => {
                let words = ["pull", engine, url, question].into_iter().chain(user.as_deref());
                measure.run(&words.collect::<Vec<_>>(), password.as_deref())
            }
        };
        Ok(Measured { whole: read(whole)?, tenth: read(tenth)? })
    }
}

impl Drop for ListServer {
    fn drop(&mut self) {
        // At the end of its input it puts everything away.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
