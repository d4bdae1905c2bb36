//! The program that reads, in a process of its own each time.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::processes;

/// No reader takes longer, on any machine worth measuring.
const LIMIT: Duration = Duration::from_secs(900);

/// `crates/sources/examples/measure`.
pub(super) struct Measure {
    pub(super) program: PathBuf,
    /// For its temporary files.
    pub(super) folder: PathBuf,
}

/// What a run says of itself.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Figures {
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// Seconds.
    pub(super) fetch: f64,
    pub(super) check: f64,
    pub(super) read: f64,
    pub(super) cpu: f64,
    /// Largest resident set, KiB.
    pub(super) peak: u64,
}

impl Figures {
    /// Seconds of all steps.
    pub(super) fn seconds(&self) -> f64 {
        self.fetch + self.check + self.read
    }
}

impl Measure {
    /// The largest resident set of a run that reads nothing, in KiB.
    pub(super) fn empty(&self) -> Result<u64> {
        Ok(self.run(&["empty"], None)?.peak)
    }

    /// Writes a file, and says how many people are in it.
    pub(super) fn write(&self, format: &str, rows: u64, path: &Path) -> Result<u64> {
        let path = path.to_string_lossy();
        Ok(self.run(&["write", format, &rows.to_string(), &path], None)?.rows)
    }

    /// Reads a file.
    pub(super) fn read(&self, format: &str, path: &Path) -> Result<Figures> {
        self.run(&["read", format, &path.to_string_lossy()], None)
    }

    /// Any of its verbs.
    pub(super) fn run(&self, words: &[&str], password: Option<&str>) -> Result<Figures> {
        let mut command = Command::new(&self.program);
        command.args(words).env("TMPDIR", &self.folder);
        command.envs(password.map(|password| ("OPTGATE_MEASURE_PASSWORD", password)));
        let mut last = String::new();
        let status = processes::run_lines(&mut command, LIMIT, |line| line.clone_into(&mut last))?;
        ensure!(status.success(), "measure {} failed", words.first().unwrap_or(&""));
        serde_json::from_str(&last).context("measure says something unexpected")
    }
}
