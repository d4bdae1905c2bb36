//! The evidence file: one line a record, appended by many sessions at once without a lock.
//!
//! On a regular file each record is one `write` with `O_APPEND`: the kernel puts it behind
//! everything written before, whole, whoever else writes. A write that takes only part of a
//! line (the disk is full) is an error to the caller, and the next one begins with a line end,
//! so that the torn line ends where it was torn. An advisory lock keeps a second gate away.
//! Pipes and terminals give no such promise, so there a mutex takes turns.
//!
//! Chained and rotated files, and waiting for the disk, come behind this same `append`: lines
//! need no knowledge of each other, because a chain can be kept by further records that cover
//! the bytes since the one before, written by whoever turns the file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use suppression::Timestamp;

use crate::record::Record;
use crate::recovery::{self, Recovery};

/// Where records go. Shared by all sessions.
#[derive(Debug)]
pub struct Journal {
    sink: Sink,
    /// The last line lacks its end.
    torn: AtomicBool,
    recovery: Recovery,
}

#[derive(Debug)]
enum Sink {
    /// A regular file, opened to append.
    File(File),
    /// Anything else that has a path: a pipe, a device.
    Stream(Mutex<File>),
    Stdout,
}

impl Journal {
    /// Opens or makes the file (only its owner may read it), locks it, and writes an `unknown`
    /// outcome for each intent in it that has none: a gate ended between the two, and nobody
    /// knows what became of the message. `now` is the time of those outcomes.
    ///
    /// # Errors
    /// When the file cannot be opened, read or written, or another process has it
    /// ([`io::ErrorKind::ResourceBusy`]).
    pub fn open(path: &Path, now: Timestamp) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        if !file.metadata()?.is_file() {
            return Ok(Self::of(Sink::Stream(Mutex::new(file))));
        }
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let text = "another process writes this evidence file; give each gate its own";
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, text));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        let mut journal = Self::of(Sink::File(file));
        journal.recovery = journal.recover(path, now)?;
        Ok(journal)
    }

    /// Writes to standard output.
    #[must_use]
    pub fn stdout() -> Self {
        Self::of(Sink::Stdout)
    }

    fn of(sink: Sink) -> Self {
        Self { sink, torn: AtomicBool::new(false), recovery: Recovery::default() }
    }

    /// What was found in the file when it was opened.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// Appends one line or several, each with its line end, in one write.
    ///
    /// # Errors
    /// When they could not be written whole. Part of them may be in the file then; later lines
    /// are not touched by that.
    pub fn append(&self, line: &[u8]) -> io::Result<()> {
        if !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not whole lines"));
        }
        match &self.sink {
            Sink::File(file) => append_once(&mut &*file, &self.torn, line),
            Sink::Stream(file) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                append_all(&mut *file, &self.torn, line)
            }
            Sink::Stdout => {
                // Standard output keeps what it could not write, and goes on with it.
                let mut out = io::stdout().lock();
                out.write_all(line)?;
                out.flush()
            }
        }
    }

    /// Closes the intents that the last run left open.
    fn recover(&self, path: &Path, now: Timestamp) -> io::Result<Recovery> {
        let mut found = Recovery::default();
        let mut line = Vec::new();
        let mut from = Some(0);
        while let Some(offset) = from {
            let pass = recovery::read(path, offset)?;
            from = pass.no_room;
            // Every pass reads to the end; the first one counts what is torn, as it was found.
            if offset == 0 {
                found.torn = pass.torn;
                self.torn.store(pass.unended, Ordering::Release);
            }
            for outcome in pass.outcomes(now) {
                line.clear();
                Record::Outcome(&outcome).write_line(&mut line)?;
                self.append(&line)?;
                found.unknown += 1;
            }
        }
        Ok(found)
    }
}

/// Writes the line with one system call.
fn append_once(out: &mut impl Write, torn: &AtomicBool, line: &[u8]) -> io::Result<()> {
    let mend = torn.swap(false, Ordering::AcqRel);
    let whole = line.len() + usize::from(mend);
    let written = loop {
        let written = if mend {
            out.write_vectored(&[IoSlice::new(b"\n"), IoSlice::new(line)])
        } else {
            out.write(line)
        };
        match written {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => break other,
        }
    };
    let result = match written {
        Ok(written) if written == whole => return Ok(()),
        Ok(0) => Err(cut_short(0, line)),
        Ok(written) => {
            torn.store(true, Ordering::Release);
            return Err(cut_short(written, line));
        }
        Err(error) => Err(error),
    };
    if mend {
        // Nothing was written, so the line before is as torn as it was.
        torn.store(true, Ordering::Release);
    }
    result
}

/// Writes the line with as many system calls as it takes.
fn append_all(out: &mut impl Write, torn: &AtomicBool, line: &[u8]) -> io::Result<()> {
    if torn.swap(true, Ordering::AcqRel) {
        out.write_all(b"\n")?;
    }
    out.write_all(line)?;
    torn.store(false, Ordering::Release);
    Ok(())
}

fn cut_short(written: usize, line: &[u8]) -> io::Error {
    let text = format!("only {written} of {} bytes written: is the disk full?", line.len());
    io::Error::new(io::ErrorKind::StorageFull, text)
}

#[cfg(test)]
mod tests;
