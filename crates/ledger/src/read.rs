//! Asking the ledger: one address, one row, all rows since a position.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use suppression::{AddressKeys, Entry};

use crate::chain::first_word;
use crate::error::LedgerError;
use crate::ledger::{Ledger, Memory};
use crate::lookup;
use crate::origins;
use crate::row::{self, ENTRY, FeedRow};
use crate::withdraw;
use crate::withdrawn::Withdrawn;

/// An entry, and whether it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The entry.
    pub entry: Entry,
    /// The first row that took it back.
    pub withdrawn_by: Option<u64>,
}

impl Ledger {
    /// Every entry about these addresses or persons, in the order they were recorded: for one
    /// person, the keys under every key of the ring, and those of the domain.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries_of(&mut self, keys: &[AddressKeys]) -> Result<Vec<Found>, LedgerError> {
        let result = self.find_entries(keys);
        if result.is_err() {
            self.forget();
        }
        result.map_err(|error| self.fault(error))
    }

    fn find_entries(&mut self, keys: &[AddressKeys]) -> rusqlite::Result<Vec<Found>> {
        let Self { connection, memory, .. } = self;
        let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        memory.follow(&snapshot)?;
        find(&snapshot, memory, keys)
    }

    /// The entry at a position.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entry(&self, position: u64) -> Result<Option<Entry>, LedgerError> {
        let find = || {
            let snapshot = self.connection.unchecked_transaction()?;
            let (origins, imports) = (origins::all(&snapshot)?, origins::imports(&snapshot)?);
            snapshot
                .prepare_cached(&format!("SELECT {ENTRY} FROM entry WHERE position = ?1"))?
                .query_row([row::integer(position)], |row| row::entry(row, &origins, &imports))
                .optional()
        };
        find().map_err(|error| self.fault(error))
    }

    /// The positions of all rows that were taken back, one by one or with their import.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn withdrawn(&self) -> Result<RoaringTreemap, LedgerError> {
        Withdrawn::read(&self.connection)
            .map(Withdrawn::into_positions)
            .map_err(|error| self.fault(error))
    }

    /// Calls `each` for every row after `position`, in order, as of one moment, until it breaks.
    /// Holds one row in memory. Returns the position of the last row it gave, or `position`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn for_each_since(
        &self,
        position: u64,
        mut each: impl FnMut(&FeedRow<'_>) -> ControlFlow<()>,
    ) -> Result<u64, LedgerError> {
        let mut last = position;
        let mut walk = || {
            let snapshot = self.connection.unchecked_transaction()?;
            let (origins, imports) = (origins::all(&snapshot)?, origins::imports(&snapshot)?);
            row::for_each_feed(&snapshot, position, &origins, &imports, |row, _| {
                last = row.position;
                each(row)
            })
        };
        walk().map_err(|error| self.fault(error))?;
        Ok(last)
    }

    /// Like [`Ledger::for_each_since`], with every field of the entries.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn for_each_entry_since(
        &self,
        position: u64,
        mut each: impl FnMut(Entry) -> ControlFlow<()>,
    ) -> Result<u64, LedgerError> {
        let mut last = position;
        let mut walk = || {
            let snapshot = self.connection.unchecked_transaction()?;
            let (origins, imports) = (origins::all(&snapshot)?, origins::imports(&snapshot)?);
            let mut statement = snapshot.prepare_cached(&format!(
                "SELECT {ENTRY} FROM entry WHERE position > ?1 ORDER BY position"
            ))?;
            let mut rows = statement.query([row::integer(position)])?;
            while let Some(row) = rows.next()? {
                let entry = row::entry(row, &origins, &imports)?;
                last = entry.position;
                if each(entry).is_break() {
                    break;
                }
            }
            Ok(())
        };
        walk().map_err(|error| self.fault(error))?;
        Ok(last)
    }
}

/// Within a transaction that has followed the ledger.
pub(crate) fn find(
    snapshot: &Connection,
    memory: &Memory,
    keys: &[AddressKeys],
) -> rusqlite::Result<Vec<Found>> {
    let mut positions = BTreeSet::new();
    let mut finder = lookup::finder(snapshot)?;
    for keys in keys {
        let person = first_word(keys.person.as_bytes());
        lookup::find(&mut finder, person, |found| {
            positions.insert(found.position);
        })?;
        positions.extend(memory.recent.of(person).map(|found| found.position));
    }
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let (origins, imports) = (origins::all(snapshot)?, origins::imports(snapshot)?);
    let mut statement =
        snapshot.prepare_cached(&format!("SELECT {ENTRY} FROM entry WHERE position = ?1"))?;
    let mut found = Vec::new();
    for position in positions {
        let entry = statement
            .query_row([row::integer(position)], |row| row::entry(row, &origins, &imports))?;
        let of =
            |keys: &AddressKeys| entry.keys.person == keys.person || entry.keys.exact == keys.exact;
        if keys.iter().any(of) {
            let withdrawn_by = withdraw::by_which(snapshot, position)?;
            found.push(Found { entry, withdrawn_by });
        }
    }
    Ok(found)
}
