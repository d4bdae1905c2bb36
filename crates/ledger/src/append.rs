//! Adding rows: one transaction a call, positions and hashes given under one write lock, facts
//! seen before left out (DESIGN s7).
//!
//! When [`Ledger::append`] returns, the rows are on disk. Look-ups go in key order, rows in the
//! order given.

use std::sync::Arc;

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension};
use suppression::{KeyId, NewEntry, Origin, Timestamp};

use crate::appended::Appended;
use crate::error::LedgerError;
use crate::import;
use crate::import_rows;
use crate::ledger::{Counters, Ledger, Memory};
use crate::lookup::{self, Pointer};
use crate::origins::KnownOrigin;
use crate::pen::{NewRow, Pen};
use crate::prepared::{Prepared, Ready, ReadyRow};
use crate::row;
use crate::said_again;
use crate::transaction::{Fault, Written};

/// What somebody who has followed the ledger knows of it, to save a look at the file for each
/// entry of an import.
#[derive(Clone, Copy)]
pub struct Followed<'a> {
    /// Up to which row. If it is not the last one, the rest is of no use and not asked.
    pub position: u64,
    /// Whether there may be a row of the same kind about the same person, or for a consent the
    /// same address. May only be false when there is none.
    pub may_know: &'a dyn Fn(&NewEntry) -> bool,
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
        let ready = Ready::new(entries)?;
        self.append_ready(&Batch { now, import, entries, ready: &ready, once: false }, None)
    }

    /// As [`Ledger::append`], for a batch that was made ready by another thread. Records it once
    /// only, whatever it is given to: a second time its facts stand.
    ///
    /// # Errors
    /// Then nothing of the batch is recorded.
    pub fn append_prepared(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        prepared: &Prepared,
        followed: Option<Followed<'_>>,
    ) -> Result<Appended, LedgerError> {
        let (entries, ready) = (prepared.entries(), prepared.ready());
        self.append_ready(&Batch { now, import, entries, ready, once: false }, followed)
    }

    /// As [`Ledger::append_prepared`], for an import that is not repeated by itself: notes as well
    /// which rows said already what it says, so that they stay when the import that had brought
    /// them is undone ([`Ledger::undo_import`]).
    ///
    /// # Errors
    /// Then nothing of the batch is recorded.
    pub fn append_once(
        &mut self,
        now: Timestamp,
        import: &str,
        prepared: &Prepared,
        followed: Option<Followed<'_>>,
    ) -> Result<Appended, LedgerError> {
        let (entries, ready) = (prepared.entries(), prepared.ready());
        let batch = Batch { now, import: Some(import), entries, ready, once: true };
        self.append_ready(&batch, followed)
    }

    fn append_ready(
        &mut self,
        batch: &Batch<'_>,
        followed: Option<Followed<'_>>,
    ) -> Result<Appended, LedgerError> {
        let path = self.path.clone();
        self.write(|transaction, memory, counters, written| {
            if let Some(id) = unknown_key(transaction, batch.entries)? {
                return Err(LedgerError::UnknownKey { path, id }.into());
            }
            let followed = followed.filter(|by| by.position == counters.head.position);
            let sorted = batch.sort(transaction, memory, followed)?;
            batch.insert(transaction, memory, counters, sorted, written)
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
        let more = self.memory.recent.is_unfinished();
        if !more {
            // The pages an import has filled the cache with.
            let freed = self.connection.query_row("PRAGMA shrink_memory", (), |_| Ok(()));
            freed.optional().map_err(|error| self.fault(error))?;
        }
        Ok(more)
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
    entries: &'a [NewEntry],
    ready: &'a Ready,
    /// Note what stood already.
    once: bool,
}

/// The entries of a batch by whether their fact stands, each in the order given.
struct Sorted {
    /// Their places.
    fresh: Vec<u32>,
    /// The rows that stand, and the places.
    stood: Vec<(u64, usize)>,
}

impl Batch<'_> {
    fn at(&self, place: u32) -> Option<(&NewEntry, &ReadyRow)> {
        let place = usize::try_from(place).ok()?;
        Some((self.entries.get(place)?, self.ready.rows.get(place)?))
    }

    fn sort(
        &self,
        connection: &Connection,
        memory: &Memory,
        followed: Option<Followed<'_>>,
    ) -> rusqlite::Result<Sorted> {
        let mut finder = lookup::finder(connection)?;
        let (mut fresh, mut stood) = (Vec::with_capacity(self.ready.order.len()), Vec::new());
        for place in &self.ready.order {
            let Some((entry, row)) = self.at(*place) else { continue };
            let nobody = followed.is_some_and(|by| !(by.may_know)(entry));
            let stands = match nobody {
                true => None,
                false => self.stands(connection, memory, &mut finder, row)?,
            };
            match stands {
                Some(at) => stood.push((at, usize::try_from(*place).unwrap_or(usize::MAX))),
                None => fresh.push(*place),
            }
        }
        fresh.sort_unstable();
        stood.sort_unstable_by_key(|(_, place)| *place);
        Ok(Sorted { fresh, stood })
    }

    /// The row that says already what this one would.
    fn stands(
        &self,
        connection: &Connection,
        memory: &Memory,
        finder: &mut rusqlite::CachedStatement<'_>,
        row: &ReadyRow,
    ) -> rusqlite::Result<Option<u64>> {
        let mut stands = None;
        let mut look = |found: Pointer| {
            if found.identity == row.identity && !memory.withdrawn.contains(found.position) {
                stands = stands.max(Some(found.position));
            }
        };
        memory.recent.of(row.person).for_each(&mut look);
        lookup::find(finder, row.person, look)?;
        match stands {
            Some(at) if row.renews && lapsed(connection, at, self.now)? => Ok(None),
            stands => Ok(stands),
        }
    }

    fn insert(
        &self,
        connection: &Connection,
        memory: &mut Memory,
        counters: Counters,
        sorted: Sorted,
        written: &mut Written,
    ) -> Result<Appended, Fault> {
        let Sorted { fresh, stood } = sorted;
        let again: RoaringTreemap = match self.once {
            true => stood.iter().map(|(position, _)| *position).collect(),
            false => RoaringTreemap::new(),
        };
        let mut appended = Appended {
            before: counters.head.position,
            seen: self.entries.len() - fresh.len(),
            stood,
            ..Appended::default()
        };
        let mut pen = Pen::new(connection, counters.head, self.now.micros())?;
        let origins = match fresh.is_empty() {
            true => Vec::new(),
            false => self.origins(connection, memory)?,
        };
        // Only with the first row: an import that says nothing leaves no trace.
        let says = !fresh.is_empty() || !again.is_empty();
        let import = match self.import.filter(|_| says) {
            Some(name) => Some((import::number(connection, name, self.now.micros())?, name)),
            None => None,
        };
        for place in fresh {
            let Some((entry, row)) = self.at(place) else { continue };
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let origin = usize::try_from(row.origin).ok().and_then(|at| origins.get(at));
            let Some(origin) = origin else { continue };
            let position = pen.write(&NewRow {
                origin,
                key_id: entry.key_id,
                keys: &entry.keys,
                stated: entry.stated.map(Timestamp::micros),
                expires: entry.expires.map(Timestamp::micros),
                import,
                refers_to: None,
                refers_import: None,
                personal: row.personal.as_ref(),
                plain: entry.plain.as_deref(),
                reason: entry.reason.as_deref(),
                evidence: row.evidence.as_deref(),
            })?;
            let ReadyRow { person, identity, .. } = *row;
            written.pointers.push(Pointer { person, position, identity });
            appended.added.push((position, place));
        }
        appended.head = pen.put_down()?.position;
        if let (Some((number, _)), true) = (import, appended.head > appended.before) {
            import_rows::add(connection, number, appended.before + 1, appended.head)?;
        }
        if let (Some((number, _)), false) = (import, again.is_empty()) {
            said_again::note(connection, number, appended.head, &again)?;
        }
        Ok(appended)
    }

    /// The origins of the batch with their numbers in this ledger.
    fn origins(
        &self,
        connection: &Connection,
        memory: &mut Memory,
    ) -> rusqlite::Result<Vec<Arc<KnownOrigin>>> {
        let origins = self.ready.origins.iter();
        origins
            .map(|origin| {
                let Origin { source, kind, scope, subject, .. } = origin;
                memory.origins.intern(connection, source, *kind, scope, subject)
            })
            .collect()
    }
}

fn lapsed(connection: &Connection, position: u64, now: Timestamp) -> rusqlite::Result<bool> {
    let expires: Option<i64> = connection
        .prepare_cached("SELECT expires FROM entry WHERE position = ?1")?
        .query_row([row::integer(position)], |row| row.get(0))?;
    Ok(expires.is_some_and(|expires| expires <= now.micros()))
}

#[cfg(test)]
mod tests;
