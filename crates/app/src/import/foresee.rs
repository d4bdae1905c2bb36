//! What an import would add: the same rows, held against the ledger without writing.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use ledger::Prepared;
use sources::{List, Row, Who};
use suppression::{NewEntry, Timestamp};

use crate::clock;
use crate::error::AppError;
use crate::lists::Intake;

/// Entries that are held against the ledger at once.
const BATCH: usize = 10_000;

/// How many entries of the list would be new, and how many say nothing new.
pub(super) fn against(
    intake: &Intake<'_>,
    list: &List<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(sources::Progress),
) -> Result<(u64, u64), AppError> {
    let mut twice = Twice::default();
    let (mut batch, mut rows, mut new) = (Vec::new(), 0, 0);
    let mut failed = None;
    let read = list.read(now, progress, &mut |row| {
        rows += 1;
        if !twice.is_new(row) {
            return ControlFlow::Continue(());
        }
        let entry = intake.entry(list.hashed(), now, row);
        let done = entry.and_then(|entry| {
            batch.push(entry);
            match batch.len() < BATCH {
                true => Ok(0),
                false => count(intake, std::mem::take(&mut batch)),
            }
        });
        match done {
            Ok(count) => {
                new += count;
                ControlFlow::Continue(())
            }
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(|error| AppError::List(error.to_string()))?;
    new += count(intake, batch)?;
    Ok((new, rows - new))
}

/// The same where nothing is recorded yet.
pub(super) fn alone(
    list: &List<'_>,
    now: Timestamp,
    progress: &mut dyn FnMut(sources::Progress),
) -> Result<(u64, u64), AppError> {
    let mut twice = Twice::default();
    let (mut rows, mut new) = (0, 0);
    let read = list.read(now, progress, &mut |row| {
        rows += 1;
        new += u64::from(twice.is_new(row));
        ControlFlow::Continue(())
    });
    read.map_err(|error| AppError::List(error.to_string()))?;
    Ok((new, rows - new))
}

fn count(intake: &Intake<'_>, batch: Vec<NewEntry>) -> Result<u64, AppError> {
    if batch.is_empty() {
        return Ok(0);
    }
    let prepared = Prepared::new(batch)?;
    let count = intake.keeper.ask(move |desk| desk.foresee(clock::now(), &prepared))?;
    Ok(count as u64)
}

/// Knows rows that say the same as one before. 64 bits of each: of a million rows one in a
/// hundred thousand lists would count one too few.
#[derive(Default)]
struct Twice(HashSet<u64>);

impl Twice {
    fn is_new(&mut self, row: &Row<'_>) -> bool {
        let mut hasher = DefaultHasher::new();
        match row.who {
            Who::Address { address, .. } => (0, address.exact()).hash(&mut hasher),
            Who::Domain(address) => (1, address.domain()).hash(&mut hasher),
            Who::Digest(digest) => (2, digest).hash(&mut hasher),
        }
        let times = row.stated.map(|stated| (stated, row.until));
        (row.kind, row.scope, times).hash(&mut hasher);
        self.0.insert(hasher.finish())
    }
}
