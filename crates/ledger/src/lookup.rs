//! Which rows speak of an address, and whether a fact was seen before.
//!
//! Keys are hashes, so an ordinary index would touch one random page for nearly every row: an
//! import of a million would write gigabytes. Instead the newest rows are held in memory (the
//! *recent* ones) and brought into the table `lookup` in key order, a slice in each later
//! transaction, so that a page is written once for many rows and no commit takes long.
//!
//! Invariant: every committed row at a position up to `indexed` (in `meta`) is in the table; every
//! later one is in `recent` of each process that has refreshed, or in the table, or in both. A
//! crash loses nothing: what was in memory is read again from `entry`. Two processes may bring
//! in the same rows; the table's primary key makes that harmless.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection};
use suppression::Timestamp;

use crate::chain::{first_word, identity};
use crate::origins;
use crate::row;

/// Rows that are put into the table at once when they come in small numbers.
const AT_ONCE: usize = 256;
/// Recent rows kept in memory before they are brought in: a quarter of the table, so that each of
/// its pages is rewritten few times however large it grows, between these bounds (40 bytes each).
const RECENT_MIN: usize = 200_000;
const RECENT_MAX: usize = 1_000_000;
/// Rows brought in by one transaction, at least.
const SLICE: usize = 4096;

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

/// The rows that are not in the table yet, by person and position.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    rows: BTreeMap<(i64, u64), i64>,
    /// While bringing in: up to which position, and from which key on.
    bringing_in: Option<BringingIn>,
}

#[derive(Debug, Clone, Copy)]
struct BringingIn {
    upto: u64,
    from: (i64, u64),
}

/// What a transaction did that is true only once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    keys: Vec<(i64, u64)>,
    next: Option<BringingIn>,
    /// The new value of `indexed`, when a round is complete.
    pub(crate) indexed: Option<u64>,
}

impl Recent {
    pub(crate) fn insert(&mut self, pointer: Pointer) {
        self.rows.insert((pointer.person, pointer.position), pointer.identity);
    }

    /// Forgets rows that another process has brought in.
    pub(crate) fn indexed_up_to(&mut self, position: u64) {
        self.rows.retain(|(_, at), _| *at > position);
        self.bringing_in = self.bringing_in.filter(|round| round.upto > position);
    }

    /// Reads the rows after `position` from the record. Tells whether one takes others back.
    pub(crate) fn read_from(
        &mut self,
        connection: &Connection,
        position: u64,
    ) -> rusqlite::Result<bool> {
        let (origins, imports) = (origins::all(connection)?, origins::imports(connection)?);
        let (mut buffer, mut taken_back) = (Vec::new(), false);
        row::for_each_feed(connection, position, &origins, &imports, |row, known| {
            taken_back |= row.kind == suppression::Kind::Withdrawn;
            self.insert(Pointer {
                person: first_word(row.keys.person.as_bytes()),
                position: row.position,
                identity: if row.kind == suppression::Kind::Withdrawn {
                    WITHDRAWN
                } else {
                    let micros = |time: Option<Timestamp>| time.map(Timestamp::micros);
                    let (stated, expires) = (micros(row.stated), micros(row.expires));
                    identity(&known.bytes, row.key_id, &row.keys, stated, expires, &mut buffer)
                },
            });
            std::ops::ControlFlow::Continue(())
        })?;
        Ok(taken_back)
    }

    /// Every row, in the table or recent, that may be of this person. A row may come twice.
    /// `statement` is from [`finder`].
    pub(crate) fn find(
        &self,
        statement: &mut CachedStatement<'_>,
        person: i64,
        mut each: impl FnMut(Pointer),
    ) -> rusqlite::Result<()> {
        let mut rows = statement.query([person])?;
        while let Some(row) = rows.next()? {
            each(Pointer { person, position: row::position(row, 0)?, identity: row.get(1)? });
        }
        for ((_, position), identity) in self.rows.range((person, 0)..=(person, u64::MAX)) {
            each(Pointer { person, position: *position, identity: *identity });
        }
        Ok(())
    }

    /// Whether rows added now go straight into the table.
    pub(crate) fn takes_at_once(&self, added: usize) -> bool {
        self.rows.is_empty() && added <= AT_ONCE
    }

    /// Brings the next slice of rows into the table, when it is time or `force` says so.
    pub(crate) fn bring_in(
        &self,
        connection: &Connection,
        head: u64,
        indexed: u64,
        added: usize,
        force: bool,
    ) -> rusqlite::Result<Brought> {
        let limit =
            (usize::try_from(indexed).unwrap_or(usize::MAX) / 4).clamp(RECENT_MIN, RECENT_MAX);
        let round = match self.bringing_in {
            Some(round) => round,
            None if self.rows.len() >= limit || (force && !self.rows.is_empty()) => {
                BringingIn { upto: head, from: (i64::MIN, 0) }
            }
            None => return Ok(Brought::default()),
        };
        // Twice as fast as rows come, so that a round ends.
        let slice = SLICE.max(added.saturating_mul(2));
        let mut brought = Brought::default();
        let mut statement = connection.prepare_cached(
            "INSERT OR IGNORE INTO lookup (person, position, identity) VALUES (?1, ?2, ?3)",
        )?;
        let due =
            self.rows.range(round.from..).filter(|((_, position), _)| *position <= round.upto);
        for ((person, position), identity) in due {
            if brought.keys.len() >= slice {
                brought.next = Some(BringingIn { from: (*person, *position), ..round });
                return Ok(brought);
            }
            statement.execute((person, row::integer(*position), identity))?;
            brought.keys.push((*person, *position));
        }
        brought.indexed = Some(round.upto.max(indexed));
        Ok(brought)
    }

    /// The transaction is committed: what was brought in need not be remembered.
    pub(crate) fn committed(&mut self, brought: Brought) {
        for key in &brought.keys {
            self.rows.remove(key);
        }
        if !brought.keys.is_empty() || brought.indexed.is_some() {
            self.bringing_in = brought.next;
        }
    }

    /// Whether a call of [`Recent::bring_in`] with `force` would still do something.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.bringing_in.is_some() || !self.rows.is_empty()
    }
}

/// The question to the table, prepared once for many persons.
pub(crate) fn finder(connection: &Connection) -> rusqlite::Result<CachedStatement<'_>> {
    connection.prepare_cached("SELECT position, identity FROM lookup WHERE person = ?1")
}

/// Puts rows straight into the table.
pub(crate) fn insert(connection: &Connection, pointers: &[Pointer]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "INSERT OR IGNORE INTO lookup (person, position, identity) VALUES (?1, ?2, ?3)",
    )?;
    for Pointer { person, position, identity } in pointers {
        statement.execute((person, row::integer(*position), identity))?;
    }
    Ok(())
}
