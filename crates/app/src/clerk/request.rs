//! Questions, and who answers them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use policy::OptOutGate;
use serde::{Deserialize, Serialize};
use suppression::Timestamp;

use super::answers::{EntryLine, SourceLine, StatusAnswer};
use super::asked::{Addition, Custody, Withdrawal};
use super::question::JudgeQuestion;
use super::reload::Reload;
use crate::clock;
use crate::config::{Mode, Settings, SourceSettings};
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::import::{self, ImportRequest, Progress};
use crate::keeper::{Keeper, LedgerLists, RestoreRequest};
use crate::lists::{self, Orders, SyncOutcome};
use crate::live::Consultant;

/// A question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "kebab-case")]
pub enum Request {
    /// How is it? Answered by [`StatusAnswer`].
    Status,
    /// Record opt-outs. Answered by [`super::AddedOutcome`].
    Add(Addition),
    /// Import a list. Answered by [`crate::import::ImportOutcome`].
    Import(Box<ImportRequest>),
    /// Take entries back. Answered by [`super::WithdrawnOutcome`].
    Withdraw(Withdrawal),
    /// What was imported? Answered by a list of [`super::ImportedLine`].
    Imports,
    /// Something with the ledger itself; answers are told at [`Custody`].
    Ledger(Custody),
    /// Put a backup in the place of the ledger. Answered by
    /// [`crate::keeper::RestoreOutcome`].
    Restore(RestoreRequest),
    /// Which of these would be refused? Answered by a list of [`super::JudgedLine`] for each
    /// candidate.
    Judge(JudgeQuestion),
    /// Why is this address refused, or not? Answered by [`super::WhyAnswer`].
    Why {
        /// The address.
        address: String,
        /// On this stream alone.
        #[serde(default)]
        stream: Option<String>,
    },
    /// Read a source now. Answered by [`crate::lists::SyncOutcome`].
    Sync {
        /// Its name.
        source: String,
        /// All of it, even if nothing has changed.
        all: bool,
    },
    /// Read the configuration anew. Answered by [`super::Reloaded`].
    Reload,
    /// One entry of the ledger. Answered by [`super::EntryLine`] or null.
    Entry {
        /// Its row.
        entry: u64,
    },
}

/// What a clerk is made of.
pub struct ClerkParts {
    /// The keeper of the ledger.
    pub keeper: Keeper,
    /// The configuration.
    pub settings: Arc<Settings>,
    /// The running gate's own figures; none without one.
    pub running: Option<Running>,
    /// Asks the lists that are asked live; none without any.
    pub live: Option<Consultant>,
}

/// A running gate, as the clerk sees it.
pub struct Running {
    /// When it began.
    pub since: Timestamp,
    /// The addresses it listens on.
    pub listeners: Vec<String>,
    /// By which a source is asked for.
    pub orders: Orders,
    /// Reads the configuration anew.
    pub reload: Weak<dyn Reload>,
    /// What it counts.
    pub figures: Box<dyn Fn() -> serde_json::Value + Send + Sync>,
}

/// Answers questions.
pub struct Clerk {
    pub(super) keeper: Keeper,
    pub(super) settings: Arc<Settings>,
    pub(super) maker: EntryMaker,
    pub(super) gate: OptOutGate,
    pub(super) lists: Arc<LedgerLists>,
    pub(super) live: Option<Consultant>,
    running: Option<Running>,
}

impl Clerk {
    /// A clerk.
    pub fn new(parts: ClerkParts) -> Self {
        let ClerkParts { keeper, settings, running, live } = parts;
        let rules = settings.ledger.person.clone();
        let maker = EntryMaker::new(keeper.keys().clone(), rules.clone(), settings.ledger.store);
        let mut lists = keeper.lists(settings.enforcement.grace);
        if let Some(live) = &live {
            lists = lists.with_outside(Arc::clone(live.sources().outside()));
        }
        let lists = Arc::new(lists);
        let streams = Arc::new(settings.stream_rules());
        let gate = OptOutGate::new(lists.clone(), rules, settings.own_domains.clone(), streams);
        Self { keeper, settings, maker, gate, lists, live, running }
    }

    /// Answers a question. Blocks for as long as it takes; `progress` is told how far a
    /// long one has come.
    ///
    /// # Errors
    /// What is wrong with the question, or why it cannot be answered.
    pub fn answer(
        &self,
        request: &Request,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<serde_json::Value, AppError> {
        match request {
            Request::Status => json(&self.status()?),
            Request::Add(addition) => json(&self.add(addition)?),
            Request::Import(request) => {
                let outcome = import::run(&self.keeper, &self.maker, request, progress)?;
                json(&outcome)
            }
            Request::Withdraw(withdrawal) => json(&self.withdraw(withdrawal)?),
            Request::Imports => json(&self.imports()?),
            Request::Ledger(custody) => self.custody(custody),
            Request::Restore(request) => json(&self.restore(request, progress)?),
            Request::Judge(question) => json(&self.judge_all(question)?),
            Request::Why { address, stream } => json(&self.why(address, stream.as_deref())?),
            Request::Sync { source, all } => json(&self.sync(source, *all)?),
            Request::Reload => json(&self.reload()?.reload()?),
            Request::Entry { entry } => {
                let position = *entry;
                let found = self.keeper.ask(move |desk| desk.entry(position))?;
                json(&found.map(EntryLine::from))
            }
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    fn reload(&self) -> Result<Arc<dyn Reload>, AppError> {
        let gone = || AppError::Unavailable("no gate is running that could reload".to_owned());
        self.running.as_ref().and_then(|running| running.reload.upgrade()).ok_or_else(gone)
    }

    fn status(&self) -> Result<StatusAnswer, AppError> {
        let index = self.keeper.index().load_full();
        let mut unknown = self.keeper.states().all_unknown();
        let live = self.live.iter().flat_map(|live| live.sources().lines()).collect::<Vec<_>>();
        unknown.extend(live.iter().filter_map(|list| Some((list.name.clone(), list.unknown()?))));
        let sources = self.sources(&unknown)?;
        let settings = &self.settings;
        let configured = || settings.listeners.iter().map(|l| l.address.to_string()).collect();
        Ok(StatusAnswer {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: self.running.as_ref().map(|_| std::process::id()),
            since: self.running.as_ref().map(|r| r.since),
            listeners: self.running.as_ref().map_or_else(configured, |r| r.listeners.clone()),
            smarthost: settings.smarthost_names(),
            ledger: settings.ledger.path.display().to_string(),
            entries: index.len() as u64,
            position: index.position(),
            epoch: index.epoch(),
            index_bytes: index.memory() as u64,
            sources,
            live,
            unknown,
            configuration: self.reload().ok().map(|gate| gate.configuration()),
            gate: self.running.as_ref().map_or(serde_json::Value::Null, |r| (r.figures)()),
        })
    }

    fn sync(&self, name: &str, all: bool) -> Result<SyncOutcome, AppError> {
        let found = self.settings.sources.iter().find(|source| source.name == name);
        let missing = || AppError::Input(format!("no [[source]] is named \"{name}\""));
        let source = found.ok_or_else(missing)?;
        if matches!(source.mode, Mode::Live(_)) {
            return Err(lists::live(name));
        }
        match &self.running {
            Some(running) => running.orders.sync(name, all),
            None => lists::sync_once(&self.keeper, &self.settings, source, all),
        }
    }

    fn sources(&self, unknown: &BTreeMap<String, String>) -> Result<Vec<SourceLine>, AppError> {
        let mut lines = Vec::new();
        let now = clock::now();
        let kept_in_step = |source: &&SourceSettings| matches!(source.mode, Mode::Sync(_));
        for source in self.settings.sources.iter().filter(kept_in_step) {
            let name = source.name.clone();
            let known = self.keeper.ask(move |desk| desk.source_state(&name))?.unwrap_or_default();
            let state = match (&known.last_success, &known.last_error) {
                (None, None) => "never loaded",
                (None, Some(_)) => "never loaded, the last try failed",
                (Some(_), None) if known.fingerprint.is_none() => "to be read again",
                (Some(_), Some(_)) if known.fingerprint.is_none() => {
                    "to be read again, the last try failed"
                }
                (Some(_), None) => "ok",
                (Some(_), Some(_)) => "the last try failed, the last good reading is in force",
            };
            lines.push(SourceLine {
                name: source.name.clone(),
                file: source.at(),
                state: state.to_owned(),
                unknown: unknown.get(&source.name).cloned(),
                rows: known.last_rows,
                last_success: known.last_success,
                last_attempt: known.last_attempt,
                age: lists::age(&known, now).map(|age| age.as_secs()),
                max_age: source.max_age.map(|age| age.as_secs()),
                last_error: known.last_error,
            });
        }
        Ok(lines)
    }
}

fn json<T: Serialize>(value: &T) -> Result<serde_json::Value, AppError> {
    serde_json::to_value(value)
        .map_err(|e| AppError::Input(format!("answer cannot be written: {e}")))
}
