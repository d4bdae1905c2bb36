//! The rows that are not in the table `lookup` yet: sorted runs, one a transaction, merged as
//! they grow, so that a row is moved few times and a look-up is a handful of binary searches.

use rusqlite::Connection;
use suppression::Timestamp;

use crate::chain::{first_word, identity};
use crate::lookup::{self, Pointer, WITHDRAWN};
use crate::origins;
use crate::row;

/// Rows that are put into the table at once when they come in small numbers.
const AT_ONCE: usize = 256;
/// Recent rows kept in memory before they are brought in: as many as the table has, so that each
/// of its pages is rewritten few times however large it grows, between these bounds (24 bytes
/// each, and half as much again for a moment while they are put in order).
const RECENT_MIN: usize = 200_000;
const RECENT_MAX: usize = 4_000_000;
/// Rows brought in by one transaction, at least.
const SLICE: usize = 4096;

/// Sorted runs, by person and position.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// The longest first.
    runs: Vec<Vec<Pointer>>,
    bringing_in: Option<Round>,
}

/// Rows that are being brought in, slice by slice.
#[derive(Debug)]
struct Round {
    rows: Vec<Pointer>,
    /// Those before it are in the table.
    from: usize,
    /// Every row up to this position is in the table when the round is over.
    upto: u64,
}

/// What a transaction did that is true only once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    rows: usize,
    /// The new value of `indexed`, when a round is complete.
    pub(crate) indexed: Option<u64>,
}

impl Recent {
    /// Remembers the rows of a transaction, in any order.
    pub(crate) fn insert(&mut self, mut rows: Vec<Pointer>) {
        if rows.is_empty() {
            return;
        }
        rows.sort_unstable();
        while let Some(last) = self.runs.pop_if(|last| last.len() <= rows.len() * 2) {
            rows = merge(last, rows);
        }
        self.runs.push(rows);
    }

    /// How many there are.
    fn len(&self) -> usize {
        self.runs.iter().map(Vec::len).sum()
    }

    /// Forgets rows that another process has brought in.
    pub(crate) fn indexed_up_to(&mut self, position: u64) {
        self.runs.iter_mut().for_each(|run| run.retain(|row| row.position > position));
        self.runs.retain(|run| !run.is_empty());
        self.bringing_in.take_if(|round| round.upto <= position);
    }

    /// Reads the rows after `position` from the record. Tells whether one takes others back.
    pub(crate) fn read_from(
        &mut self,
        connection: &Connection,
        position: u64,
    ) -> rusqlite::Result<bool> {
        let (origins, imports) = (origins::all(connection)?, origins::imports(connection)?);
        let (mut buffer, mut taken_back, mut rows) = (Vec::new(), false, Vec::new());
        row::for_each_feed(connection, position, &origins, &imports, |row, known| {
            taken_back |= row.kind == suppression::Kind::Withdrawn;
            rows.push(Pointer {
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
        self.insert(rows);
        Ok(taken_back)
    }

    /// Every recent row that may be of this person.
    pub(crate) fn of(&self, person: i64) -> impl Iterator<Item = Pointer> {
        let round = self.bringing_in.as_ref().map(|round| &round.rows);
        self.runs.iter().chain(round).flat_map(move |run| {
            let start = run.partition_point(|row| row.person < person);
            let rest = run.get(start..).unwrap_or_default();
            rest.iter().take_while(move |row| row.person == person).copied()
        })
    }

    /// Whether rows added now go straight into the table.
    pub(crate) fn takes_at_once(&self, added: usize) -> bool {
        added <= AT_ONCE && !self.is_unfinished()
    }

    /// Brings the next slice of rows into the table, when it is time or `force` says so.
    pub(crate) fn bring_in(
        &mut self,
        connection: &Connection,
        head: u64,
        indexed: u64,
        added: usize,
        force: bool,
    ) -> rusqlite::Result<Brought> {
        let limit = usize::try_from(indexed).unwrap_or(usize::MAX).clamp(RECENT_MIN, RECENT_MAX);
        if self.bringing_in.is_none() && (self.len() >= limit || (force && self.len() > 0)) {
            let rows = self.runs.drain(..).rev().reduce(merge).unwrap_or_default();
            self.bringing_in = Some(Round { rows, from: 0, upto: head });
        }
        let Some(round) = &self.bringing_in else { return Ok(Brought::default()) };
        // Twice as fast as rows come, so that a round ends.
        let slice = SLICE.max(added.saturating_mul(2));
        let due = round.rows.get(round.from..).unwrap_or_default();
        let due = due.get(..slice).unwrap_or(due);
        lookup::insert(connection, due)?;
        let complete = round.from + due.len() == round.rows.len();
        let indexed = complete.then(|| round.upto.max(indexed));
        Ok(Brought { rows: due.len(), indexed })
    }

    /// The transaction is committed: what was brought in need not be remembered.
    pub(crate) fn committed(&mut self, brought: &Brought) {
        if let Some(round) = &mut self.bringing_in {
            round.from += brought.rows;
        }
        self.bringing_in.take_if(|_| brought.indexed.is_some());
    }

    /// Whether a call of [`Recent::bring_in`] with `force` would still do something.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.bringing_in.is_some() || !self.runs.is_empty()
    }
}

/// Two sorted runs as one.
fn merge(mut one: Vec<Pointer>, two: Vec<Pointer>) -> Vec<Pointer> {
    // The standard library's stable sort finds the two runs and merges them.
    one.extend(two);
    one.sort();
    one
}
