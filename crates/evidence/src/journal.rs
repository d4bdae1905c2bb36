//! Where records go: one line each, appended by many sessions at once without a lock.
//!
//! On a regular file each record is one `write` with `O_APPEND`: the kernel puts it behind
//! everything written before, whole, whoever else writes. A write that takes only part of a
//! line (the disk is full) is an error to the caller, and the next one begins with a line end,
//! so that the torn line ends where it was torn. Pipes and terminals give no such promise, so
//! there a mutex takes turns.
//!
//! Files are turned under the writers: each takes the current file for one write. Whoever
//! turns the file (see [`sealer`](crate::sealer)) swaps it, and then waits until nobody holds
//! the old one before it is closed. So a record is in exactly one file, and no session waits.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

/// Where records go. Shared by all sessions.
#[derive(Debug)]
pub struct Journal(Sink);

#[derive(Debug)]
enum Sink {
    Files(Turning),
    /// Anything else that has a path: a pipe, a device.
    Stream(Mutex<File>, AtomicBool),
    Stdout,
}

/// The current file, and the one before it until that is closed.
#[derive(Debug)]
pub(crate) struct Turning {
    current: ArcSwap<Page>,
    /// Put here before it stops being the current one: see [`Journal::sync`].
    closing: Mutex<Option<Arc<Page>>>,
    /// How often another file was begun.
    turns: AtomicU64,
}

/// A regular file, opened to append and read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) file: File,
    /// The last line lacks its end.
    pub(crate) torn: AtomicBool,
}

impl Page {
    pub(crate) fn new(file: File, torn: bool) -> Self {
        Self { file, torn: AtomicBool::new(torn) }
    }

    /// Appends whole lines with one system call.
    pub(crate) fn append(&self, lines: &[u8]) -> io::Result<()> {
        append_once(&mut &self.file, &self.torn, lines)
    }
}

impl Journal {
    /// Writes to standard output. There is no chain then: whoever reads it keeps it.
    #[must_use]
    pub fn stdout() -> Self {
        Self(Sink::Stdout)
    }

    /// Writes to a pipe or a device.
    pub(crate) fn stream(file: File) -> Self {
        Self(Sink::Stream(Mutex::new(file), AtomicBool::new(false)))
    }

    pub(crate) fn page(page: Page) -> Self {
        let current = ArcSwap::from_pointee(page);
        Self(Sink::Files(Turning { current, closing: Mutex::new(None), turns: AtomicU64::new(0) }))
    }

    /// Appends one line or several, each with its line end, in one write.
    ///
    /// # Errors
    /// When they could not be written whole. Part of them may be in the file then; later lines
    /// are not touched by that.
    pub fn append(&self, lines: &[u8]) -> io::Result<()> {
        if !lines.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not whole lines"));
        }
        match &self.0 {
            Sink::Files(turning) => turning.current.load().append(lines),
            Sink::Stream(file, torn) => {
                let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                append_all(&mut *file, torn, lines)
            }
            Sink::Stdout => {
                // Standard output keeps what it could not write, and goes on with it.
                let mut out = io::stdout().lock();
                out.write_all(lines)?;
                out.flush()
            }
        }
    }

    /// Returns when everything that was appended before the call is on the disk.
    ///
    /// # Errors
    /// When it is not. It may or may not be there then, and a later call does not tell.
    pub fn sync(&self) -> io::Result<()> {
        let Sink::Files(turning) = &self.0 else { return Ok(()) };
        // In this order: what was appended to a file that is not the current one any more is
        // in the one that is being closed, or that file was synced when it was closed.
        let current = turning.current();
        let closing = turning.closing();
        current.file.sync_data()?;
        closing.map_or(Ok(()), |page| page.file.sync_data())
    }

    /// How often another file was begun. What is appended after the call goes to that file or a
    /// later one.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turning().map_or(0, |turning| turning.turns.load(Ordering::Acquire))
    }

    /// None where there are no files.
    pub(crate) fn turning(&self) -> Option<&Turning> {
        match &self.0 {
            Sink::Files(turning) => Some(turning),
            Sink::Stream(..) | Sink::Stdout => None,
        }
    }
}

impl Turning {
    pub(crate) fn current(&self) -> Arc<Page> {
        self.current.load_full()
    }

    fn closing(&self) -> Option<Arc<Page>> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on records go to this file.
    pub(crate) fn turn(&self, fresh: Page) {
        let old = self.current.load_full();
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = Some(old);
        self.current.store(Arc::new(fresh));
        self.turns.fetch_add(1, Ordering::Release);
    }

    /// The file before the current one, once nobody writes to it any more and all that was
    /// written to it is on the disk. It is not a file to be synced from then on.
    pub(crate) fn quiet(&self) -> io::Result<Option<Arc<Page>>> {
        let page = {
            let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
            match &*closing {
                // Whoever holds it counts: the swap has made those who read it owners.
                Some(page) if Arc::strong_count(page) == 1 => Arc::clone(page),
                _ => return Ok(None),
            }
        };
        // What was done before the last writer let go of it is seen.
        fence(Ordering::Acquire);
        page.file.sync_data()?;
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(Some(page))
    }

    /// It could not be closed.
    pub(crate) fn put_back(&self, page: Arc<Page>) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = Some(page);
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
