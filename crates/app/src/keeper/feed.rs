//! Rows of the ledger into an index, in their order and in steps: however long the ledger
//! is, no more than a step is held in memory besides the index.

use std::ops::{ControlFlow, RangeInclusive};

use ledger::{FeedRow, Ledger};
use suppression::{Batch, IndexKey, KeyId, KeyRing, Kind, SuppressionError};

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
        let key = IndexKey::from(row.index_digest());
        self.batch.push(key, &row.index_origin(), row.effective().day(), row.position)?;
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
