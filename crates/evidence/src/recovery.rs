//! What the last run left open. An intent is on file before our final dot goes upstream, its
//! outcome after; when a gate ends in between, the smarthost may have taken the message or not.
//! At the next start such a transaction gets the outcome `unknown`, once.
//!
//! The file is read in one pass and bounded memory. Should more than [`OPEN_MAX`] intents be
//! open at once, the rest is left for another pass from the first one that had no room, which
//! then sees the outcomes the pass before has written.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use suppression::Timestamp;

use crate::lines::{Lines, records};
use crate::record::{Class, Ending, Outcome};
use crate::reference::Reference;

/// Open intents that are kept at a time: more than sessions that reach their dot at once.
const OPEN_MAX: usize = 10_000;
const BUFFER: usize = 256 * 1024;

/// What was found in an evidence file when it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovery {
    /// Intents without an outcome; each got an `unknown` one.
    pub unknown: usize,
    /// Intents and outcomes that are not whole, and an end of file within a line.
    pub torn: usize,
}

/// The fields of an intent that its outcome repeats.
#[derive(Debug, Deserialize)]
struct Open {
    session: Arc<str>,
    client: IpAddr,
    transaction: Reference,
    login: Option<Arc<str>>,
    reverse_path_domain: Option<Arc<str>>,
    stream: Option<Arc<str>>,
    class: Option<Class>,
    recipients: usize,
    message_id: Option<String>,
    bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Closed {
    transaction: Reference,
}

/// What one pass over a file has found.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    open: HashMap<Reference, Open>,
    /// Where the first line is whose intent found no room.
    pub(crate) no_room: Option<u64>,
    /// Records that are not whole, see [`Recovery::torn`].
    pub(crate) torn: usize,
    /// The file ends within a line.
    pub(crate) unended: bool,
}

impl Pass {
    /// The outcomes that are missing, the oldest transaction first.
    pub(crate) fn outcomes(self, now: Timestamp) -> impl ExactSizeIterator<Item = Outcome> {
        let mut open: Vec<_> = self.open.into_values().collect();
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

/// Reads the file from there to its end.
pub(crate) fn read(path: &Path, offset: u64) -> io::Result<Pass> {
    read_with_room(path, offset, OPEN_MAX)
}

fn read_with_room(path: &Path, offset: u64, room: usize) -> io::Result<Pass> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut lines = Lines::new(BufReader::with_capacity(BUFFER, file), offset);
    let mut pass = Pass::default();
    while let Some(line) = lines.next()? {
        pass.unended = !line.ended;
        pass.torn += usize::from(pass.unended);
        for record in records(line.bytes) {
            if record.starts_with(b"{\"record\":\"intent\"") {
                match serde_json::from_slice::<Open>(record) {
                    Ok(_) if pass.no_room.is_some() => {}
                    Ok(_) if pass.open.len() >= room => pass.no_room = Some(line.offset),
                    Ok(intent) => drop(pass.open.insert(intent.transaction, intent)),
                    Err(_) => pass.torn += usize::from(line.ended),
                }
            } else if record.starts_with(b"{\"record\":\"outcome\"") {
                match serde_json::from_slice::<Closed>(record) {
                    Ok(closed) => drop(pass.open.remove(&closed.transaction)),
                    Err(_) => pass.torn += usize::from(line.ended),
                }
            }
        }
    }
    Ok(pass)
}

#[cfg(test)]
mod tests;
