//! One source: is it another one than before, is it to be believed, and what is new in it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use ledger::SourceState;
use sources::{Guards, List, WebAccess, judge};
use suppression::Timestamp;

use super::age::Seen;
use super::brought::{Bringing, Brought, Content, Wish};
use super::failed::Failed;
use super::files::Files;
use super::intake::{Intake, Lasts};
use super::outcome::SyncOutcome;
use super::puller::{Database, Puller};
use super::schedule::Schedule;
use super::table::Table;
use super::web::Web;
use crate::clock;
use crate::config::{Place, SourceSettings, SyncSettings};
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

/// Most bytes of a list from a web server.
const PAGE_MAX: u64 = 4 << 30;

/// Where a source is looked for.
enum Feed {
    Files(Files),
    Table(Box<Table>, Schedule),
    Web(Box<Web>, Schedule),
}

/// Keeps one source in step.
pub(super) struct Synchroniser {
    keeper: Keeper,
    maker: EntryMaker,
    source: SourceSettings,
    feed: Feed,
    /// How often a file is looked at.
    every: Duration,
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
        let feed = match &source.place {
            Place::Database(access, question) => {
                let database = Database { access: access.clone(), question: question.clone() };
                table(shop, source, sync, Box::new(database))
            }
            Place::Url { url, user, password, tls, timeout } => {
                let access = WebAccess {
                    url: url.clone(),
                    user: user.clone(),
                    password: password.clone(),
                    tls: tls.clone(),
                    timeout: *timeout,
                    limit: PAGE_MAX,
                };
                let (folder, of) = (shop.folder.clone(), question(source, sync));
                let web = Web { access, folder, of };
                Feed::Web(Box::new(web), Schedule::new(sync.every, clock::instant()))
            }
            Place::Files(path) => Feed::Files(Files::new(path)),
        };
        Self::of(shop, source, sync, feed)
    }

    /// Whatever the place is, its rows are brought by this one.
    #[cfg(test)]
    pub(super) fn pulled(
        shop: &Shop,
        source: &SourceSettings,
        puller: Box<dyn Puller>,
    ) -> Result<Self, AppError> {
        let crate::config::Mode::Sync(sync) = &source.mode else { return Err(AppError::Stopped) };
        Self::of(shop, source, sync, table(shop, source, sync, puller))
    }

    fn of(
        shop: &Shop,
        source: &SourceSettings,
        sync: &SyncSettings,
        feed: Feed,
    ) -> Result<Self, AppError> {
        let Shop { keeper, maker, stop, .. } = shop.clone();
        let (source, every) = (source.clone(), sync.every);
        let state = SourceState::default();
        let mut new = Self { keeper, maker, source, feed, every, round: 0, state, stop };
        new.begin_round()?;
        Ok(new)
    }

    /// Forgets what it knows of the source, and goes by what the ledger remembers.
    fn begin_round(&mut self) -> Result<(), AppError> {
        // Asked first: if it ends before the state is read, there is another look.
        let round = self.states().round(&self.source.name);
        let name = self.source.name.clone();
        let known = self.keeper.ask(move |desk| desk.source_state(&name))?;
        let new = || SourceState { name: self.source.name.clone(), ..SourceState::default() };
        self.state = known.unwrap_or_else(new);
        self.round = round;
        if let Feed::Files(files) = &mut self.feed {
            files.forget();
        }
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
    pub(super) fn is_due(&self) -> bool {
        self.is_round_over()
            || match &self.feed {
                Feed::Files(files) => files.is_changed(),
                Feed::Table(_, schedule) | Feed::Web(_, schedule) => {
                    schedule.is_due(clock::instant())
                }
            }
    }

    /// How long there is nothing to do, if nobody tells.
    pub(super) fn wait(&self) -> Duration {
        match &self.feed {
            Feed::Files(_) => self.every,
            Feed::Table(_, schedule) | Feed::Web(_, schedule) => schedule.wait(clock::instant()),
        }
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
        let brought = self.bring(wish, began);
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
        let now = clock::instant();
        match (&mut self.feed, &look) {
            (Feed::Files(files), look) => files.settled(matches!(look, Look::Failed(_))),
            (Feed::Table(_, schedule) | Feed::Web(_, schedule), Look::Failed(_)) => {
                schedule.failed(now);
            }
            (Feed::Table(_, schedule) | Feed::Web(_, schedule), _) => schedule.succeeded(now),
        }
        look
    }

    fn bring(&mut self, wish: Wish, began: Timestamp) -> Bringing {
        match &mut self.feed {
            Feed::Files(files) => files.bring(wish, began),
            Feed::Table(table, _) => table.bring(&self.state, wish, began, &self.stop),
            Feed::Web(web, _) => web.bring(&self.state, wish, began, &self.stop),
        }
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
        let Content { inputs, written, length, cursor } = content;
        let source = self.source.clone();
        let list = List::open(inputs, &source.spec, &mut |_| ())?;
        let digest = format!("{}-{}", list.fingerprint(), meaning(&source));
        let seen = Seen { digest, written, length };
        let before = self.state.fingerprint.as_deref().and_then(Seen::from_text);
        let same = before.is_some_and(|before| before.digest == seen.digest);
        let fingerprint = Some(seen.to_text());
        if self.state.last_success.is_some() && same && wish != Wish::All {
            // The same content: nothing new, but fresh.
            let state = SourceState { fingerprint, cursor, ..self.state.clone() };
            self.succeeded(now, state)?;
            return Ok(SyncOutcome::unchanged(&source.name, self.state.last_rows));
        }
        let report = list.check(now, &mut |_| ())?;
        judge(&report, self.state.last_rows, &source.guards)
            .map_err(|refusal| Failed::Wrong(format!("{}: {refusal}", source.at())))?;
        let outcome = self.take(&list, &report, true, now)?;
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
        let outcome = self.take(&list, &report, false, now)?;
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
    ) -> Result<SyncOutcome, Failed> {
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
        let mut outcome = SyncOutcome::read(name, whole, &taken, report, list.describe());
        if whole && self.source.mirror {
            let gone = self.keeper.take_back_missing(name, taken.named, &self.stop);
            let gone = gone.map_err(|error| Failed::Wrong(error.to_string()))?;
            if gone.stopped {
                return Err(Failed::Stopped);
            }
            outcome.taken_back = gone.rows;
        }
        Ok(outcome)
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

fn table(
    shop: &Shop,
    source: &SourceSettings,
    sync: &SyncSettings,
    puller: Box<dyn Puller>,
) -> Feed {
    let table = Table {
        puller,
        sync: sync.clone(),
        name: source.at(),
        folder: shop.folder.clone(),
        of: question(source, sync),
    };
    Feed::Table(Box::new(table), Schedule::new(sync.every, clock::instant()))
}

/// What its rows mean, besides their kind: read with another meaning they are other
/// entries. Without blanks, which part what is noted.
fn meaning(source: &SourceSettings) -> String {
    let text = format!("{:?} {:?}", source.scope, Lasts::of(source));
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

/// Stands for what is asked, of whom, and what the answers mean. It need not be the same after
/// an update of this program: then all of it is read once.
fn question(source: &SourceSettings, sync: &SyncSettings) -> String {
    let mut mixed = DefaultHasher::new();
    if let Place::Url { url, user, .. } = &source.place {
        (url, user).hash(&mut mixed);
    }
    if let Place::Database(access, question) = &source.place {
        format!("{:?} {} {:?} {question:?}", access.engine, access.url, access.user)
            .hash(&mut mixed);
    }
    let spec = &source.spec;
    let rows = (&spec.format, spec.kind, &spec.hashed, &spec.rules, spec.allow_subscribed);
    format!("{:?} {rows:?} {}", sync.watermark, meaning(source)).hash(&mut mixed);
    format!("{:016x}", mixed.finish())
}
