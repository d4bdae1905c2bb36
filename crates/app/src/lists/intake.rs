//! Rows of a list into the ledger, in batches that let others in between.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{BatchSize, import_id};
use sources::{List, Row};
use suppression::{Kind, NewEntry, Scope, Timestamp};

use crate::entry::{EntryFacts, EntryMaker};
use crate::error::AppError;
use crate::keeper::Keeper;
use crate::{chance, clock};

/// How the rows of one list are recorded.
pub(crate) struct Intake<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) maker: &'a EntryMaker,
    /// The name of the list.
    pub(crate) source: &'a str,
    pub(crate) kind: Kind,
    pub(crate) scope: Scope,
    /// Ends it between two rows.
    pub(crate) stop: &'a AtomicBool,
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// The name of the import.
    pub(crate) import: String,
    /// Entries that are new.
    pub(crate) added: u64,
    /// Entries that stood there already.
    pub(crate) seen: u64,
    /// It was ended before the last row.
    pub(crate) stopped: bool,
}

struct Running<'a> {
    intake: &'a Intake<'a>,
    size: BatchSize,
    batch: Vec<NewEntry>,
    taken: Taken,
    failed: Option<AppError>,
}

impl Intake<'_> {
    /// Reads the list and records what it says.
    pub(crate) fn run(
        &self,
        list: &List<'_>,
        now: Timestamp,
        progress: &mut dyn FnMut(sources::Progress),
    ) -> Result<Taken, AppError> {
        let import = import_id(now, u64::from_ne_bytes(chance::bytes()?));
        let mut running = Running {
            intake: self,
            size: BatchSize::new(),
            batch: Vec::new(),
            taken: Taken { import, ..Taken::default() },
            failed: None,
        };
        let read = list.read(now, progress, &mut |row| running.row(row));
        // What was read before an error is true all the same; the next reading brings
        // the rest.
        if running.failed.is_none() {
            running.flush();
        }
        match running.failed {
            Some(error) => Err(error),
            None => {
                read.map_err(|error| AppError::List(error.to_string()))?;
                Ok(running.taken)
            }
        }
    }
}

impl Running<'_> {
    fn row(&mut self, row: &Row<'_>) -> ControlFlow<()> {
        if self.intake.stop.load(Ordering::Acquire) {
            self.taken.stopped = true;
            return ControlFlow::Break(());
        }
        let facts = EntryFacts {
            kind: self.intake.kind,
            scope: self.intake.scope.clone(),
            source: self.intake.source.to_owned(),
            stated: row.stated,
            reason: row.reason.map(str::to_owned),
            evidence: BTreeMap::new(),
        };
        self.batch.push(self.intake.maker.entry(row.address, facts));
        if self.batch.len() >= self.size.rows() {
            self.flush();
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let rows = batch.len();
        if rows == 0 {
            return;
        }
        let (import, now) = (self.taken.import.clone(), clock::now());
        let appended = self.intake.keeper.ask(move |desk| {
            let start = clock::instant();
            let appended = desk.append(now, Some(&import), &batch)?;
            Ok((appended.added.len() as u64, appended.seen as u64, start.elapsed()))
        });
        match appended {
            Ok((added, seen, took)) => {
                self.taken.added += added;
                self.taken.seen += seen;
                self.size.learn(rows, took);
                self.batch.reserve(self.size.rows());
            }
            Err(error) => self.failed = Some(error),
        }
    }
}
