//! Adding rows: one transaction a call, positions and hashes given under one write lock, facts
//! seen before left out (DESIGN s7).
//!
//! When [`Ledger::append`] returns, the rows are on disk. Look-ups go in key order, rows in the
//! order given.

use std::sync::Arc;

use rusqlite::Connection;
use suppression::{KeyId, Kind, NewEntry, Timestamp};

use crate::chain::{self, first_word};
use crate::entropy::random;
use crate::error::LedgerError;
use crate::import;
use crate::ledger::{Counters, Ledger, Memory};
use crate::lookup::{self, Pointer};
use crate::origins::KnownOrigin;
use crate::pen::{NewRow, Pen};
use crate::row;
use crate::unfit::unfit;

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows added: the position of each, and its place among the entries given.
    pub added: Vec<(u64, usize)>,
    /// Entries that said nothing new.
    pub seen: usize,
    /// Position of the ledger's last row before. The rows added follow it without a gap.
    pub before: u64,
    /// Position of the ledger's last row afterwards.
    pub head: u64,
}

/// What is wanted for each entry before any row is written.
struct Plan {
    origin: Arc<KnownOrigin>,
    pointer: Pointer,
    /// An undated bounce: a list that still names the address after it has lapsed says so anew.
    /// No consent renews itself by standing in a file.
    renews: bool,
    seen: bool,
}

impl Ledger {
    /// Records entries in one transaction and returns when they are on disk. An entry whose fact
    /// (source, kind, scope, address, stated time) stands already adds nothing; one that was
    /// taken back since is added again, because the source still says so.
    ///
    /// # Errors
    /// Then nothing of the batch is recorded. [`LedgerError::Unfit`] for an entry that
    /// [`unfit`](crate::unfit) would have told of.
    pub fn append(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        entries: &[NewEntry],
    ) -> Result<Appended, LedgerError> {
        let unfit = |(place, entry)| unfit(entry).map(|what| LedgerError::Unfit { place, what });
        if let Some(error) = entries.iter().enumerate().find_map(unfit) {
            return Err(error);
        }
        let batch = Batch { now, import, seed: random()?, entries };
        let path = self.path.clone();
        self.write(|transaction, memory, counters, written| {
            if let Some(id) = unknown_key(transaction, entries)? {
                return Err(LedgerError::UnknownKey { path, id }.into());
            }
            let mut plans = batch.plan(transaction, memory)?;
            find_seen(transaction, memory, &mut plans, now)?;
            Ok(batch.insert(transaction, counters, &mut plans, &mut written.pointers)?)
        })
    }

    /// Brings a slice of what append keeps in memory into the file, and tells whether there is
    /// more to do. For the end of an import, between other work; it is never necessary.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is lost then.
    pub fn settle(&mut self) -> Result<bool, LedgerError> {
        self.write(|_, _, _, written| {
            written.force = true;
            Ok(())
        })?;
        Ok(self.memory.recent.is_unfinished())
    }
}

/// The key of an entry that this ledger does not know.
fn unknown_key(connection: &Connection, entries: &[NewEntry]) -> rusqlite::Result<Option<KeyId>> {
    let mut known = Vec::new();
    let mut statement = connection.prepare_cached("SELECT 1 FROM hash_key WHERE id = ?1")?;
    for entry in entries {
        if !known.contains(&entry.key_id) {
            if !statement.exists([entry.key_id.0])? {
                return Ok(Some(entry.key_id));
            }
            known.push(entry.key_id);
        }
    }
    Ok(None)
}

struct Batch<'a> {
    now: Timestamp,
    import: Option<&'a str>,
    seed: [u8; 32],
    entries: &'a [NewEntry],
}

impl Batch<'_> {
    fn plan(&self, connection: &Connection, memory: &mut Memory) -> rusqlite::Result<Vec<Plan>> {
        let mut buffer = Vec::with_capacity(256);
        self.entries
            .iter()
            .map(|entry| {
                let NewEntry { source, kind, scope, .. } = entry;
                let origin = memory.origins.intern(connection, source, *kind, scope)?;
                let stated = entry.stated.map(Timestamp::micros);
                let expires = entry.expires.map(Timestamp::micros);
                let (id, keys) = (entry.key_id, &entry.keys);
                let identity =
                    chain::identity(&origin.bytes, id, keys, stated, expires, &mut buffer);
                let person = first_word(entry.keys.person.as_bytes());
                let pointer = Pointer { person, position: 0, identity };
                let renews = *kind == Kind::Undeliverable && stated.is_none() && expires.is_some();
                Ok(Plan { origin, pointer, renews, seen: false })
            })
            .collect()
    }

    fn insert(
        &self,
        connection: &Connection,
        counters: Counters,
        plans: &mut [Plan],
        pointers: &mut Vec<Pointer>,
    ) -> rusqlite::Result<Appended> {
        let mut appended = Appended { before: counters.head.position, ..Appended::default() };
        let mut import = None;
        let mut pen = Pen::new(connection, counters.head, self.now.micros(), self.seed)?;
        for (place, (entry, plan)) in self.entries.iter().zip(plans).enumerate() {
            if plan.seen {
                appended.seen += 1;
                continue;
            }
            if let (None, Some(name)) = (import, self.import) {
                // Only with the first row: an import that brings nothing new leaves no trace.
                import = Some((import::number(connection, name, self.now.micros())?, name));
            }
            let evidence = evidence(entry)?;
            plan.pointer.position = pen.write(&NewRow {
                origin: &plan.origin,
                key_id: entry.key_id,
                keys: &entry.keys,
                stated: entry.stated.map(Timestamp::micros),
                expires: entry.expires.map(Timestamp::micros),
                import,
                refers_to: None,
                refers_import: None,
                plain: entry.plain.as_deref(),
                reason: entry.reason.as_deref(),
                evidence: evidence.as_deref(),
            })?;
            pointers.push(plan.pointer);
            appended.added.push((plan.pointer.position, place));
        }
        appended.head = pen.put_down()?.position;
        if let (Some((number, _)), true) = (import, appended.head > appended.before) {
            import::add_rows(connection, number, appended.before + 1, appended.head)?;
        }
        Ok(appended)
    }
}

fn evidence(entry: &NewEntry) -> rusqlite::Result<Option<String>> {
    if entry.evidence.is_empty() {
        return Ok(None);
    }
    serde_json::to_string(&entry.evidence)
        .map(Some)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Marks the plans whose fact stands already, in the ledger or earlier in the same batch.
fn find_seen(
    connection: &Connection,
    memory: &Memory,
    plans: &mut [Plan],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let mut order: Vec<_> = plans.iter_mut().collect();
    // A stable sort: of equal facts in one batch the first given is the one recorded.
    order.sort_by_key(|plan| (plan.pointer.person, plan.pointer.identity));
    let mut previous = None;
    let mut finder = lookup::finder(connection)?;
    for plan in order {
        let Pointer { person, identity, .. } = plan.pointer;
        if previous.replace((person, identity)) == Some((person, identity)) {
            plan.seen = true;
            continue;
        }
        let mut stands = None;
        memory.recent.find(&mut finder, person, |found| {
            if found.identity == identity && !memory.withdrawn.contains(found.position) {
                stands = stands.max(Some(found.position));
            }
        })?;
        plan.seen = match stands {
            Some(position) if plan.renews => !lapsed(connection, position, now)?,
            stands => stands.is_some(),
        };
    }
    Ok(())
}

fn lapsed(connection: &Connection, position: u64, now: Timestamp) -> rusqlite::Result<bool> {
    let expires: Option<i64> = connection
        .prepare_cached("SELECT expires FROM entry WHERE position = ?1")?
        .query_row([row::integer(position)], |row| row.get(0))?;
    Ok(expires.is_some_and(|expires| expires <= now.micros()))
}

#[cfg(test)]
mod tests;
