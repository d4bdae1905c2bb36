//! One source: is its file another one than before, is it to be believed, and what is
//! new in it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use ledger::SourceState;
use sources::{Input, List, SourceError, judge};
use suppression::Timestamp;

use super::age::Seen;
use super::changes::Stamp;
use super::intake::{Intake, Lasts, Taken};
use crate::clock;
use crate::config::SourceSettings;
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::{Keeper, ListStates};

/// What a look at the file came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing to do, or done.
    Steady,
    /// It is being written; look again soon.
    Unsteady,
}

/// Keeps one source in step.
pub(super) struct Synchroniser {
    keeper: Keeper,
    maker: EntryMaker,
    source: SourceSettings,
    /// Ends when what was read stands no longer; then everything is forgotten.
    round: u64,
    state: SourceState,
    /// Of the file as last tried; none before the first try.
    tried: Option<Stamp>,
    /// Whether it was told that the file is away.
    missing: bool,
    stop: Arc<AtomicBool>,
}

impl Synchroniser {
    pub(super) fn new(
        keeper: &Keeper,
        maker: &EntryMaker,
        source: &SourceSettings,
        stop: Arc<AtomicBool>,
    ) -> Result<Self, AppError> {
        let mut new = Self {
            keeper: keeper.clone(),
            maker: maker.clone(),
            source: source.clone(),
            round: 0,
            state: SourceState::default(),
            tried: None,
            missing: false,
            stop,
        };
        new.begin_round()?;
        Ok(new)
    }

    /// Forgets what it knows of the file, and goes by what the ledger remembers.
    fn begin_round(&mut self) -> Result<(), AppError> {
        // Asked first: if it ends before the state is read, there is another look.
        let round = self.states().round(&self.source.name);
        let name = self.source.name.clone();
        let known = self.keeper.ask(move |desk| desk.source_state(&name))?;
        let new = || SourceState { name: self.source.name.clone(), ..SourceState::default() };
        self.state = known.unwrap_or_else(new);
        (self.round, self.tried, self.missing) = (round, None, false);
        Ok(())
    }

    fn is_round_over(&self) -> bool {
        self.states().round(&self.source.name) != self.round
    }

    pub(super) fn states(&self) -> &ListStates {
        self.keeper.states()
    }

    pub(super) fn source(&self) -> &SourceSettings {
        &self.source
    }

    /// How it fares, and as of which round that is.
    pub(super) fn state(&self) -> (u64, &SourceState) {
        (self.round, &self.state)
    }

    /// Whether there is something to do.
    pub(super) fn is_changed(&self) -> bool {
        if self.is_round_over() {
            return true;
        }
        match Stamp::of(self.source.path()) {
            Ok(stamp) => self.missing || self.tried != Some(stamp),
            Err(_) => !self.missing,
        }
    }

    /// Looks at the file, and reads it if it is another one.
    pub(super) fn look(&mut self) -> Outcome {
        if self.is_round_over()
            && let Err(error) = self.begin_round()
        {
            tracing::error!(list = self.source.name, %error, "list cannot be read again yet");
            return Outcome::Steady;
        }
        let stamp = match Stamp::of(self.source.path()) {
            Ok(stamp) => stamp,
            Err(error) => {
                if !self.missing {
                    self.missing = true;
                    self.failed(&format!("{}: {error}", self.source.path().display()));
                }
                return Outcome::Steady;
            }
        };
        if self.tried == Some(stamp) && !self.missing {
            return Outcome::Steady;
        }
        self.missing = false;
        match self.read(stamp) {
            Ok(()) => {}
            Err(Failed::Unsteady) => return Outcome::Unsteady,
            Err(Failed::Stopped) => return Outcome::Steady,
            // Whatever it was: it is read again, from the beginning.
            Err(_) if self.is_round_over() => return Outcome::Unsteady,
            Err(Failed::Wrong(why)) => self.failed(&why),
        }
        self.tried = Some(stamp);
        Outcome::Steady
    }

    fn read(&mut self, stamp: Stamp) -> Result<(), Failed> {
        let now = clock::now();
        let input = Input::file(self.source.path())?;
        let list = List::open(input, &self.source.spec, &mut |_| ())?;
        let digest = format!("{}-{}", list.fingerprint(), meaning(&self.source));
        let seen = Seen { digest, written: stamp.written, length: stamp.length };
        let before = self.state.fingerprint.as_deref().and_then(Seen::from_text);
        if self.state.last_success.is_some() && before.is_some_and(|b| b.digest == seen.digest) {
            // The same content: nothing new, but fresh.
            let rows = self.state.last_rows;
            return self.succeeded(now, &seen, rows);
        }
        let report = list.check(now, &mut |_| ())?;
        judge(&report, self.state.last_rows, &self.source.guards).map_err(|refusal| {
            Failed::Wrong(format!("{}: {refusal}", self.source.path().display()))
        })?;
        let intake = Intake {
            keeper: &self.keeper,
            maker: &self.maker,
            source: &self.source.name,
            scope: self.source.scope.clone(),
            lasts: Lasts::of(&self.source),
            evidence: &BTreeMap::new(),
            once: false,
            stop: &self.stop,
        };
        let taken = intake.run(&list, now, &mut |_| ()).map_err(|error| match error {
            // Changed while it was read: its guard said so.
            AppError::List(_) => Failed::Unsteady,
            other => Failed::Wrong(other.to_string()),
        })?;
        if taken.stopped {
            return Err(Failed::Stopped);
        }
        self.tell(&taken, &report, &list.describe());
        self.succeeded(now, &seen, Some(report.accepted))
    }

    fn tell(&self, taken: &Taken, report: &sources::Report, layout: &str) {
        let Taken { import, added, seen, .. } = taken;
        tracing::info!(
            list = self.source.name,
            rows = report.rows,
            bad = report.bad,
            without_address = report.without_address,
            added,
            known = seen,
            import,
            layout,
            "list read"
        );
        for row in &report.bad_rows {
            tracing::warn!(list = self.source.name, "{row}");
        }
        for warning in report.warnings.iter().cloned().chain(taken.warning()) {
            tracing::warn!(list = self.source.name, "{warning}");
        }
    }

    fn succeeded(&mut self, now: Timestamp, seen: &Seen, rows: Option<u64>) -> Result<(), Failed> {
        self.note(SourceState {
            name: self.source.name.clone(),
            last_attempt: Some(now),
            last_success: Some(now),
            last_rows: rows,
            fingerprint: Some(seen.to_text()),
            cursor: None,
            last_error: None,
        })
        .map_err(|error| Failed::Wrong(error.to_string()))?;
        // Then it was not noted: what was read may have been taken back meanwhile.
        if self.is_round_over() { Err(Failed::Unsteady) } else { Ok(()) }
    }

    fn failed(&mut self, why: &str) {
        tracing::error!(
            list = self.source.name,
            "list not read, the last good one stays in force: {why}"
        );
        let state = SourceState {
            last_attempt: Some(clock::now()),
            last_error: Some(why.to_owned()),
            ..self.state.clone()
        };
        if let Err(error) = self.note(state) {
            tracing::error!(list = self.source.name, %error, "state of the list not noted");
        }
    }

    fn note(&mut self, state: SourceState) -> Result<(), AppError> {
        self.state = state.clone();
        let round = self.round;
        self.keeper.ask(move |desk| desk.set_source_state(&state, round)).map(drop)
    }
}

/// What its rows mean, besides their kind: read with another meaning they are other
/// entries. Without blanks, which part what is noted.
fn meaning(source: &SourceSettings) -> String {
    let text = format!("{:?} {:?}", source.scope, Lasts::of(source));
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

enum Failed {
    /// Somebody writes to it.
    Unsteady,
    /// The gate stops.
    Stopped,
    /// It cannot be read, or is not believed.
    Wrong(String),
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Changed { .. } => Self::Unsteady,
            other => Self::Wrong(other.to_string()),
        }
    }
}
