//! What was done with the ledger: exports, erasures, new keys, restores, checkpoints. A record of
//! its own beside the entries, chained in the same way; each event also covers where the record
//! of entries stood, so the two cannot be moved against each other.
//!
//! Events are never erased, so their texts must not name a person.

use rusqlite::Connection;
use suppression::Timestamp;

use crate::chain::EventLink;
use crate::error::LedgerError;
use crate::ledger::{Head, Ledger, counters};
use crate::row;
use crate::transaction::Fault;

/// Something that was done, to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What, in a word: `export`, `erase`, `rekey`, `restore`, `checkpoint`.
    pub what: &'a str,
    /// The user who asked for it.
    pub by: &'a str,
    /// A JSON object. Events are kept for ever: no addresses in it.
    pub details: &'a str,
}

/// Something that was done, as recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLine {
    /// From 1, without gaps.
    pub number: u64,
    /// When.
    pub recorded: Timestamp,
    /// What, in a word.
    pub what: String,
    /// The user who asked for it.
    pub by: String,
    /// A JSON object.
    pub details: String,
    /// Where the record of entries ended then.
    pub entries: u64,
    /// Hash of this event over the one before.
    pub hash: [u8; 32],
}

impl Ledger {
    /// Records that something was done. Returns its number when it is on disk.
    ///
    /// # Errors
    /// When a field is empty or the details are no JSON object; when the file cannot be written.
    pub fn record_event(&mut self, now: Timestamp, event: &Event<'_>) -> Result<u64, LedgerError> {
        self.write(|transaction, _, counters, _| put(transaction, counters.head, now, event))
    }

    /// Everything that was done, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events(&self) -> Result<Vec<EventLine>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT number, recorded, what, by, details, entries, hash FROM event
                 ORDER BY number",
            )?;
            let lines = statement.query_map((), |found| {
                Ok(EventLine {
                    number: row::position(found, 0)?,
                    recorded: row::timestamp(found, 1)?.ok_or_else(|| row::broken(1, "no time"))?,
                    what: found.get(2)?,
                    by: found.get(3)?,
                    details: found.get(4)?,
                    entries: row::position(found, 5)?,
                    hash: row::blob(found, 6)?,
                })
            })?;
            lines.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }
}

/// Writes an event behind the last one. `entries` is where the record of entries ends within
/// this transaction.
pub(crate) fn put(
    transaction: &Connection,
    entries: Head,
    now: Timestamp,
    event: &Event<'_>,
) -> Result<u64, Fault> {
    let Event { what, by, details } = *event;
    if what.trim().is_empty() || by.trim().is_empty() {
        return Err(LedgerError::Unaccountable("say what was done and who asks for it").into());
    }
    if !matches!(serde_json::from_str(details), Ok(serde_json::Value::Object(_))) {
        return Err(LedgerError::Unaccountable("the details of an event are a JSON object").into());
    }
    let last = counters(transaction)?.events;
    let number = last.position + 1;
    let hash = EventLink {
        number,
        recorded: now.micros(),
        what,
        by,
        details,
        entries: entries.position,
        entries_hash: &entries.hash,
    }
    .hash(&last.hash);
    transaction
        .prepare_cached(
            "INSERT INTO event (number, recorded, what, by, details, entries, entries_hash, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(rusqlite::params![
            row::integer(number),
            now.micros(),
            what,
            by,
            details,
            row::integer(entries.position),
            entries.hash,
            hash,
        ])?;
    let mut set = transaction.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?;
    set.execute(("events", row::integer(number)))?;
    set.execute(("events_hash", &hash[..]))?;
    Ok(number)
}
