//! Keeps the chain of the files: seals what was appended, turns the file when it is large or
//! old, and closes the one before it. One for a journal, called every second or so by whoever
//! keeps the time; no session knows of it.
//!
//! A turn, and what a crash leaves at each step (see [`opening`](crate::opening)):
//!
//! 1. `evidence.jsonl.new` is made, locked, and gets its `file` record: removed at the next
//!    start.
//! 2. The current file gets its second name, `evidence.jsonl.000007-…`, as a hard link: that
//!    name is removed.
//! 3. The new file is renamed to `evidence.jsonl`: the old one is closed at the next start.
//!    From 1 to 3 there is a current file at every moment, and it is locked.
//! 4. Records go to the new file. Nothing of this waits for a session, so somebody may still
//!    be writing to the old one.
//! 5. Once nobody is, the old file gets its last seal. The first seal of the new one goes on
//!    from it, so until then there is none.
//!
//! What is sealed was synced before: a seal that survives a power failure has its records.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use suppression::{Digest, Timestamp};

use crate::chain::{ChainId, FORMAT, Header, NONE, Seal, cover, cut_off};
use crate::files::{Closed, UNFINISHED, is, name_of, sync_folder, with_suffix};
use crate::journal::{Journal, Page, Turning};

/// When a new file is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// When the current one has this many bytes.
    pub size: Option<u64>,
    /// When the current one is this old.
    pub age: Option<Duration>,
}

/// Seals and turns the files of a journal.
#[derive(Debug)]
pub struct Sealer {
    journal: Arc<Journal>,
    path: PathBuf,
    chain: ChainId,
    number: u64,
    /// When the current file was begun.
    began: Timestamp,
    state: State,
}

#[derive(Debug, Clone)]
enum State {
    Sealing(Sealed),
    /// The file before is closed when nobody writes to it any more.
    Closing {
        path: PathBuf,
        /// Its last seal.
        sealed: Sealed,
        /// The bytes of the `file` record in the current one.
        header: u64,
    },
}

/// How far a file is sealed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sealed {
    /// The first byte that is not.
    pub(crate) to: u64,
    /// The hash up to there.
    pub(crate) hash: Digest,
    /// The hash is that of the file before, and the next seal tells it.
    pub(crate) first: bool,
    /// Bytes behind it that are the chain's own, and not worth another seal.
    pub(crate) own: u64,
}

impl Sealed {
    /// Nothing yet, in a file that goes on from another, or from none.
    pub(crate) fn nothing(previous: Option<Digest>) -> Self {
        Self { to: 0, hash: previous.unwrap_or(NONE), first: previous.is_some(), own: 0 }
    }
}

/// Where a chain goes on.
pub(crate) struct Begin {
    pub(crate) path: PathBuf,
    pub(crate) header: Header,
    pub(crate) sealed: Sealed,
}

impl Sealer {
    pub(crate) fn new(journal: Arc<Journal>, begin: Begin) -> Self {
        let Begin { path, header, sealed } = begin;
        Self {
            journal,
            path,
            chain: header.chain,
            number: header.number,
            began: header.time,
            state: State::Sealing(sealed),
        }
    }

    /// Does what is to be done: closes the file that was turned before, seals what was
    /// appended, begins a new file. Returns a file that was closed, to be
    /// [packed](crate::pack).
    ///
    /// # Errors
    /// When something of it could not be done. Records are taken all the same, and the next
    /// call tries again.
    pub fn tick(&mut self, now: Timestamp, when: &Rotation) -> io::Result<Option<PathBuf>> {
        let closed = self.settle(now)?;
        self.seal(now)?;
        if closed.is_some() || !self.is_due(now, when)? {
            return Ok(closed);
        }
        self.turn(now)?;
        self.settle(now)
    }

    /// Seals what is left, for the end.
    ///
    /// # Errors
    /// As [`Sealer::tick`].
    pub fn finish(&mut self, now: Timestamp) -> io::Result<()> {
        self.settle(now)?;
        self.seal(now)
    }

    fn turning(&self) -> io::Result<&Turning> {
        self.journal.turning().ok_or_else(|| io::Error::other("these records go to no file"))
    }

    /// Covers what was appended since the last seal, up to its last line end.
    fn seal(&mut self, now: Timestamp) -> io::Result<()> {
        let State::Sealing(sealed) = self.state else { return Ok(()) };
        let page = self.turning()?.current();
        let length = page.file.metadata()?.len();
        if length < sealed.to {
            return Err(cut_off(sealed.to, length));
        }
        if length <= sealed.to + sealed.own {
            return Ok(());
        }
        let covered = cover(&sealed.hash, &page.file, sealed.to, length)?;
        let Some((to, hash)) = covered.lines else { return Ok(()) };
        page.file.sync_data()?;
        let own = write_seal(&page, sealed, to, hash, now, false)?;
        self.state = State::Sealing(Sealed { to, hash, first: false, own });
        Ok(())
    }

    fn is_due(&self, now: Timestamp, when: &Rotation) -> io::Result<bool> {
        let State::Sealing(sealed) = self.state else { return Ok(false) };
        // Nothing was ever recorded in it.
        if sealed.to == 0 {
            return Ok(false);
        }
        let old = |age: Duration| {
            let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
            now.micros().saturating_sub(self.began.micros()) >= micros
        };
        if when.age.is_some_and(old) {
            return Ok(true);
        }
        let Some(size) = when.size else { return Ok(false) };
        Ok(self.turning()?.current().file.metadata()?.len() >= size)
    }

    /// Begins a new file.
    fn turn(&mut self, now: Timestamp) -> io::Result<()> {
        let State::Sealing(sealed) = self.state else { return Ok(()) };
        let kept = Closed::path(&self.path, self.number, now);
        let header = Header {
            time: now,
            format: FORMAT,
            chain: self.chain,
            number: self.number + 1,
            previous: Some(name_of(&kept)),
        };
        let line = header.line()?;
        if !is(&self.path, &self.turning()?.current().file.metadata()?) {
            let text = "somebody moved the evidence file while it was written; records still go \
                        to it. Let only [evidence] rotate_size and rotate_age turn it, and \
                        start the gate again";
            return Err(io::Error::other(text));
        }
        let fresh = with_suffix(&self.path, UNFINISHED);
        // So that whoever closes it after a power failure finds the seals there were.
        self.turning()?.current().file.sync_data()?;
        let file = replace(&self.path, &kept, &fresh, &line).inspect_err(|_| {
            // Whatever of it was done is undone; what cannot be is at the next start.
            let _ = fs::remove_file(&fresh);
        })?;
        self.turning()?.turn(Page::new(file, false));
        self.state = State::Closing { path: kept, sealed, header: line.len() as u64 };
        self.number = header.number;
        self.began = now;
        Ok(())
    }

    /// Closes the file before the current one, if there is one that nobody writes to.
    fn settle(&mut self, now: Timestamp) -> io::Result<Option<PathBuf>> {
        let journal = Arc::clone(&self.journal);
        let State::Closing { path, sealed, header } = &mut self.state else { return Ok(None) };
        let Some(turning) = journal.turning() else { return Ok(None) };
        let Some(page) = turning.quiet()? else { return Ok(None) };
        let last = match close(&page, sealed, now) {
            Ok(last) => last,
            Err(error) => {
                turning.put_back(page);
                return Err(error);
            }
        };
        let path = std::mem::take(path);
        let next = Sealed { own: *header, ..Sealed::nothing(Some(last)) };
        self.state = State::Sealing(next);
        Ok(Some(path))
    }
}

/// Puts a new file in the place of the current one, which keeps its own name from then on.
fn replace(path: &Path, kept: &Path, fresh: &Path, header: &[u8]) -> io::Result<File> {
    match fs::remove_file(fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file =
        OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(fresh)?;
    file.try_lock().map_err(io::Error::from)?;
    file.write_all(header)?;
    file.sync_all()?;
    fs::hard_link(path, kept)?;
    fs::rename(fresh, path).inspect_err(|_| drop(fs::remove_file(kept)))?;
    // The old file comes back over the new one, which nobody has written to.
    sync_folder(path).inspect_err(|_| drop(fs::rename(kept, path)))?;
    Ok(file)
}

/// Gives a file to which nobody writes its last seal; returns its final hash. Should that fail
/// half-way, it can be done again: there are two last seals then.
pub(crate) fn close(page: &Page, sealed: &mut Sealed, now: Timestamp) -> io::Result<Digest> {
    let to = page.file.metadata()?.len();
    if to < sealed.to {
        return Err(cut_off(sealed.to, to));
    }
    let hash = cover(&sealed.hash, &page.file, sealed.to, to)?.all;
    page.file.sync_data()?;
    let own = write_seal(page, *sealed, to, hash, now, true)?;
    *sealed = Sealed { to, hash, first: false, own };
    page.file.sync_data()?;
    let end = page.file.metadata()?.len();
    Ok(cover(&hash, &page.file, to, end)?.all)
}

/// Returns the bytes of its line.
fn write_seal(
    page: &Page,
    before: Sealed,
    to: u64,
    hash: Digest,
    now: Timestamp,
    last: bool,
) -> io::Result<u64> {
    let previous = before.first.then_some(before.hash);
    let seal = Seal { time: now, from: before.to, to, previous, hash, last };
    let line = seal.line()?;
    page.append(&line)?;
    Ok(line.len() as u64)
}

#[cfg(test)]
mod tests;
