//! An open ledger: the connection, and what is remembered between transactions.
//!
//! What is remembered is only ever a copy of something committed. When a transaction fails it is
//! thrown away and read anew, so an error in the middle of anything leaves no false memory.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension};

use crate::chain::Hash;
use crate::error::LedgerError;
use crate::origins::Origins;
use crate::recent::Recent;
use crate::row;
use crate::withdrawn::Withdrawn;

/// A ledger file, open. Several processes may have the same one open.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) path: PathBuf,
    pub(crate) connection: Connection,
    pub(crate) memory: Memory,
}

/// The last row of a chain: with its hash it stands for all rows before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Position of the last row, 0 when there is none.
    pub position: u64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// Copies of what is committed.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Up to which row `recent` has followed the record; none before the first look.
    pub(crate) followed: Option<u64>,
    /// What `indexed` was then.
    indexed: u64,
    pub(crate) recent: Recent,
    pub(crate) withdrawn: Withdrawn,
    pub(crate) origins: Origins,
}

/// The counters in `meta`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counters {
    pub(crate) head: Head,
    /// Up to which row the table `lookup` is complete.
    pub(crate) indexed: u64,
    /// The last event.
    pub(crate) events: Head,
}

impl Ledger {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The last row, as committed by whatever process.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn head(&self) -> Result<Head, LedgerError> {
        counters(&self.connection).map(|counters| counters.head).map_err(|e| self.fault(e))
    }

    /// A number that changes when *another* connection or process has committed something.
    /// Polling it costs a microsecond and no disk access.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn data_version(&self) -> Result<i64, LedgerError> {
        self.connection
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .map_err(|error| self.fault(error))
    }

    pub(crate) fn fault(&self, error: rusqlite::Error) -> LedgerError {
        LedgerError::from_sqlite(&self.path, error)
    }

    /// After a failed transaction nothing remembered can be trusted.
    pub(crate) fn forget(&mut self) {
        self.memory = Memory::default();
    }
}

impl Memory {
    /// Follows what other processes have written. Inside a transaction, so that nothing moves.
    pub(crate) fn follow(&mut self, connection: &Connection) -> rusqlite::Result<Counters> {
        let counters = counters(connection)?;
        let followed = self.followed.unwrap_or(0);
        if followed < counters.head.position || self.followed.is_none() {
            if self.indexed < counters.indexed {
                self.recent.indexed_up_to(counters.indexed);
                self.indexed = counters.indexed;
            }
            let taken_back = self.recent.read_from(connection, followed.max(counters.indexed))?;
            // Rows that are brought in already were not looked at one by one.
            if taken_back || self.followed.is_none() || followed < counters.indexed {
                self.withdrawn = Withdrawn::read(connection)?;
            }
            self.followed = Some(counters.head.position);
        }
        Ok(counters)
    }
}

pub(crate) fn counters(connection: &Connection) -> rusqlite::Result<Counters> {
    let mut statement = connection.prepare_cached(
        "SELECT (SELECT value FROM meta WHERE name = 'head'),
                (SELECT value FROM meta WHERE name = 'head_hash'),
                (SELECT value FROM meta WHERE name = 'indexed'),
                (SELECT value FROM meta WHERE name = 'events'),
                (SELECT value FROM meta WHERE name = 'events_hash')",
    )?;
    statement.query_row((), |row| {
        let head = Head { position: row::position(row, 0)?, hash: row::blob(row, 1)? };
        let events = Head { position: row::position(row, 3)?, hash: row::blob(row, 4)? };
        Ok(Counters { head, indexed: row::position(row, 2)?, events })
    })
}

pub(crate) fn set_head(
    connection: &Connection,
    position: u64,
    hash: &Hash,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?;
    statement.execute(("head", row::integer(position)))?;
    statement.execute(("head_hash", &hash[..]))?;
    Ok(())
}

/// The random number that tells this ledger from every other.
pub(crate) fn ledger_id(connection: &Connection) -> rusqlite::Result<[u8; 16]> {
    connection.prepare_cached("SELECT value FROM meta WHERE name = 'ledger_id'")?.query_row(
        (),
        |row| {
            let bytes: Vec<u8> = row.get(0)?;
            bytes.try_into().map_err(|_| row::broken(0, "the id of the ledger is damaged"))
        },
    )
}

pub(crate) fn set_indexed(connection: &Connection, position: u64) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'indexed'")?;
    statement.execute([row::integer(position)])?;
    Ok(())
}

/// The position of the last row there really is.
pub(crate) fn last_row(connection: &Connection) -> rusqlite::Result<u64> {
    let last: Option<u64> = connection
        .prepare_cached("SELECT position FROM entry ORDER BY position DESC LIMIT 1")?
        .query_row((), |found| row::position(found, 0))
        .optional()?;
    Ok(last.unwrap_or(0))
}
