//! One source: is it another one than before, is it to be believed, and what is new in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ledger::{Named, SourceState};
use sources::{Guards, List, judge};
use suppression::Timestamp;

use super::age::Seen;
use super::brought::{Brought, Content, Wish};
use super::failed::Failed;
use super::feed::Feed;
use super::intake::{Intake, Lasts};
use super::meaning::meaning;
use super::mirror::{Kept, empty_file, kept};
use super::outcome::SyncOutcome;
use super::scopes::wider;
use crate::clock;
use crate::config::{SourceSettings, SyncSettings};
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::{Keeper, ListStates};

/// What a look at a source came to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Look {
    /// There was nothing to do.
    Nothing,
    /// It is being written; look again soon.
    Unsteady,
    /// The gate stops.
    Stopped,
    /// It was read, or found to be as it was.
    Done(SyncOutcome),
    /// It could not be read, or is not believed.
    Failed(String),
}

/// Keeps one source in step.
pub(super) struct Synchroniser {
    keeper: Keeper,
    maker: EntryMaker,
    source: SourceSettings,
    feed: Feed,
    /// Ends when what was read stands no longer; then everything is forgotten.
    round: u64,
    state: SourceState,
    stop: Arc<AtomicBool>,
}

/// Everything that all sources have in common.
#[derive(Clone)]
pub(super) struct Shop {
    pub(super) keeper: Keeper,
    pub(super) maker: EntryMaker,
    /// Where rows of databases are put down.
    pub(super) folder: PathBuf,
    pub(super) stop: Arc<AtomicBool>,
}

impl Synchroniser {
    /// For a source that is read into the ledger.
    pub(super) fn new(
        shop: &Shop,
        source: &SourceSettings,
        sync: &SyncSettings,
    ) -> Result<Self, AppError> {
        Self::of(shop, source, Feed::of(source, sync, &shop.folder))
    }

    /// The same, wherever it is looked for.
    pub(super) fn of(shop: &Shop, source: &SourceSettings, feed: Feed) -> Result<Self, AppError> {
        let Shop { keeper, maker, stop, .. } = shop.clone();
        let (source, state) = (source.clone(), SourceState::default());
        let mut new = Self { keeper, maker, source, feed, round: 0, state, stop };
        new.begin_round()?;
        Ok(new)
    }

    /// Forgets what it knows of the source, and goes by what the ledger remembers.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) fn begin_round(&mut self) -> Result<(), AppError> {
        // Asked first: if it ends before the state is read, there is another look.
        let round = self.states().round(&self.source.name);
        let name = self.source.name.clone();
        let known = self.keeper.ask(move |desk| desk.source_state(&name))?;
        let new = || SourceState { name: self.source.name.clone(), ..SourceState::default() };
        self.state = known.unwrap_or_else(new);
        self.round = round;
        self.feed.forget();
        Ok(())
    }

    fn is_round_over(&self) -> bool {
        self.states().round(&self.source.name) != self.round
    }

    fn states(&self) -> &ListStates {
        self.keeper.states()
    }

    pub(super) fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    pub(super) fn source(&self) -> &SourceSettings {
        &self.source
    }

    /// How it fares, and as of which round that is.
    pub(super) fn state(&self) -> (u64, &SourceState) {
        (self.round, &self.state)
    }

    /// Whether there is something to do.
    pub(super) fn is_due(&self) -> bool {
        self.is_round_over() || self.feed.is_due()
    }

    /// How long there is nothing to do, if nobody tells.
    pub(super) fn wait(&self) -> Duration {
        self.feed.wait()
    }

    /// Looks at the source, and reads of it what is wanted.
    pub(super) fn look(&mut self, wish: Wish) -> Look {
        if self.is_round_over()
            && let Err(error) = self.begin_round()
        {
            tracing::error!(list = self.source.name, %error, "list cannot be read again yet");
            return Look::Nothing;
        }
        let (start, began) = (clock::instant(), clock::now());
        let brought = self.feed.bring(&self.state, wish, began, &self.stop);
        let read = brought.and_then(|brought| self.read(brought, wish, began));
        let look = match read {
            Ok(None) => return Look::Nothing,
            Ok(Some(mut outcome)) => {
                let took = start.elapsed().as_millis();
                outcome.took = u64::try_from(took).unwrap_or(u64::MAX);
                self.tell(&outcome);
                Look::Done(outcome)
            }
            Err(Failed::Unsteady) => return Look::Unsteady,
            Err(Failed::Stopped) => return Look::Stopped,
            // Whatever it was: it is read again, from the beginning.
            Err(_) if self.is_round_over() => return Look::Unsteady,
            Err(Failed::Wrong(why)) => {
                self.failed(&why);
                Look::Failed(why)
            }
        };
        self.feed.settled(matches!(look, Look::Failed(_)));
        look
    }

    fn read(
        &mut self,
        brought: Brought,
        wish: Wish,
        now: Timestamp,
    ) -> Result<Option<SyncOutcome>, Failed> {
        let nothing = SyncOutcome::unchanged(&self.source.name, self.state.last_rows);
        match brought {
            Brought::Untouched => Ok(None),
            Brought::Same { written } => {
                let as_of = written.and_then(|written| self.as_of(written));
                let fingerprint = as_of.or_else(|| self.state.fingerprint.clone());
                let state = SourceState { fingerprint, ..self.state.clone() };
                self.succeeded(now, state)?;
                Ok(Some(nothing))
            }
            Brought::NothingNew(cursor) => {
                let fingerprint = self.as_of(now.micros());
                let state = SourceState { cursor, fingerprint, ..self.state.clone() };
                self.succeeded(now, state)?;
                Ok(Some(SyncOutcome { whole: false, rows: 0, ..nothing }))
            }
            Brought::Part(content) => self.read_part(content, now).map(Some),
            Brought::Whole(content) => self.read_whole(content, wish, now).map(Some),
        }
    }

    /// The note of the last reading of all of it, of another date.
    fn as_of(&self, written: i64) -> Option<String> {
        let text = self.state.fingerprint.as_deref()?;
        match Seen::from_text(text) {
            Some(seen) => Some(Seen { written, ..seen }.to_text()),
            None => Some(text.to_owned()),
        }
    }

    /// All of it: compared with the last good reading before any of it counts.
    fn read_whole(
        &mut self,
        content: Content,
        wish: Wish,
        now: Timestamp,
    ) -> Result<SyncOutcome, Failed> {
        let Content { inputs, written, unsettled, length, cursor, .. } = content;
        let source = self.source.clone();
        let list = List::open(inputs, &source.spec, &mut |_| ())?;
        let digest = format!("{}-{}", list.fingerprint(), meaning(&source));
        let seen = Seen { digest, written, length };
        let before = self.state.fingerprint.as_deref().and_then(Seen::from_text);
        let same = before.is_some_and(|before| before.digest == seen.digest);
        let mut fingerprint = Some(seen.to_text());
        if self.state.last_success.is_some() && same && wish != Wish::All {
            // The same content: nothing new, but fresh.
            let state = SourceState { fingerprint, cursor, ..self.state.clone() };
            self.succeeded(now, state)?;
            return Ok(SyncOutcome::unchanged(&source.name, self.state.last_rows));
        }
        let report = list.check(now, &mut |_| ())?;
        judge(&report, self.state.last_rows, &source.guards)
            .map_err(|refusal| Failed::Wrong(format!("{}: {refusal}", source.at())))?;
        if let Some(why) = empty_file(&source, &report) {
            return Err(Failed::Wrong(format!("{}: {why}", source.at())));
        }
        let (mut outcome, named) = self.take(&list, &report, true, now)?;
        outcome.warnings.extend(wider(&source, &report));
        if source.mirror {
            let kept = kept(&report, unsettled);
            outcome.warnings.extend(kept.as_ref().map(Kept::warning));
            match kept {
                None => outcome.taken_back = self.take_back(named)?,
                Some(Kept::Doubtful { .. }) => {}
                Some(Kept::Unsettled) => {
                    // Not the mark of this content, so that it is not known when it is at rest.
                    fingerprint = fingerprint.map(|text| format!("?{text}"));
                    self.feed.again_at_rest();
                }
            }
        }
        let last_rows = Some(report.accepted);
        let state = SourceState { fingerprint, cursor, last_rows, ..self.state.clone() };
        self.succeeded(now, state)?;
        Ok(outcome)
    }

    /// What may be new of it: no reading to compare with another one.
    fn read_part(&mut self, content: Content, now: Timestamp) -> Result<SyncOutcome, Failed> {
        let Content { inputs, written, cursor, .. } = content;
        let source = self.source.clone();
        let list = List::open(inputs, &source.spec, &mut |_| ())?;
        let report = list.check(now, &mut |_| ())?;
        let guards = Guards { allow_empty: true, ..source.guards };
        judge(&report, None, &guards)
            .map_err(|refusal| Failed::Wrong(format!("{}: {refusal}", source.at())))?;
        let (outcome, _) = self.take(&list, &report, false, now)?;
        let fingerprint = self.as_of(written);
        let state = SourceState { fingerprint, cursor, ..self.state.clone() };
        self.succeeded(now, state)?;
        Ok(outcome)
    }

    fn take(
        &self,
        list: &List<'_>,
        report: &sources::Report,
        whole: bool,
        now: Timestamp,
    ) -> Result<(SyncOutcome, Named), Failed> {
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
        let name = &self.source.name;
        let taken = match self.source.mirror {
            true => intake.run_mirrored(list, now),
            false => intake.run(list, now, &mut |_| ()),
        };
        let taken = taken.map_err(|error| match error {
            // Changed while it was read: its guard said so.
            AppError::List(_) => Failed::Unsteady,
            other => Failed::Wrong(other.to_string()),
        })?;
        if taken.stopped {
            return Err(Failed::Stopped);
        }
        let outcome = SyncOutcome::read(name, whole, &taken, report, list.describe());
        Ok((outcome, taken.named))
    }

    /// Takes back whom the list no longer names, and says how many.
    fn take_back(&self, named: Named) -> Result<u64, Failed> {
        let gone = self.keeper.take_back_missing(&self.source.name, named, &self.stop);
        let gone = gone.map_err(|error| Failed::Wrong(error.to_string()))?;
        if gone.stopped { Err(Failed::Stopped) } else { Ok(gone.rows) }
    }

    fn tell(&self, outcome: &SyncOutcome) {
        let list = &self.source.name;
        if !outcome.changed {
            tracing::debug!(list, "list as it was");
            return;
        }
        tracing::info!(
            list,
            rows = outcome.rows,
            bad = outcome.bad,
            without_address = outcome.without_address,
            added = outcome.added,
            known = outcome.known,
            taken_back = outcome.taken_back,
            whole = outcome.whole,
            import = outcome.import,
            layout = outcome.layout,
            took = outcome.took,
            "list read"
        );
        for warning in outcome.bad_rows.iter().chain(&outcome.warnings) {
            tracing::warn!(list, "{warning}");
        }
    }

    fn succeeded(&mut self, now: Timestamp, state: SourceState) -> Result<(), Failed> {
        let at = Some(now);
        let state = SourceState { last_attempt: at, last_success: at, last_error: None, ..state };
        self.note(state).map_err(|error| Failed::Wrong(error.to_string()))?;
        // Then it was not noted: what was read may have been taken back meanwhile.
        if self.is_round_over() { Err(Failed::Unsteady) } else { Ok(()) }
    }

    fn failed(&mut self, why: &str) {
        let list = &self.source.name;
        match self.state.last_success {
            Some(_) => {
                tracing::error!(list, "list not read, the last good one stays in force: {why}");
            }
            None => tracing::error!(
                list,
                "list not read, and it never was: whom it could stop is deferred: {why}"
            ),
        }
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
