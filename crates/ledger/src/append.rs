//! Adding rows: one transaction a call, positions and hashes given under one write lock, facts
//! seen before left out (DESIGN s7).
//!
//! `BEGIN IMMEDIATE` takes the lock before the head is read, so two processes cannot give the
//! same position; `synchronous = FULL` means that when [`Ledger::append`] returns, the rows are
//! on disk. Look-ups go in key order, rows in the order given.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use suppression::{KeyId, Kind, NewEntry, Timestamp};

use crate::chain::{self, Hash, Link, first_word};
use crate::entropy::random;
use crate::error::LedgerError;
use crate::ledger::{Counters, Ledger, Memory, set_head, set_indexed};
use crate::lookup::{self, Brought, Pointer, WITHDRAWN};
use crate::origins::{KnownOrigin, import_number};
use crate::row;

/// What an append did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Appended {
    /// Rows added: the position of each, and its place among the entries given.
    pub added: Vec<(u64, usize)>,
    /// Entries that said nothing new.
    pub seen: usize,
    /// Position of the ledger's last row afterwards.
    pub head: u64,
}

/// What is wanted for each entry before any row is written.
struct Plan {
    origin: Arc<KnownOrigin>,
    pointer: Pointer,
    seen: bool,
}

impl Ledger {
    /// Records entries in one transaction and returns when they are on disk. An entry whose fact
    /// (source, kind, scope, address, stated time) stands already adds nothing; one that was
    /// taken back since is added again, because the source still says so.
    ///
    /// # Errors
    /// Then nothing of the batch is recorded.
    pub fn append(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        entries: &[NewEntry],
    ) -> Result<Appended, LedgerError> {
        let result = self.append_batch(now, import, entries);
        if result.is_err() {
            self.forget();
        }
        result
    }

    fn append_batch(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        entries: &[NewEntry],
    ) -> Result<Appended, LedgerError> {
        let seed = random()?;
        let Self { path, connection, memory } = self;
        let fault = |error| LedgerError::from_sqlite(path, error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        if let Some(id) = unknown_key(&transaction, entries).map_err(fault)? {
            return Err(LedgerError::UnknownKey { path: path.clone(), id });
        }
        let batch = Batch { now, import, seed, entries };
        let (appended, pointers, brought) = batch.write(&transaction, memory).map_err(fault)?;
        transaction.commit().map_err(fault)?;
        pointers.into_iter().for_each(|pointer| memory.recent.insert(pointer));
        memory.recent.committed(brought);
        memory.followed = Some(appended.head);
        Ok(appended)
    }

    /// Brings a slice of what append keeps in memory into the file, and tells whether there is
    /// more to do. For the end of an import, between other work; it is never necessary.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is lost then.
    pub fn settle(&mut self) -> Result<bool, LedgerError> {
        let result = self.settle_slice();
        if result.is_err() {
            self.forget();
        }
        result
    }

    fn settle_slice(&mut self) -> Result<bool, LedgerError> {
        let Self { path, connection, memory } = self;
        let fault = |error| LedgerError::from_sqlite(path, error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
        let counters = memory.follow(&transaction).map_err(fault)?;
        let brought = bring_in(&transaction, memory, counters, 0, true).map_err(fault)?;
        transaction.commit().map_err(fault)?;
        memory.recent.committed(brought);
        Ok(memory.recent.is_unfinished())
    }
}

fn bring_in(
    connection: &Connection,
    memory: &Memory,
    counters: Counters,
    added: usize,
    force: bool,
) -> rusqlite::Result<Brought> {
    let head = counters.head.position;
    let brought = memory.recent.bring_in(connection, head, counters.indexed, added, force)?;
    if let Some(indexed) = brought.indexed {
        set_indexed(connection, indexed)?;
    }
    Ok(brought)
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
    /// The whole of a transaction but its commit. Returns the rows that are to be remembered.
    fn write(
        &self,
        transaction: &Transaction<'_>,
        memory: &mut Memory,
    ) -> rusqlite::Result<(Appended, Vec<Pointer>, Brought)> {
        let counters = memory.follow(transaction)?;
        let mut plans = self.plan(transaction, memory)?;
        find_seen(transaction, memory, &mut plans)?;
        let mut pointers = Vec::new();
        let appended = self.insert(transaction, counters, &mut plans, &mut pointers)?;
        if memory.recent.takes_at_once(pointers.len()) {
            lookup::insert(transaction, &pointers)?;
            if !pointers.is_empty() {
                set_indexed(transaction, appended.head)?;
            }
            return Ok((appended, Vec::new(), Brought::default()));
        }
        let brought = bring_in(transaction, memory, counters, pointers.len(), false)?;
        Ok((appended, pointers, brought))
    }

    fn plan(&self, connection: &Connection, memory: &mut Memory) -> rusqlite::Result<Vec<Plan>> {
        let mut buffer = Vec::with_capacity(256);
        self.entries
            .iter()
            .map(|entry| {
                let NewEntry { source, kind, scope, .. } = entry;
                let origin = memory.origins.intern(connection, source, *kind, scope)?;
                let identity = match entry.kind {
                    Kind::Withdrawn => WITHDRAWN,
                    _ => {
                        let stated = entry.stated.map(Timestamp::micros);
                        let (id, keys) = (entry.key_id, &entry.keys);
                        chain::identity(&origin.bytes, id, keys, stated, &mut buffer)
                    }
                };
                let person = first_word(entry.keys.person.as_bytes());
                Ok(Plan { origin, pointer: Pointer { person, position: 0, identity }, seen: false })
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
        let mut head = counters.head;
        let mut appended = Appended::default();
        let mut import = None;
        let mut buffer = Vec::with_capacity(512);
        let mut statement = connection.prepare_cached(
            "INSERT INTO entry (position, origin, key_id, exact, person, stated, recorded,
                 import, hash, personal, salt, plain, reason, evidence, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        for (place, (entry, plan)) in self.entries.iter().zip(plans).enumerate() {
            if plan.seen {
                appended.seen += 1;
                continue;
            }
            if import.is_none() {
                // Only with the first row: an import that brings nothing new leaves no trace.
                import = self
                    .import
                    .map(|name| import_number(connection, name, self.now.micros()))
                    .transpose()?;
            }
            let position = head.position + 1;
            let personal = Personal::of(entry, &self.seed, position)?;
            let hash = Link {
                position,
                origin: &plan.origin.bytes,
                key_id: entry.key_id,
                keys: &entry.keys,
                recorded: self.now.micros(),
                stated: entry.stated.map(Timestamp::micros),
                import: self.import,
                refers_to: None,
                refers_import: None,
                expires: entry.expires.map(Timestamp::micros),
                personal: personal.as_ref().map(|personal| &personal.digest),
            }
            .hash(&head.hash, &mut buffer);
            statement.execute(rusqlite::params![
                row::integer(position),
                plan.origin.id,
                entry.key_id.0,
                entry.keys.exact.as_bytes(),
                entry.keys.person.as_bytes(),
                entry.stated.map(Timestamp::micros),
                self.now.micros(),
                import,
                hash,
                personal.as_ref().map(|personal| personal.digest),
                personal.as_ref().map(|personal| personal.salt),
                entry.plain,
                entry.reason,
                personal.as_ref().and_then(|personal| personal.evidence.as_deref()),
                entry.expires.map(Timestamp::micros),
            ])?;
            head.position = position;
            head.hash = hash;
            plan.pointer.position = position;
            pointers.push(plan.pointer);
            appended.added.push((position, place));
        }
        if head.position != counters.head.position {
            set_head(connection, head.position, &head.hash)?;
        }
        appended.head = head.position;
        Ok(appended)
    }
}

/// Marks the plans whose fact stands already, in the ledger or earlier in the same batch.
fn find_seen(connection: &Connection, memory: &Memory, plans: &mut [Plan]) -> rusqlite::Result<()> {
    let mut order: Vec<_> = plans.iter_mut().collect();
    // A stable sort: of equal facts in one batch the first given is the one recorded.
    order.sort_by_key(|plan| (plan.pointer.person, plan.pointer.identity));
    let mut previous = None;
    let mut finder = lookup::finder(connection)?;
    for plan in order {
        let Pointer { person, identity, .. } = plan.pointer;
        if identity == WITHDRAWN {
            continue;
        }
        if previous.replace((person, identity)) == Some((person, identity)) {
            plan.seen = true;
            continue;
        }
        let (mut stands, mut withdrawn) = (0, 0);
        memory.recent.find(&mut finder, person, |found| {
            if found.identity == identity {
                stands = stands.max(found.position);
            } else if found.identity == WITHDRAWN {
                withdrawn = withdrawn.max(found.position);
            }
        })?;
        plan.seen = stands > withdrawn;
    }
    Ok(())
}

/// The personal free fields of a row, and what the chain covers of them.
struct Personal {
    salt: [u8; 16],
    digest: Hash,
    evidence: Option<String>,
}

impl Personal {
    fn of(entry: &NewEntry, seed: &[u8; 32], position: u64) -> rusqlite::Result<Option<Self>> {
        let evidence = match entry.evidence.is_empty() {
            true => None,
            false => Some(
                serde_json::to_string(&entry.evidence)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?,
            ),
        };
        let (plain, reason) = (entry.plain.as_deref(), entry.reason.as_deref());
        if plain.is_none() && reason.is_none() && evidence.is_none() {
            return Ok(None);
        }
        let salt = chain::salt(seed, position);
        let digest = chain::personal_digest(&salt, plain, reason, evidence.as_deref());
        Ok(Some(Self { salt, digest, evidence }))
    }
}

#[cfg(test)]
mod tests;
