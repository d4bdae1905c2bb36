//! Rows of a list into the ledger, in batches that let others in between.
//!
//! Two threads work at it: this one reads, parses and hashes the next batch while the
//! keeper's chains and stores the one before.

use std::collections::{BTreeMap, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ledger::{Appended, BatchSize, Named, Prepared, import_id};
use sources::{List, Row, Who};
use suppression::{Basis, Case, Day, HashedForm, Kind, Known, NewEntry, Scope, Timestamp};

use crate::config::SourceSettings;
use crate::entry::{EntryFacts, EntryMaker};
use crate::error::AppError;
use crate::keeper::{Desk, Keeper, Pending};
use crate::{chance, clock};

/// How the rows of one list are recorded.
pub(crate) struct Intake<'a> {
    pub(crate) keeper: &'a Keeper,
    pub(crate) maker: &'a EntryMaker,
    /// The name of the list.
    pub(crate) source: &'a str,
    /// Of rows that do not say theirs.
    pub(crate) scope: Scope,
    /// How long its entries count.
    pub(crate) lasts: Lasts,
    /// Proof, of every row.
    pub(crate) evidence: &'a BTreeMap<String, String>,
    /// It is not read again by itself.
    pub(crate) once: bool,
    /// Ends it between two rows.
    pub(crate) stop: &'a AtomicBool,
}

/// How long entries count from the time they are of. Opt-outs, complaints and blocks count for
/// ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lasts {
    /// A bounce, of which the list does not say it; none: for ever.
    pub(crate) bounces: Option<Duration>,
    /// A consent lasts as long as what it rests on.
    pub(crate) consents: Basis,
}

impl Lasts {
    /// What the settings of a source say.
    pub(crate) fn of(source: &SourceSettings) -> Self {
        Self { bounces: source.expire_after, consents: source.basis }
    }

    /// When an entry of that kind and time lapses; `said` is what the list says.
    pub(crate) fn until(
        self,
        kind: Kind,
        from: Timestamp,
        said: Option<Timestamp>,
    ) -> Option<Timestamp> {
        match kind {
            Kind::Undeliverable => said.or_else(|| {
                let micros = i64::try_from(self.bounces?.as_micros()).unwrap_or(i64::MAX);
                // Beyond the calendar nothing lapses.
                Timestamp::from_micros(from.micros().saturating_add(micros)).ok()
            }),
            // A list can only shorten what the law gives it.
            Kind::Consent => match (said, self.consents.lapses(from)) {
                (Some(said), Some(lapses)) => Some(said.min(lapses)),
                (said, lapses) => said.or(lapses),
            },
            Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Withdrawn => None,
        }
    }
}

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Taken {
    /// The name of the import.
    pub(crate) import: String,
    /// Entries that are new.
    pub(crate) added: u64,
    /// Entries that stood there already.
    pub(crate) seen: u64,
    /// Of those, undated objections after which the person has agreed to be mailed.
    pub(crate) overruled: u64,
    /// It was ended before the last row.
    pub(crate) stopped: bool,
    /// Of a source that is the master of its entries: every row that was added or stood.
    pub(crate) named: Named,
}

impl Taken {
    /// What a person should look at: people whom the list means to be out, and who are not.
    pub(crate) fn warning(&self) -> Option<String> {
        let people = match self.overruled {
            0 => return None,
            1 => "1 person on this list".to_owned(),
            count => format!("{count} people on this list"),
        };
        Some(format!(
            "{people} agreed to be mailed after their opt-out was recorded; the list gives no \
             dates, so their consent counts; to opt them out again: optgate optout add ADDRESS"
        ))
    }
}

/// Batches that are at the keeper: one at work, one that waits, so that the keeper never
/// waits for this thread as long as this one is the faster.
const AHEAD: usize = 2;

/// A batch at the keeper: its rows, and what will be known of it.
type Sent = (usize, Pending<Stored>);

/// What became of a batch.
struct Stored {
    added: u64,
    seen: u64,
    overruled: u64,
    took: Duration,
    named: Option<Appended>,
}

struct Running<'a> {
    intake: &'a Intake<'a>,
    mirrored: bool,
    hashed: Option<Arc<HashedForm>>,
    now: Timestamp,
    size: BatchSize,
    batch: Vec<NewEntry>,
    sent: VecDeque<Sent>,
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
        self.take(list, now, progress, false)
    }

    /// The same, of a source that is the master of its entries: it is noted which rows the list
    /// names.
    pub(crate) fn run_mirrored(&self, list: &List<'_>, now: Timestamp) -> Result<Taken, AppError> {
        self.take(list, now, &mut |_| (), true)
    }

    fn take(
        &self,
        list: &List<'_>,
        now: Timestamp,
        progress: &mut dyn FnMut(sources::Progress),
        mirrored: bool,
    ) -> Result<Taken, AppError> {
        let import = import_id(now, u64::from_ne_bytes(chance::bytes()?));
        let mut running = Running {
            intake: self,
            mirrored,
            hashed: list.hashed().cloned(),
            now,
            size: BatchSize::new(),
            batch: Vec::new(),
            sent: VecDeque::new(),
            taken: Taken { import, ..Taken::default() },
            failed: None,
        };
        let read = list.read(now, progress, &mut |row| running.row(row));
        // What was read before an error is true all the same; the next reading brings
        // the rest.
        if running.failed.is_none() {
            running.flush();
        }
        while !running.sent.is_empty() {
            running.settle_oldest();
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

impl Intake<'_> {
    /// The entry that a row is recorded as; `hashed` is the form of the digests of its list.
    pub(crate) fn entry(
        &self,
        hashed: Option<&Arc<HashedForm>>,
        now: Timestamp,
        row: &Row<'_>,
    ) -> Result<NewEntry, AppError> {
        let facts = EntryFacts {
            kind: row.kind,
            scope: row.scope.unwrap_or(&self.scope).clone(),
            source: self.source.to_owned(),
            stated: row.stated,
            expires: self.lasts.until(row.kind, row.stated.unwrap_or(now), row.until),
            reason: row.reason.map(str::to_owned),
            evidence: self.evidence.clone(),
        };
        let unknown =
            || AppError::Input("a digest on a list that is not one of digests".to_owned());
        match row.who {
            Who::Address { address, .. } => Ok(self.maker.entry(address, facts)),
            Who::Domain(address) => Ok(self.maker.domain_entry(address, facts)),
            Who::Digest(digest) => {
                self.maker.hashed_entry(hashed.ok_or_else(unknown)?, digest, facts)
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
        match self.intake.entry(self.hashed.as_ref(), self.now, row) {
            Ok(entry) => self.batch.push(entry),
            Err(error) => self.failed = Some(error),
        }
        if self.batch.len() >= self.size.rows() {
            self.flush();
        }
        if self.failed.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Gives the batch to the keeper, and waits only if it has enough to do.
    fn flush(&mut self) {
        let batch = std::mem::take(&mut self.batch);
        let rows = batch.len();
        if rows == 0 {
            return;
        }
        let prepared = match Prepared::new(batch) {
            Ok(prepared) => prepared,
            Err(error) => {
                self.failed = Some(error.into());
                return;
            }
        };
        while self.sent.len() >= AHEAD {
            self.settle_oldest();
        }
        if self.failed.is_some() {
            return;
        }
        let import = self.taken.import.clone();
        let (once, mirrored) = (self.intake.once, self.mirrored);
        let sent = self.intake.keeper.submit(move |desk| {
            let (start, now) = (clock::instant(), clock::now());
            let appended = match (once, mirrored) {
                (true, _) => desk.append_once(now, &import, &prepared)?,
                (false, true) => desk.append_mirrored(now, &import, &prepared)?,
                (false, false) => desk.append_prepared(now, Some(&import), &prepared)?,
            };
            let (added, seen) = (appended.added.len() as u64, appended.seen as u64);
            let overruled = if once { overruled(desk, &prepared, &appended) } else { 0 };
            let named = mirrored.then_some(appended);
            Ok(Stored { added, seen, overruled, took: start.elapsed(), named })
        });
        match sent {
            Ok(pending) => self.sent.push_back((rows, pending)),
            Err(error) => self.failed = Some(error),
        }
        self.batch.reserve(self.size.rows());
    }

    /// Waits for the oldest batch at the keeper.
    fn settle_oldest(&mut self) {
        let Some((rows, pending)) = self.sent.pop_front() else { return };
        match pending.wait() {
            Ok(Stored { added, seen, overruled, took, named }) => {
                named.iter().for_each(|appended| self.taken.named.note(appended));
                self.taken.overruled += overruled;
                self.taken.added += added;
                self.taken.seen += seen;
                self.size.learn(rows, took);
            }
            // The first is the one that tells what went wrong.
            Err(error) => self.failed = Some(self.failed.take().unwrap_or(error)),
        }
    }
}

/// How many entries of a batch stood already, without a date, and are outvoted by a consent
/// that came after: whoever imports the list means them to be out, and they are not.
fn overruled(desk: &Desk, prepared: &Prepared, appended: &Appended) -> u64 {
    let index = desk.index().load_full();
    if !index.has_consents() {
        return 0;
    }
    let is = |(position, place): &&(u64, usize)| {
        let Some(entry) = prepared.entries().get(*place) else { return false };
        let mut case = Case::default();
        index.gather(&entry.keys, &mut case);
        let row = case.objections.iter().find(|k| u64::from(k.fact.position) == *position);
        // Whoever has objected once more since is out all the same.
        let express = |k: &&Known<'_>| !k.withdrawn && k.origin.lifetime.is_none();
        let agreed = case.consents.iter().filter(express).map(|k| k.fact.day).max();
        let objected = case.objections.iter().filter(|k| !k.withdrawn).map(|k| k.fact.day).max();
        let later = |day: Day| agreed > Some(day) && agreed > objected;
        entry.stated.is_none()
            && entry.kind != Kind::Manual
            && row.is_some_and(|row| later(row.fact.day))
    };
    appended.stood.iter().filter(is).count() as u64
}
