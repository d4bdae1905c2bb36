//! What the last run left open. An intent is on file before our final dot goes upstream, its
//! outcome after; when a gate ends in between, the smarthost may have taken the message or not.
//! At the next start such a transaction gets the outcome `unknown`, once.
//!
//! The files are read in one pass and bounded memory. Should more than [`OPEN_MAX`] intents be
//! open at once, the rest is left for another pass from the first one that had no room, which
//! then sees the outcomes the pass before has written. A file may have been turned between an
//! intent and its outcome, so closed files are read too, as far back as a message can have
//! waited for its outcome when the last record was written.

use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use suppression::Timestamp;

use crate::files::{Closed, Input};
use crate::lines::{Lines, records, transaction};
use crate::record::{Class, Ending, Outcome};
use crate::reference::Reference;
use crate::survey::Survey;

/// Open intents that are kept at a time: more than sessions that reach their dot at once.
const OPEN_MAX: usize = 10_000;
const BUFFER: usize = 256 * 1024;
/// The end of a file in which its last record is looked for: longer than two records.
const TAIL: u64 = 512 * 1024;

/// What was found in an evidence file when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Intents without an outcome; each got an `unknown` one.
    pub unknown: usize,
    /// Intents and outcomes that are not whole, and an end of file within a line.
    pub torn: usize,
}

/// A message of which nobody knows what became.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unsettled {
    /// Its Message-ID.
    pub message_id: String,
    /// Its transaction.
    pub transaction: Reference,
    /// When it had ended so.
    pub time: Timestamp,
}

/// How many of them are told of an opening; of more, the last ones.
pub(crate) const UNSETTLED_MAX: usize = 1000;

/// How an outcome says so. No text in a record can hold this, its quotes would be escaped.
const UNKNOWN: &[u8] = b"\"ending\":\"unknown\"";

/// The fields of an intent that its outcome repeats.
#[derive(Debug, Deserialize)]
struct Open {
    session: Arc<str>,
    client: IpAddr,
    transaction: Reference,
    login: Option<Arc<str>>,
    tls: Option<Arc<str>>,
    reverse_path_domain: Option<Arc<str>>,
    stream: Option<Arc<str>>,
    class: Option<Class>,
    recipients: usize,
    message_id: Option<String>,
    bytes: u64,
}

/// A whole record's transaction. Not all of its fields are read: of a million of them perhaps
/// one was left open.
fn transaction_of(record: &[u8]) -> Option<Reference> {
    let name = transaction(record)?.parse().ok()?;
    serde_json::from_slice::<IgnoredAny>(record).ok().map(|_| name)
}

/// Where in the files a pass begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// Which of the closed files; the current one comes behind them.
    file: usize,
    offset: u64,
}

impl Place {
    /// The first file that may hold an intent whose outcome nobody knew at the end of the last
    /// run, when `reach` is as long as one may wait for it.
    pub(crate) fn begin(closed: &[Closed], current: &Path, reach: Duration) -> io::Result<Self> {
        let last = last_time(current)?.or_else(|| closed.last().map(|closed| closed.time));
        let Some(last) = last else { return Ok(Self { file: 0, offset: 0 }) };
        let reach = i64::try_from(reach.as_micros()).unwrap_or(i64::MAX);
        let begin = last.micros().saturating_sub(reach);
        let over = |closed: &Closed| closed.time.micros() < begin;
        Ok(Self { file: closed.iter().take_while(|closed| over(closed)).count(), offset: 0 })
    }
}

/// The time of the last whole record of a file.
fn last_time(path: &Path) -> io::Result<Option<Timestamp>> {
    #[derive(Deserialize)]
    struct Timed {
        time: Timestamp,
    }
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER, file), from);
    let mut last = None;
    while let Some(line) = lines.next()? {
        for record in records(line.bytes) {
            if let Ok(timed) = serde_json::from_slice::<Timed>(record) {
                last = Some(timed.time);
            }
        }
    }
    Ok(last)
}

/// What one pass over the files has found.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// The records themselves.
    open: HashMap<Reference, Box<[u8]>>,
    /// Where the first line is whose intent found no room.
    pub(crate) no_room: Option<Place>,
    /// Messages whose outcome was written, and is not known.
    pub(crate) unsettled: VecDeque<Unsettled>,
    /// What the current file tells about its chain, if the pass began before it.
    pub(crate) survey: Survey,
    /// Records that are not whole, see [`Recovery::torn`].
    pub(crate) torn: usize,
}

impl Pass {
    /// The outcomes that are missing, the oldest transaction first.
    pub(crate) fn outcomes(self, now: Timestamp) -> impl ExactSizeIterator<Item = Outcome> {
        let intents = self.open.into_values();
        let mut open: Vec<Open> =
            intents.filter_map(|intent| serde_json::from_slice(&intent).ok()).collect();
        open.sort_by_key(|intent| intent.transaction);
        open.into_iter().map(move |intent| unknown(intent, now))
    }
}

fn unknown(intent: Open, now: Timestamp) -> Outcome {
    Outcome {
        time: now,
        session: intent.session,
        client: intent.client,
        login: intent.login,
        tls: intent.tls,
        transaction: intent.transaction,
        reverse_path_domain: intent.reverse_path_domain,
        stream: intent.stream,
        class: intent.class,
        recipients: intent.recipients,
        dropped: 0,
        message_id: intent.message_id,
        bytes: intent.bytes,
        // Nobody knows how long it took.
        duration_ms: 0,
        ending: Ending::Unknown,
        why: Some("restart"),
        reply: None,
    }
}

/// Reads the closed files and the current one, from there to the end.
pub(crate) fn read(closed: &[Closed], current: &Path, from: Place) -> io::Result<Pass> {
    read_with_room(closed, current, from, OPEN_MAX)
}

fn read_with_room(closed: &[Closed], current: &Path, from: Place, room: usize) -> io::Result<Pass> {
    let mut pass = Pass::default();
    let mut offset = from.offset;
    for (file, closed) in closed.iter().enumerate().skip(from.file) {
        pass.read(closed.open()?, Place { file, offset }, room)?;
        offset = 0;
    }
    let input: Input = Box::new(BufReader::with_capacity(BUFFER, File::open(current)?));
    pass.survey = Survey::default();
    pass.read(input, Place { file: closed.len(), offset }, room)?;
    Ok(pass)
}

impl Pass {
    fn read(&mut self, mut input: Input, from: Place, room: usize) -> io::Result<()> {
        io::copy(&mut (&mut input).take(from.offset), &mut io::sink())?;
        let mut lines = Lines::new(input, from.offset);
        while let Some(line) = lines.next()? {
            self.survey.see(&line);
            self.torn += usize::from(!line.ended);
            for record in records(line.bytes) {
                if record.starts_with(b"{\"record\":\"intent\"") {
                    match transaction_of(record) {
                        Some(_) if self.no_room.is_some() => {}
                        Some(_) if self.open.len() >= room => {
                            self.no_room = Some(Place { offset: line.offset, ..from });
                        }
                        Some(name) => drop(self.open.insert(name, record.into())),
                        None => self.torn += usize::from(line.ended),
                    }
                } else if record.starts_with(b"{\"record\":\"outcome\"") {
                    match transaction_of(record) {
                        Some(name) => {
                            self.open.remove(&name);
                            self.note_unsettled(record);
                        }
                        None => self.torn += usize::from(line.ended),
                    }
                }
            }
        }
        Ok(())
    }

    fn note_unsettled(&mut self, outcome: &[u8]) {
        if memmem::find(outcome, UNKNOWN).is_none() {
            return;
        }
        // One without a Message-ID cannot be known again.
        let Ok(unsettled) = serde_json::from_slice(outcome) else { return };
        if self.unsettled.len() >= UNSETTLED_MAX {
            self.unsettled.pop_front();
        }
        self.unsettled.push_back(unsettled);
    }
}

#[cfg(test)]
mod tests;
