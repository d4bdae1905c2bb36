//! Adding rows: one transaction a call, positions and hashes given under one write lock, facts
//! seen before left out (DESIGN s7).
//!
//! When [`Ledger::append`] returns, the rows are on disk. Look-ups go in key order, rows in the
//! order given.

use std::sync::Arc;

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use suppression::{KeyId, Kind, NewEntry, Origin, Timestamp};

use crate::appended::Appended;
use crate::error::LedgerError;
use crate::import;
use crate::import_rows;
use crate::ledger::{Counters, Ledger, Memory};
use crate::lookup::{self, Pointer};
use crate::mirror;
use crate::origins::KnownOrigin;
use crate::pen::{NewRow, Pen};
use crate::prepared::{self, Prepared, Ready, ReadyRow};
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
        self.append_ready(&Batch { now, import, entries, ready: &ready, way: Way::Kept }, None)
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
        self.append_ready(&Batch { now, import, entries, ready, way: Way::Kept }, followed)
    }

    /// As [`Ledger::append_prepared`], for a source that is the master of its entries: whoever
    /// was taken back because the list no longer named them ([`Ledger::withdraw_missing`]), and is
    /// named again, is out again from `now` on, even if the list gives the date that it gave
    /// before.
    ///
    /// # Errors
    /// Then nothing of the batch is recorded.
    pub fn append_mirrored(
        &mut self,
        now: Timestamp,
        import: &str,
        prepared: &Prepared,
        followed: Option<Followed<'_>>,
    ) -> Result<Appended, LedgerError> {
        let (entries, ready) = (prepared.entries(), prepared.ready());
        let batch = Batch { now, import: Some(import), entries, ready, way: Way::Mirrored };
        self.append_ready(&batch, followed)
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
        let batch = Batch { now, import: Some(import), entries, ready, way: Way::Once };
        self.append_ready(&batch, followed)
    }

    /// How many of these entries [`Ledger::append_once`] would add. Writes nothing.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn foresee(
        &mut self,
        now: Timestamp,
        prepared: &Prepared,
        followed: Option<Followed<'_>>,
    ) -> Result<usize, LedgerError> {
        let (entries, ready) = (prepared.entries(), prepared.ready());
        let result = self
            .count_fresh(&Batch { now, import: None, entries, ready, way: Way::Once }, followed);
        if result.is_err() {
            self.forget();
        }
        result.map_err(|error| self.fault(error))
    }

    fn count_fresh(
        &mut self,
        batch: &Batch<'_>,
        followed: Option<Followed<'_>>,
    ) -> rusqlite::Result<usize> {
        let Self { connection, memory, .. } = self;
        let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        let counters = memory.follow(&snapshot)?;
        let followed = followed.filter(|by| by.position == counters.head.position);
        Ok(batch.sort(&snapshot, memory, followed)?.fresh.len())
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
    way: Way,
}

/// What the entries of a batch come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// What is repeated by itself, or was typed.
    Kept,
    /// An import that is not repeated by itself: note what stood already.
    Once,
    /// The master of its entries: who was away is out anew.
    Mirrored,
}

/// What the ledger has of a fact.
enum Said {
    /// Nothing that stands.
    Nothing,
    /// A row that stands.
    Stands(u64),
    /// A row that stands and has lapsed, of a list that says so anew.
    Lapsed(u64),
    /// A dated row that the list did not name for a while: recorded undated, under this identity.
    Back(i64),
}

/// The entries of a batch by whether their fact stands, each in the order given.
struct Sorted {
    /// Their places.
    fresh: Vec<u32>,
    /// The rows that stand, and the places.
    stood: Vec<(u64, usize)>,
    /// The rows that stand and have lapsed.
    lapsed: Vec<u64>,
    /// Of the fresh ones those that are recorded undated: places and identities, in order.
    back: Vec<(u32, i64)>,
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
        let (mut lapsed, mut back) = (Vec::new(), Vec::new());
        for place in &self.ready.order {
            let Some((entry, row)) = self.at(*place) else { continue };
            let may_be_back = self.may_be_back(memory, entry);
            // Whoever has followed may have forgotten what was taken back.
            let nobody = !may_be_back && followed.is_some_and(|by| !(by.may_know)(entry));
            let said = match nobody {
                true => Said::Nothing,
                false => self.said(connection, memory, &mut finder, (entry, row))?,
            };
            match said {
                Said::Stands(at) => {
                    stood.push((at, usize::try_from(*place).unwrap_or(usize::MAX)));
                    continue;
                }
                Said::Lapsed(at) => lapsed.push(at),
                Said::Back(identity) => back.push((*place, identity)),
                Said::Nothing => {}
            }
            fresh.push(*place);
        }
        fresh.sort_unstable();
        back.sort_unstable();
        stood.sort_unstable_by_key(|(_, place)| *place);
        Ok(Sorted { fresh, stood, lapsed, back })
    }

    /// Whether it is a dated objection that the list may have left out for a while. No consent
    /// becomes a later one by that, and no bounce.
    fn may_be_back(&self, memory: &Memory, entry: &NewEntry) -> bool {
        self.way == Way::Mirrored
            && !memory.withdrawn.is_empty()
            && matches!(entry.kind, Kind::OptOut | Kind::Complaint | Kind::Manual)
            && entry.stated.is_some()
    }

    /// What the ledger has of what this one would say.
    fn said(
        &self,
        connection: &Connection,
        memory: &Memory,
        finder: &mut rusqlite::CachedStatement<'_>,
        (entry, row): (&NewEntry, &ReadyRow),
    ) -> rusqlite::Result<Said> {
        // The last row of an identity that stands, and the last that was taken back.
        let mut rows = |identity: i64| -> rusqlite::Result<(Option<u64>, Option<u64>)> {
            let (mut stands, mut gone) = (None, None);
            let mut look = |found: Pointer| {
                if found.identity == identity {
                    let last = match memory.withdrawn.contains(found.position) {
                        true => &mut gone,
                        false => &mut stands,
                    };
                    *last = (*last).max(Some(found.position));
                }
            };
            memory.recent.of(row.person).for_each(&mut look);
            lookup::find(finder, row.person, look)?;
            Ok((stands, gone))
        };
        Ok(match rows(row.identity)? {
            (Some(at), _) if row.renews && lapsed(connection, at, self.now)? => Said::Lapsed(at),
            (Some(at), _) => Said::Stands(at),
            (None, Some(gone))
                if self.may_be_back(memory, entry)
                    && mirror::has_taken_back(connection, gone, &entry.source)? =>
            {
                let undated = prepared::undated_identity(entry);
                match rows(undated)?.0.filter(|at| *at > gone) {
                    Some(at) => Said::Stands(at),
                    None => Said::Back(undated),
                }
            }
            _ => Said::Nothing,
        })
    }

    fn insert(
        &self,
        connection: &Connection,
        memory: &mut Memory,
        counters: Counters,
        sorted: Sorted,
        written: &mut Written,
    ) -> Result<Appended, Fault> {
        let Sorted { fresh, stood, lapsed, back } = sorted;
        let again: RoaringTreemap = match self.way {
            Way::Once => stood.iter().map(|(position, _)| *position).collect(),
            Way::Kept | Way::Mirrored => RoaringTreemap::new(),
        };
        let keeps = match self.way {
            Way::Once => None,
            Way::Kept | Way::Mirrored => self.entries.first().map(|entry| entry.source.as_str()),
        };
        let mut appended = Appended {
            before: counters.head.position,
            seen: self.entries.len() - fresh.len(),
            stood,
            lapsed,
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
            Some(name) => Some((import::number(connection, name, self.now.micros(), keeps)?, name)),
            None => None,
        };
        for place in fresh {
            let Some((entry, row)) = self.at(place) else { continue };
            let undated = back.binary_search_by_key(&place, |(place, _)| *place).ok();
            let undated = undated.and_then(|at| back.get(at)).map(|(_, identity)| *identity);
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let origin = usize::try_from(row.origin).ok().and_then(|at| origins.get(at));
            let Some(origin) = origin else { continue };
            let position = pen.write(&NewRow {
                origin,
                key_id: entry.key_id,
                keys: &entry.keys,
                stated: entry.stated.filter(|_| undated.is_none()).map(Timestamp::micros),
                expires: entry.expires.map(Timestamp::micros),
                import,
                refers_to: None,
                refers_import: None,
                personal: row.personal.as_ref(),
                plain: entry.plain.as_deref(),
                reason: entry.reason.as_deref(),
                evidence: row.evidence.as_deref(),
            })?;
            let (person, identity) = (row.person, undated.unwrap_or(row.identity));
            written.pointers.push(Pointer { person, position, identity });
            appended.back.extend(undated.map(|_| place));
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
