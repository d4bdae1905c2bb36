//! How each source fared last: for the shrink guard, `status`, and a start that need not read an
//! unchanged file again. Not part of the chain: it is about files, not about people.
//!
//! What was read of a source may come to stand no longer: rows of it are taken back, or the ledger
//! is set back to a backup. The file still says what it said, so what is remembered of its reading
//! is forgotten together with that, and whoever keeps the source in step reads it again.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, OptionalExtension, Row};
use suppression::Timestamp;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::row;

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceState {
    /// As configured.
    pub name: String,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// When it was last taken.
    pub last_success: Option<Timestamp>,
    /// Usable rows it had then.
    pub last_rows: Option<u64>,
    /// Fingerprint of the file and the settings it was taken with. None after a success: what
    /// was read then no longer stands, and the source is to be read again.
    pub fingerprint: Option<String>,
    /// Up to where a source that is read in steps was read: what its reader wrote down there to
    /// ask only for what came later. None where all of it is to be read.
    pub cursor: Option<String>,
    /// Why the last try failed; none when it did not.
    pub last_error: Option<String>,
}

const COLUMNS: &str =
    "name, last_attempt, last_success, last_rows, fingerprint, last_error, cursor";

impl Ledger {
    /// Remembers how a source fared, in place of what was remembered before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_source_state(&mut self, state: &SourceState) -> Result<(), LedgerError> {
        let set = || {
            self.connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO source ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
                ))?
                .execute(rusqlite::params![
                    state.name,
                    state.last_attempt.map(Timestamp::micros),
                    state.last_success.map(Timestamp::micros),
                    state.last_rows.map(row::integer),
                    state.fingerprint,
                    state.last_error,
                    state.cursor,
                ])
        };
        set().map(|_| ()).map_err(|error| self.fault(error))
    }

    /// What is known of one source.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn source_state(&self, name: &str) -> Result<Option<SourceState>, LedgerError> {
        let get = || {
            self.connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM source WHERE name = ?1"))?
                .query_row([name], read)
                .optional()
        };
        get().map_err(|error| self.fault(error))
    }

    /// What is known of all sources, by name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn source_states(&self) -> Result<Vec<SourceState>, LedgerError> {
        let get = || {
            self.connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM source ORDER BY name"))?
                .query_map((), read)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };
        get().map_err(|error| self.fault(error))
    }

    /// Forgets of every source what its file was when it was last read, so that each is read
    /// again. In a copy that [`backup_to`](Self::backup_to) has made and nobody else has open,
    /// before it takes the place of a ledger that knew more.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn forget_readings(copy: &Path) -> Result<(), LedgerError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let forgotten = Connection::open_with_flags(copy, flags).and_then(|connection| {
            connection.execute("UPDATE source SET fingerprint = NULL, cursor = NULL", ())
        });
        forgotten.map(|_| ()).map_err(|error| LedgerError::from_sqlite(copy, error))
    }
}

/// Forgets the last reading of a source: an import of it is undone. How many rows it had then is
/// forgotten as well, because the list that replaces a wrong one may be much shorter.
pub(crate) fn forget(connection: &Connection, source: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE source SET fingerprint = NULL, cursor = NULL, last_rows = NULL WHERE name = ?1",
        )?
        .execute([source])
        .map(|_| ())
}

/// Has a source read again although its last reading stands, but for single rows: its fingerprint
/// becomes one that no file has, and all of it is read.
pub(crate) fn doubt(connection: &Connection, source: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE source SET cursor = NULL,
                 fingerprint = iif(fingerprint LIKE '?%', fingerprint, '?' || fingerprint)
             WHERE name = ?1",
        )?
        .execute([source])
        .map(|_| ())
}

fn read(found: &Row<'_>) -> rusqlite::Result<SourceState> {
    let rows: Option<i64> = found.get(3)?;
    Ok(SourceState {
        name: found.get(0)?,
        last_attempt: row::timestamp(found, 1)?,
        last_success: row::timestamp(found, 2)?,
        last_rows: rows.map(|rows| u64::try_from(rows).unwrap_or(0)),
        fingerprint: found.get(4)?,
        last_error: found.get(5)?,
        cursor: found.get(6)?,
    })
}
