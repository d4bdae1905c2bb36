//! One owner at a time: a lock file beside the ledger.
//!
//! SQLite lets several processes write, but an acknowledged opt-out must be enforced by
//! the gate, so that with a gate running it is the gate that writes. The lock is the
//! operating system's (`flock`): it ends with the process, however that ends, and a
//! file left behind means nothing.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::clock;
use crate::error::AppError;

/// Who holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// A gate, for as long as it runs.
    Gate,
    /// A command, for a moment.
    Command,
}

impl Holder {
    fn word(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Command => "command",
        }
    }
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct LedgerLock {
    _file: File,
}

const RETRY: Duration = Duration::from_millis(50);

impl LedgerLock {
    /// Takes the lock, waiting for at most `patience`.
    ///
    /// # Errors
    /// [`AppError::Taken`] names who has it.
    pub fn take(ledger: &Path, holder: Holder, patience: Duration) -> Result<Self, AppError> {
        let path = lock_path(ledger);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| AppError::io(&path, e))?;
        let until: Instant = clock::instant() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if clock::instant() < until => clock::sleep(RETRY),
                Err(TryLockError::WouldBlock) => return Err(taken(&mut file, ledger)),
                Err(TryLockError::Error(e)) => return Err(AppError::io(&path, e)),
            }
        }
        // Only for the message of the next one; nothing depends on it.
        let note = format!("{} {}\n", holder.word(), std::process::id());
        let written = file
            .set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(note.as_bytes()));
        written.map_err(|e| AppError::io(&path, e))?;
        Ok(Self { _file: file })
    }
}

fn lock_path(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

fn taken(file: &mut File, ledger: &Path) -> AppError {
    let mut note = String::new();
    // What cannot be read is told as unknown.
    let _ = file.read_to_string(&mut note);
    let (holder, pid) = note.trim().split_once(' ').unwrap_or(("another process", ""));
    let pid: u32 = pid.parse().unwrap_or(0);
    let holder = match holder {
        "gate" => format!("a gate (process {pid})"),
        "command" => format!("a command (process {pid})"),
        other => other.to_owned(),
    };
    AppError::Taken { ledger: ledger.to_path_buf(), holder, pid }
}
