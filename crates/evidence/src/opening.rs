//! Opening a journal: one gate at a time, and everything that the last one left half done is
//! brought to its end. What that can be is told in [`sealer`](crate::sealer) and
//! [`recovery`](crate::recovery).

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use suppression::{Digest, Timestamp};

use crate::chain::{ChainId, FORMAT, Header, NONE, cover_rest};
use crate::files::{Closed, UNFINISHED, closed, is, sync_folder, with_suffix};
use crate::journal::{Journal, Page};
use crate::record::Record;
use crate::recovery::{self, Place, Recovery, UNSETTLED_MAX, Unsettled};
use crate::sealer::{Begin, Sealed, Sealer, close};
use crate::survey::Survey;

/// How often a file that is turned at the moment it is opened is opened again.
const TRIES: usize = 10;

/// What a journal is opened with.
#[derive(Debug, Clone, Copy)]
pub struct Opening {
    /// The time, of the records that are written now.
    pub now: Timestamp,
    /// The name of a new chain, should one begin: any number that was never used.
    pub chain: ChainId,
    /// How long a message may wait for the reply to its dot: so far back is looked for those
    /// of which the last run knew no outcome.
    pub reach: Duration,
}

/// An open journal.
#[derive(Debug)]
pub struct Opened {
    /// For the sessions.
    pub journal: Arc<Journal>,
    /// For the thread that keeps the chain; none where records go to a pipe.
    pub sealer: Option<Sealer>,
    /// What the last run has left.
    pub recovery: Recovery,
    /// Messages whose fate is not known: those that the last run has left, and those of which it
    /// knew that, as far back as `reach`.
    pub unsettled: Vec<Unsettled>,
    /// Closed files that are to be [packed](crate::pack).
    pub to_pack: Vec<PathBuf>,
}

/// Opens or makes the file (only its owner may read it), locks it, closes and seals what the
/// last run has left open, and writes an `unknown` outcome for each intent that has none: a
/// gate ended between the two, and nobody knows what became of the message.
///
/// # Errors
/// When a file cannot be opened, read or written, another process has it
/// ([`io::ErrorKind::ResourceBusy`]), or a newer version has written it.
pub fn open(path: &Path, opening: &Opening) -> io::Result<Opened> {
    let Some(file) = open_locked(path)? else {
        let file = OpenOptions::new().append(true).open(path)?;
        return Ok(Opened {
            journal: Arc::new(Journal::stream(file)),
            sealer: None,
            recovery: Recovery::default(),
            unsettled: Vec::new(),
            to_pack: Vec::new(),
        });
    };
    sync_folder(path)?;
    let before = tidy(path, &file)?;
    let mut pass = recovery::read(&before, path, Place::begin(&before, path, opening.reach)?)?;
    let survey = std::mem::take(&mut pass.survey);
    let page = Page::new(file, survey.unended);
    let begin = go_on(path, &page, &survey, &before, opening)?;
    let journal = Arc::new(Journal::page(page));
    let mut found = Recovery { unknown: 0, torn: pass.torn };
    let mut unsettled = Vec::from(std::mem::take(&mut pass.unsettled));
    let ids = &mut unsettled;
    found.unknown = recover(&journal, &before, path, pass, opening.now, ids)?;
    let sealer = Sealer::new(Arc::clone(&journal), begin);
    let to_pack = before.into_iter().filter(|closed| closed.plain).map(|c| c.path).collect();
    Ok(Opened { journal, sealer: Some(sealer), recovery: found, unsettled, to_pack })
}

/// Opens a regular file and keeps other gates away from it; none for anything else.
fn open_locked(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..TRIES {
        if fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Ok(None);
        }
        let file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // It may be one that the gate which had it has just closed.
        if is(path, &file.metadata()?) {
            return Ok(Some(file));
        }
    }
    let text = "another process writes this evidence file; give each gate its own";
    Err(io::Error::new(io::ErrorKind::ResourceBusy, text))
}

/// Removes what is nothing yet; returns the closed files. With the current file locked, nobody
/// else is at work here.
fn tidy(path: &Path, current: &File) -> io::Result<Vec<Closed>> {
    remove(&with_suffix(path, UNFINISHED))?;
    let metadata = current.metadata()?;
    let mut kept = Vec::new();
    for closed in closed(path)? {
        remove(&with_suffix(&closed.packed(), UNFINISHED))?;
        if closed.plain && is(&closed.path, &metadata) {
            // It got this name, and was not turned.
            remove(&closed.path)?;
        } else {
            kept.push(closed);
        }
    }
    Ok(kept)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Where the chain goes on; begins one where there is none.
fn go_on(
    path: &Path,
    page: &Page,
    survey: &Survey,
    before: &[Closed],
    opening: &Opening,
) -> io::Result<Begin> {
    let path = path.to_owned();
    let Some((_, header)) = &survey.header else {
        return begin(path, page, before, opening);
    };
    if header.format > FORMAT {
        let text = "a newer version of this program has written the evidence file; use that one";
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let sealed = match &survey.seal {
        Some(seal) => Sealed {
            to: seal.seal.to,
            hash: seal.seal.hash,
            first: false,
            own: if seal.end == survey.length { seal.end - seal.start } else { 0 },
        },
        None => {
            let previous = before.iter().find(|closed| closed.number + 1 == header.number);
            Sealed::nothing(previous.map(|file| final_hash(file, opening.now)).transpose()?)
        }
    };
    Ok(Begin { path, header: header.clone(), sealed })
}

/// A file without a chain: a new one, or one from before there were chains, or one whose
/// `file` record was torn. It is sealed from its first byte, as it is now.
fn begin(path: PathBuf, page: &Page, before: &[Closed], opening: &Opening) -> io::Result<Begin> {
    let last = before.last();
    let mut header = Header {
        time: opening.now,
        format: FORMAT,
        chain: opening.chain,
        number: 1,
        previous: None,
    };
    let mut previous = None;
    if let Some(last) = last {
        header.number = last.number + 1;
        header.previous = Some(last.name());
        if let Some((_, begun)) = Survey::of(last.open()?)?.header {
            header.chain = begun.chain;
        }
        previous = Some(final_hash(last, opening.now)?);
    }
    let line = header.line()?;
    let was_empty = page.file.metadata()?.len() == 0;
    page.append(&line)?;
    page.file.sync_all()?;
    let own = if was_empty { line.len() as u64 } else { 0 };
    Ok(Begin { path, header, sealed: Sealed { own, ..Sealed::nothing(previous) } })
}

/// The final hash of a closed file; it gets its last seal if it has none.
fn final_hash(closed: &Closed, now: Timestamp) -> io::Result<Digest> {
    let survey = Survey::of(closed.open()?)?;
    let sealed = survey.seal.as_ref().map(|seal| &seal.seal);
    if survey.is_closed() || !closed.plain {
        let (from, hash) = sealed.map_or((0, NONE), |seal| (seal.to, seal.hash));
        let mut rest = closed.open()?;
        io::copy(&mut io::Read::take(&mut rest, from), &mut io::sink())?;
        return cover_rest(&hash, rest);
    }
    let file = OpenOptions::new().read(true).append(true).open(&closed.path)?;
    let page = Page::new(file, survey.unended);
    let mut sealed = match sealed {
        Some(seal) => Sealed { to: seal.to, hash: seal.hash, first: false, own: 0 },
        // It was never sealed, so what was before it is not known by it.
        None => Sealed::nothing(None),
    };
    close(&page, &mut sealed, now)
}

/// Closes the intents that the last run left open; returns how many.
fn recover(
    journal: &Journal,
    before: &[Closed],
    path: &Path,
    first: recovery::Pass,
    now: Timestamp,
    unsettled: &mut Vec<Unsettled>,
) -> io::Result<usize> {
    let (mut unknown, mut left) = (0, UNSETTLED_MAX);
    let mut line = Vec::new();
    let mut pass = first;
    loop {
        let from = pass.no_room;
        for outcome in pass.outcomes(now) {
            line.clear();
            Record::Outcome(&outcome).write_line(&mut line)?;
            journal.append(&line)?;
            unknown += 1;
            if let Some(message_id) = outcome.message_id.filter(|_| left > 0) {
                let (transaction, time) = (outcome.transaction, outcome.time);
                unsettled.push(Unsettled { message_id, transaction, time });
                left -= 1;
            }
        }
        match from {
            // The next pass sees the outcomes that were written now.
            Some(place) => pass = recovery::read(before, path, place)?,
            None => return Ok(unknown),
        }
    }
}

#[cfg(test)]
mod tests;
