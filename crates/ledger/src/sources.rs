//! How each source fared last: for the shrink guard, `status`, and a start that need not read an
//! unchanged file again. Not part of the chain: it is about files, not about people.

use rusqlite::{OptionalExtension, Row};
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
    /// Fingerprint of the file and the settings it was taken with.
    pub fingerprint: Option<String>,
    /// Why the last try failed; none when it did not.
    pub last_error: Option<String>,
}

const COLUMNS: &str = "name, last_attempt, last_success, last_rows, fingerprint, last_error";

impl Ledger {
    /// Remembers how a source fared, in place of what was remembered before.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_source_state(&mut self, state: &SourceState) -> Result<(), LedgerError> {
        let set = || {
            self.connection
                .prepare_cached(&format!(
                    "INSERT OR REPLACE INTO source ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                ))?
                .execute(rusqlite::params![
                    state.name,
                    state.last_attempt.map(Timestamp::micros),
                    state.last_success.map(Timestamp::micros),
                    state.last_rows.map(row::integer),
                    state.fingerprint,
                    state.last_error,
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
    })
}
