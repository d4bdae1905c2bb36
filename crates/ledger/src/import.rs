//! Imports: their names, which rows each has brought, and whether it was undone.
//!
//! The table `import_rows` holds runs of positions and is derived from the column `import` of the
//! rows; `verify` holds it against them. It answers "which rows" for an import of ten million
//! without a look at any of them.

use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension};
use suppression::Timestamp;

use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::row;
use crate::said_again;

/// An import, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportLine {
    /// Its name, reported at its end.
    pub id: String,
    /// When its first row was written.
    pub started: Timestamp,
    /// Position of its first row; 0 where it has only said again what stood there.
    pub first: u64,
    /// Position of its last row, or 0; others may lie between.
    pub last: u64,
    /// How many rows it has brought.
    pub rows: u64,
    /// The source of its first row, or of the first that it said again.
    pub source: String,
    /// The last row that has undone it.
    pub undone: Option<u64>,
}

/// An id such as `20260302-1t6k9qz`: the day for people, and 35 bits of `random` so that two
/// imports of one day differ. No letters that are easily misread (Crockford's alphabet).
#[must_use]
pub fn import_id(now: Timestamp, random: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let day: String = now.day().to_string().chars().filter(char::is_ascii_digit).collect();
    let tail = (0..7).rev().filter_map(|at| {
        let digit = (random >> (5 * at)) & 31;
        ALPHABET.get(usize::try_from(digit).unwrap_or(0)).copied().map(char::from)
    });
    format!("{day}-{}", tail.collect::<String>())
}

impl Ledger {
    /// Every import that has brought a row, or as a one-off import has said again what stood
    /// there, in the order in which they began.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn imports(&self) -> Result<Vec<ImportLine>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT i.name, i.started, r.first, r.last, r.rows, i.id,
                        (SELECT max(position) FROM entry WHERE refers_import = i.id)
                 FROM import i
                 LEFT JOIN (SELECT import, min(first) AS first, max(last) AS last,
                                   sum(last - first + 1) AS rows
                            FROM import_rows GROUP BY import) r ON r.import = i.id
                 ORDER BY i.id",
            )?;
            let lines = statement.query_map((), |found| {
                let first = row::optional_position(found, 2)?;
                let said = match first {
                    Some(first) => Some(first),
                    None => said_again::first_of(&self.connection, found.get(5)?)?,
                };
                Ok(ImportLine {
                    id: found.get(0)?,
                    started: row::timestamp(found, 1)?.ok_or_else(|| row::broken(1, "no time"))?,
                    first: first.unwrap_or(0),
                    last: row::optional_position(found, 3)?.unwrap_or(0),
                    rows: row::optional_position(found, 4)?.unwrap_or(0),
                    source: source_of(&self.connection, said.unwrap_or(0))?.unwrap_or_default(),
                    undone: row::optional_position(found, 6)?,
                })
            })?;
            lines.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }

    /// The positions below `before` that an import has brought, in order; none for an unknown
    /// one. May be called from within [`Ledger::for_each_since`], and answers as of its moment.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn import_rows(
        &self,
        id: &str,
        before: u64,
    ) -> Result<Vec<RangeInclusive<u64>>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare_cached(
                "SELECT r.first, r.last FROM import_rows r JOIN import i ON i.id = r.import
                 WHERE i.name = ?1 AND r.first < ?2 ORDER BY r.first",
            )?;
            let runs = statement.query_map((id, row::integer(before)), |found| {
                let (first, last) = (row::position(found, 0)?, row::position(found, 1)?);
                Ok(first..=last.min(before.saturating_sub(1)))
            })?;
            runs.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(|error| self.fault(error))
    }
}

/// The source of an import, as its first row has it, or the first one it has said again.
pub(crate) fn source(connection: &Connection, import: i64) -> rusqlite::Result<Option<String>> {
    let first = connection
        .prepare_cached("SELECT min(first) FROM import_rows WHERE import = ?1")?
        .query_row([import], |found| row::optional_position(found, 0))?;
    let first = match first {
        Some(first) => Some(first),
        None => said_again::first_of(connection, import)?,
    };
    source_of(connection, first.unwrap_or(0))
}

fn source_of(connection: &Connection, position: u64) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached(
            "SELECT source FROM origin WHERE id = (SELECT origin FROM entry WHERE position = ?1)",
        )?
        .query_row([row::integer(position)], |found| found.get(0))
        .optional()
}

/// The number of an import.
pub(crate) fn find(connection: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM import WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()
}

/// The number of an import, given one when its name is new. `keeps`: the source that it keeps in
/// step. Inside a write transaction.
pub(crate) fn number(
    connection: &Connection,
    name: &str,
    now: i64,
    keeps: Option<&str>,
) -> rusqlite::Result<i64> {
    if let Some(number) = find(connection, name)? {
        return Ok(number);
    }
    connection
        .prepare_cached("INSERT INTO import (name, started, keeps) VALUES (?1, ?2, ?3)")?
        .execute((name, now, keeps))?;
    Ok(connection.last_insert_rowid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_day_and_seven_digits() {
        let now: Timestamp = "2026-03-02T10:15:00Z".parse().unwrap();
        assert_eq!(import_id(now, 0), "20260302-0000000");
        assert_eq!(import_id(now, 31 + (1 << 5)), "20260302-000001z");
        assert_eq!(import_id(now, u64::MAX), "20260302-zzzzzzz");
    }
}
