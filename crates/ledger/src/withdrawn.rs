//! Which rows were taken back, one by one or with their whole import. Kept as a compressed set:
//! an import of ten million rows that was undone is one range.
//!
//! A row of an import counts as taken back only if it stands before the row that undoes the
//! import: what the same import brings afterwards was not meant.

use roaring::RoaringTreemap;
use rusqlite::Connection;

use crate::row;

/// The positions of the rows that were taken back.
#[derive(Debug, Default)]
pub(crate) struct Withdrawn(RoaringTreemap);

impl Withdrawn {
    /// Everything the ledger says about it.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut set = Self::default();
        let mut single =
            connection.prepare_cached("SELECT refers_to FROM entry WHERE refers_to IS NOT NULL")?;
        let mut rows = single.query(())?;
        while let Some(found) = rows.next()? {
            set.0.insert(row::position(found, 0)?);
        }
        let mut whole = connection.prepare_cached(
            "SELECT refers_import, max(position) FROM entry WHERE refers_import IS NOT NULL
             GROUP BY refers_import",
        )?;
        let mut rows = whole.query(())?;
        while let Some(found) = rows.next()? {
            set.0 |= rows_of(connection, found.get(0)?, row::position(found, 1)?)?;
        }
        Ok(set)
    }

    pub(crate) fn contains(&self, position: u64) -> bool {
        self.0.contains(position)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_positions(self) -> RoaringTreemap {
        self.0
    }

    pub(crate) fn insert_all(&mut self, positions: RoaringTreemap) {
        self.0 |= positions;
    }

    /// Those of `positions` that stand.
    pub(crate) fn standing(&self, positions: RoaringTreemap) -> RoaringTreemap {
        positions - &self.0
    }
}

/// The rows of an import at positions below `before`.
pub(crate) fn rows_of(
    connection: &Connection,
    import: i64,
    before: u64,
) -> rusqlite::Result<RoaringTreemap> {
    let mut statement = connection.prepare_cached(
        "SELECT first, last FROM import_rows WHERE import = ?1 AND first < ?2 ORDER BY first",
    )?;
    let mut positions = RoaringTreemap::new();
    let mut rows = statement.query((import, row::integer(before)))?;
    while let Some(found) = rows.next()? {
        let (first, last) = (row::position(found, 0)?, row::position(found, 1)?);
        positions.insert_range(first..=last.min(before.saturating_sub(1)));
    }
    Ok(positions)
}
