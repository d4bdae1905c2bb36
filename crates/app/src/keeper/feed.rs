//! Rows of the ledger into an index, in their order and in steps: however long the ledger
//! is, no more than a step is held in memory besides the index.

use std::ops::{ControlFlow, RangeInclusive};

use ledger::{FeedRow, Ledger};
use suppression::{Batch, Index, IndexKey, KeyId, KeyRing, Kind, NewEntry, SuppressionError};

use crate::error::AppError;

/// Rows of one step.
const STEP: usize = 64 * 1024;

/// What came of a step.
pub(super) enum Fed {
    /// What the next rows say, the last of them, and whether more may be left.
    Rows { batch: Box<Batch>, last: u64, more: bool },
    /// There are none.
    Nothing,
    /// A row was made under a key that is not in the ring.
    Strange(KeyId),
}

/// The next rows of the ledger behind `from`.
pub(super) fn step(ledger: &Ledger, ring: &KeyRing, from: u64) -> Result<Fed, AppError> {
    let mut feed = Feed { ledger, ring, known: None, batch: Batch::new(), rows: 0, stopped: None };
    let last = ledger.for_each_since(from, |row| match feed.take(row) {
        Ok(()) if feed.rows < STEP => ControlFlow::Continue(()),
        Ok(()) => ControlFlow::Break(()),
        Err(stopped) => {
            feed.stopped = Some(stopped);
            ControlFlow::Break(())
        }
    })?;
    match feed.stopped {
        Some(Stopped::Strange(key)) => return Ok(Fed::Strange(key)),
        Some(Stopped::Failed(error)) => return Err(error),
        None if last == from => return Ok(Fed::Nothing),
        None => {}
    }
    let more = feed.rows >= STEP;
    Ok(Fed::Rows { batch: Box::new(feed.batch), last, more })
}

/// Rows that were just written, as they were given: none of them takes others back.
pub(super) fn batch<'a>(
    rows: impl Iterator<Item = FeedRow<'a>>,
    count: usize,
) -> Result<Batch, SuppressionError> {
    let mut batch = Batch::with_capacity(count);
    for row in rows {
        push(&mut batch, &row)?;
    }
    Ok(batch)
}

fn push(batch: &mut Batch, row: &FeedRow<'_>) -> Result<(), SuppressionError> {
    let key = IndexKey::from(row.index_digest());
    batch.push(key, &row.index_origin(), row.effective().day(), row.position)
}

/// Whether the index has anything that may be the same fact; if not, nobody need look.
pub(super) fn may_know(index: &Index, entry: &NewEntry) -> bool {
    match entry.kind {
        Kind::Consent => index.consents(IndexKey::from(&entry.keys.exact)).next().is_some(),
        Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Undeliverable | Kind::Withdrawn => {
            index.facts(IndexKey::from(&entry.keys.person)).next().is_some()
        }
    }
}

struct Feed<'a> {
    ledger: &'a Ledger,
    ring: &'a KeyRing,
    /// A key that was found in the ring: the one of the row before, mostly.
    known: Option<KeyId>,
    batch: Batch,
    rows: usize,
    stopped: Option<Stopped>,
}

enum Stopped {
    Strange(KeyId),
    Failed(AppError),
}

impl<E: Into<AppError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Feed<'_> {
    fn take(&mut self, row: &FeedRow<'_>) -> Result<(), Stopped> {
        self.rows += 1;
        if row.kind == Kind::Withdrawn {
            return self.withdraw(row);
        }
        if self.known != Some(row.key_id) {
            if self.ring.find(row.key_id).is_none() {
                return Err(Stopped::Strange(row.key_id));
            }
            self.known = Some(row.key_id);
        }
        push(&mut self.batch, row)?;
        Ok(())
    }

    fn withdraw(&mut self, row: &FeedRow<'_>) -> Result<(), Stopped> {
        if let Some(position) = row.refers_to {
            self.batch.withdraw(narrow(&(position..=position))?);
        }
        if let Some(import) = row.refers_import {
            for rows in self.ledger.import_rows(import, row.position)? {
                self.batch.withdraw(narrow(&rows)?);
            }
        }
        Ok(())
    }
}

fn narrow(rows: &RangeInclusive<u64>) -> Result<RangeInclusive<u32>, SuppressionError> {
    let narrow = |at: u64| u32::try_from(at).map_err(|_| SuppressionError::PositionTooLarge(at));
    Ok(narrow(*rows.start())?..=narrow(*rows.end())?)
}
