//! The walk over the chain of events, beside the one over the rows: each event names where the
//! rows ended then, and its hash must be the one the walk over the rows comes by there.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::chain::{self, EventLink, Hash};
use crate::ledger::Head;
use crate::recorded::{Recorded, RecordedKey};
use crate::row;

/// The events that are still to be held against the rows.
#[derive(Debug)]
pub(crate) struct Events {
    head: Head,
    noted: Option<Hash>,
    /// Number of the event, and where it says the rows ended; by position.
    marks: Vec<(u64, Head)>,
    next: usize,
    broken: Option<(u64, String)>,
    recorded: Recorded,
}

impl Events {
    /// Walks the chain of events, which is short. `note`: the event whose hash is wanted.
    pub(crate) fn read(
        snapshot: &Connection,
        ledger_id: &[u8; 16],
        note: u64,
    ) -> rusqlite::Result<Self> {
        let head = Head { position: 0, hash: chain::events_genesis(ledger_id) };
        let noted = (note == 0).then_some(head.hash);
        let recorded = Recorded::default();
        let mut events = Self { head, noted, marks: Vec::new(), next: 0, broken: None, recorded };
        let mut statement = snapshot.prepare(
            "SELECT number, recorded, what, by, details, entries, entries_hash, hash FROM event
             ORDER BY number",
        )?;
        let mut rows = statement.query(())?;
        while let Some(found) = rows.next()? {
            let expected = events.head.position + 1;
            match events.step(found) {
                Ok(()) if events.head.position == note => events.noted = Some(events.head.hash),
                Ok(()) => {}
                Err(what) => {
                    events.broken = Some((expected, what));
                    break;
                }
            }
        }
        events.marks.sort_by_key(|(_, mark)| mark.position);
        Ok(events)
    }

    fn step(&mut self, found: &rusqlite::Row<'_>) -> Result<(), String> {
        let read = |error: rusqlite::Error| format!("it cannot be read: {error}");
        let number = row::position(found, 0).map_err(read)?;
        if number != self.head.position + 1 {
            return Err(format!("it is missing; the next event there is has number {number}"));
        }
        let text = |at| -> Result<&str, String> {
            let value = found.get_ref(at).map_err(read)?;
            value.as_str().map_err(|error| error.to_string())
        };
        let entries = row::position(found, 5).map_err(read)?;
        let entries_hash = row::blob(found, 6).map_err(read)?;
        let link = EventLink {
            number,
            recorded: found.get(1).map_err(read)?,
            what: text(2)?,
            by: text(3)?,
            details: text(4)?,
            entries,
            entries_hash: &entries_hash,
        };
        let hash = row::blob(found, 7).map_err(read)?;
        if link.hash(&self.head.hash) != hash {
            return Err("its hash does not fit: it, or an event before it, was changed".to_owned());
        }
        self.recorded.note(&link)?;
        self.head = Head { position: number, hash };
        self.marks.push((number, Head { position: entries, hash: entries_hash }));
        Ok(())
    }

    /// Told each row in order.
    pub(crate) fn pass(&mut self, row: Head) {
        while let Some((number, mark)) = self.marks.get(self.next) {
            if mark.position > row.position {
                break;
            }
            if mark.hash != row.hash {
                self.break_at(*number, "the rows it covers are not the ledger's");
            }
            self.next += 1;
        }
    }

    /// The first event with which something is wrong, when the rows have ended.
    pub(crate) fn end(&mut self, expected: Head) -> Option<(u64, String)> {
        if let Some((number, _)) = self.marks.get(self.next) {
            self.break_at(*number, "it covers rows that are not there");
        }
        if self.broken.is_none() && self.head != expected {
            let number = self.head.position.min(expected.position) + 1;
            self.break_at(number, "it is missing, or not accounted for in the noted end");
        }
        self.broken.take()
    }

    fn break_at(&mut self, number: u64, what: &str) {
        if self.broken.as_ref().is_none_or(|(first, _)| number < *first) {
            self.broken = Some((number, what.to_owned()));
        }
    }

    /// Whether something is wrong with one, as far as is known.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The rows whose personal fields they say were erased.
    pub(crate) fn erased(&self) -> &HashSet<u64> {
        &self.recorded.erased
    }

    /// The keys they say were added to the first one.
    pub(crate) fn keys(&self) -> &[RecordedKey] {
        &self.recorded.keys
    }

    pub(crate) fn head(&self) -> Head {
        self.head
    }

    pub(crate) fn noted(&self) -> Option<Hash> {
        self.noted
    }
}
