//! Asking the ledger: one address, one row, all rows since a position.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rusqlite::{OptionalExtension, TransactionBehavior};
use suppression::{AddressKeys, Entry};

use crate::chain::first_word;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::lookup;
use crate::origins;
use crate::row::{self, ENTRY, FeedRow};

impl Ledger {
    /// Every entry about this address or this person, in the order they were recorded.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn entries_of(&mut self, keys: &AddressKeys) -> Result<Vec<Entry>, LedgerError> {
        let result = self.find_entries(keys);
        if result.is_err() {
            self.forget();
        }
        result.map_err(|error| self.fault(error))
    }

    fn find_entries(&mut self, keys: &AddressKeys) -> rusqlite::Result<Vec<Entry>> {
        let Self { connection, memory, .. } = self;
        let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        memory.follow(&snapshot)?;
        let mut positions = BTreeSet::new();
        let person = first_word(keys.person.as_bytes());
        memory.recent.find(&mut lookup::finder(&snapshot)?, person, |found| {
            positions.insert(found.position);
        })?;
        if positions.is_empty() {
            return Ok(Vec::new());
        }
        let (origins, imports) = (origins::all(&snapshot)?, origins::imports(&snapshot)?);
        let mut statement =
            snapshot.prepare_cached(&format!("SELECT {ENTRY} FROM entry WHERE position = ?1"))?;
        let mut entries = Vec::new();
        for position in positions {
            let entry = statement
                .query_row([row::integer(position)], |row| row::entry(row, &origins, &imports))?;
            if entry.keys.person == keys.person || entry.keys.exact == keys.exact {
                entries.push(entry);
            }
        }
        Ok(entries)
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
            let origins = origins::all(&snapshot)?;
            row::for_each_feed(&snapshot, position, &origins, |row, _| {
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
