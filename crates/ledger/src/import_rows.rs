//! The table `import_rows`: runs of positions that an import has brought.

use rusqlite::Connection;

use crate::row;

/// Notes that an import has brought these rows, which are the last ones of the ledger.
pub(crate) fn add(
    connection: &Connection,
    import: i64,
    first: u64,
    last: u64,
) -> rusqlite::Result<()> {
    let (first, last) = (row::integer(first), row::integer(last));
    let longer = connection
        .prepare_cached(
            "UPDATE import_rows SET last = ?3 WHERE import = ?1 AND last = ?2 - 1
             AND first = (SELECT max(first) FROM import_rows WHERE import = ?1)",
        )?
        .execute((import, first, last))?;
    if longer == 0 {
        connection
            .prepare_cached("INSERT INTO import_rows (import, first, last) VALUES (?1, ?2, ?3)")?
            .execute((import, first, last))?;
    }
    Ok(())
}
