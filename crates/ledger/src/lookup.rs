//! Which rows speak of an address, and whether a fact was seen before.
//!
//! Keys are hashes, so an ordinary index would touch one random page for nearly every row: an
//! import of a million would write gigabytes. Instead the newest rows are held in memory (the
//! *recent* ones, see `recent`) and brought into the table `lookup` in key order, a slice in each later
//! transaction, so that a page is written once for many rows and no commit takes long.
//!
//! Invariant: every committed row at a position up to `indexed` (in `meta`) is in the table; every
//! later one is in `recent` of each process that has refreshed, or in the table, or in both. A
//! crash loses nothing: what was in memory is read again from `entry`. Two processes may bring
//! in the same rows; the table's primary key makes that harmless.

use rusqlite::{CachedStatement, Connection};

use crate::row;

/// What `identity` is for rows that take others back.
pub(crate) const WITHDRAWN: i64 = 0;

/// One row as the lookup knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pointer {
    /// First 64 bits of the person digest.
    pub(crate) person: i64,
    pub(crate) position: u64,
    /// First 64 bits of the identity, or [`WITHDRAWN`].
    pub(crate) identity: i64,
}

/// The question to the table, prepared once for many persons.
pub(crate) fn finder(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("SELECT position, identity FROM lookup WHERE person = ?1")
}

/// Every row in the table that may be of this person. `statement` is from [`finder`].
pub(crate) fn find(
    statement: &mut CachedStatement<'_>,
    person: i64,
    mut each: impl FnMut(Pointer),
) -> rusqlite::Result<()> {
    let mut rows = statement.query([person])?;
    while let Some(row) = rows.next()? {
        each(Pointer { person, position: row::position(row, 0)?, identity: row.get(1)? });
    }
    Ok(())
}

/// Puts rows into the table.
pub(crate) fn insert(connection: &Connection, pointers: &[Pointer]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO lookup (person, position, identity) VALUES (?1, ?2, ?3)",
    )?;
    for Pointer { person, position, identity } in pointers {
        statement.execute((person, row::integer(*position), identity))?;
    }
    Ok(())
}
