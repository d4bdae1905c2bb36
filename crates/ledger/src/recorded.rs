//! What the events say was done to rows and keys, so that it can be held against them: an erasure
//! or a key of which no event tells was not made by this program.

use std::collections::HashSet;

use rusqlite::Connection;

use crate::chain::EventLink;
use crate::digits::hex;
use crate::row;

/// What the chain of events has told.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) erased: HashSet<u64>,
    pub(crate) keys: Vec<RecordedKey>,
}

/// A key that was added, as its event says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RecordedKey {
    pub(crate) event: u64,
    id: String,
    fingerprint: String,
    added: i64,
}

impl Recorded {
    pub(crate) fn note(&mut self, event: &EventLink<'_>) -> Result<(), String> {
        let unread = || "its details cannot be read".to_owned();
        let details: serde_json::Value =
            serde_json::from_str(event.details).map_err(|_| unread())?;
        match event.what {
            "erase" => {
                let rows =
                    details.get("rows").and_then(|rows| rows.as_array()).ok_or_else(unread)?;
                // Of rows that came later it could not tell.
                let rows = rows.iter().filter_map(serde_json::Value::as_u64);
                self.erased.extend(rows.filter(|row| *row <= event.entries));
            }
            "rekey" => {
                let text = |name| {
                    let text = details.get(name).and_then(|text| text.as_str());
                    text.map(str::to_owned).ok_or_else(unread)
                };
                let (event, added) = (event.number, event.recorded);
                let (id, fingerprint) = (text("key")?, text("fingerprint")?);
                self.keys.push(RecordedKey { event, id, fingerprint, added });
            }
            _ => {}
        }
        Ok(())
    }
}

/// The keys the ledger lists, the oldest first.
#[derive(Debug)]
pub(crate) struct ListedKeys {
    keys: Vec<(u32, RecordedKey)>,
}

/// What is wrong with the table of keys.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum WrongKey {
    /// It does not say what this event says.
    Event(u64, String),
    /// Something is wrong with this key, of which no event tells.
    Key(String, String),
}

impl ListedKeys {
    pub(crate) fn read(snapshot: &Connection) -> rusqlite::Result<Self> {
        let keys = snapshot
            .prepare("SELECT id, fingerprint, added FROM hash_key ORDER BY number")?
            .query_map((), |found| {
                let id = row::key_id(found, 0)?;
                let fingerprint = hex(&row::blob(found, 1)?);
                let id = (id.0, crate::digits::show(id));
                Ok((id.0, RecordedKey { event: 0, id: id.1, fingerprint, added: found.get(2)? }))
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(Self { keys })
    }

    pub(crate) fn has(&self, id: u32) -> bool {
        self.keys.iter().any(|(known, _)| *known == id)
    }

    /// The first key came with the ledger; of every later one an event tells.
    pub(crate) fn against(&self, told: &[RecordedKey]) -> Option<WrongKey> {
        let mut later = self.keys.iter().skip(1);
        for told in told {
            let listed =
                later.next().map(|(_, key)| RecordedKey { event: told.event, ..key.clone() });
            let what = match listed {
                Some(listed) if listed == *told => continue,
                Some(_) => "the table hash_key has another key in the place of the one it added",
                None => "the key it added, or one before it, is missing in the table hash_key",
            };
            return Some(WrongKey::Event(told.event, what.to_owned()));
        }
        later.next().map(|(_, key)| {
            let what = "it stands in the table hash_key without a record of it".to_owned();
            WrongKey::Key(key.id.clone(), what)
        })
    }
}
