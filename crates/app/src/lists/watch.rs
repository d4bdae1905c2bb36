//! The threads that keep the sources in step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::age::{self, Remembered, note_remembered, remembered};
use super::brought::Wish;
use super::changes::Changes;
use super::fare::Fare;
use super::files::is_at_rest;
use super::listen;
use super::orders::{Asked, Bell, Orders};
use super::outcome::SyncOutcome;
use super::salt::SaltWatch;
use super::synchronise::{Look, Shop, Synchroniser};
use crate::clock;
use crate::config::{EvidencePath, Mode, Place, Settings, SourceSettings, SyncSettings};
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::Keeper;
use crate::notices::Notices;

/// How often it is looked whether a list has become too old.
const LOOK: Duration = Duration::from_secs(2);
/// How long after a change no other one must follow, before the file is read.
const QUIET: Duration = Duration::from_millis(150);
/// The longest wait for that: a file that is always written to is read all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sources that are watched. Dropping it ends the threads.
#[derive(Debug)]
pub struct Watch {
    keeper: Keeper,
    notices: Notices,
    sources: BTreeMap<String, Watched>,
    first: Arc<FirstReadings>,
    _changes: Option<Changes>,
}

/// One source, and the threads that keep it. Dropping it ends them, and waits for that.
#[derive(Debug)]
struct Watched {
    stop: Arc<AtomicBool>,
    bell: Arc<Bell>,
    wake: SyncSender<()>,
    /// Where its files are, if it has some.
    files: Option<PathBuf>,
    threads: Vec<JoinHandle<()>>,
}

/// Other sources than before, made ready: see [`Watch::prepare`].
#[derive(Debug)]
pub struct Change {
    /// Those whose threads stay as they are.
    stay: Vec<String>,
    begun: BTreeMap<String, Begun>,
    noted: Vec<Remembered>,
    busy: Option<PathBuf>,
}

/// A source whose thread waits to be let go.
#[derive(Debug)]
struct Begun {
    /// Takes those who kept the source before: they are waited for first. Dropped, the thread
    /// ends, which the other field waits for.
    go: SyncSender<Option<Watched>>,
    watched: Watched,
}

/// How many sources have not been tried yet.
#[derive(Debug, Default)]
struct FirstReadings {
    open: Mutex<usize>,
    changed: Condvar,
}

impl FirstReadings {
    fn more(&self, sources: usize) {
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) += sources;
    }

    fn one_done(&self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        *open = open.saturating_sub(1);
        self.changed.notify_all();
    }
}

impl Watch {
    /// Begins to keep the sources of a configuration in step.
    ///
    /// # Errors
    /// What the ledger says, or that a thread cannot be started.
    pub fn start(
        keeper: &Keeper,
        settings: &Settings,
        notices: &Notices,
    ) -> Result<Self, AppError> {
        let mut watch = Self {
            keeper: keeper.clone(),
            notices: notices.clone(),
            sources: BTreeMap::new(),
            first: Arc::default(),
            _changes: None,
        };
        let change = watch.prepare(settings, |_| false)?;
        watch.commit(change);
        Ok(watch)
    }

    /// Makes the sources of another configuration ready; those that `stay` are kept as they are.
    /// Nothing changes yet, and nothing has if this fails or the result is dropped.
    ///
    /// # Errors
    /// What the ledger says, or that a thread cannot be started.
    pub fn prepare(
        &self,
        settings: &Settings,
        stay: impl Fn(&str) -> bool,
    ) -> Result<Change, AppError> {
        let noted = remembered(&self.keeper, &settings.sources)?;
        let stays = |name: &str| self.sources.contains_key(name) && stay(name);
        let kept = settings.sources.iter().filter_map(|source| Some((source, sync_of(source)?)));
        let (mut names, mut begun) = (Vec::new(), BTreeMap::new());
        for (source, sync) in kept {
            match stays(&source.name) {
                true => names.push(source.name.clone()),
                false => {
                    begun.insert(source.name.clone(), self.begin(settings, source, sync)?);
                }
            }
        }
        let busy = match &settings.evidence.path {
            EvidencePath::File(path) => path.parent().map(Path::to_owned),
            EvidencePath::Stdout => None,
        };
        Ok(Change { stay: names, begun, noted, busy })
    }

    fn begin(
        &self,
        settings: &Settings,
        source: &SourceSettings,
        sync: &SyncSettings,
    ) -> Result<Begun, AppError> {
        let stop = Arc::new(AtomicBool::new(false));
        let shop = shop(&self.keeper, settings, &stop);
        let (wake, woken) = sync_channel::<()>(1);
        let bell = Bell::new(wake.clone());
        let files = match &source.place {
            Place::Files(path) => Some(path.clone()),
            Place::Url { .. } | Place::Database(..) => None,
        };
        let mut kept = Kept {
            synchroniser: Synchroniser::new(&shop, source, sync)?,
            fare: Fare::new(&self.notices),
            salt: SaltWatch::default(),
            bell: Arc::clone(&bell),
            waiting: Vec::new(),
            told: false,
            tried: false,
        };
        let io = |error| AppError::io(PathBuf::from(source.at()), error);
        let (go, gone) = sync_channel::<Option<Watched>>(1);
        let mut threads = Vec::new();
        let (stopped, first) = (stop.clone(), self.first.clone());
        let thread = std::thread::Builder::new().name(format!("list-{}", source.name));
        let spawned = thread.spawn(move || {
            let Ok(before) = gone.recv() else { return };
            if before.is_some() {
                // Two of them would read the same list twice.
                drop(before);
                if let Err(error) = kept.synchroniser.begin_round() {
                    tracing::warn!(%error, "what was read of a list is not known, it is read again");
                }
            }
            kept.run(&woken, &stopped, &first);
        });
        threads.push(spawned.map_err(io)?);
        let mut begun = Begun { go, watched: Watched { stop, bell, wake, files, threads } };
        if let (Place::Database(access, _), Some(channel)) = (&source.place, &sync.notify) {
            let Watched { bell, stop, .. } = &begun.watched;
            let listening = listen::start(&source.name, access, channel, bell, stop);
            begun.watched.threads.push(listening.map_err(io)?);
        }
        Ok(begun)
    }

    /// From now on these sources are kept in step, and no others. Does not wait for those that
    /// are not any more.
    pub fn commit(&mut self, change: Change) {
        let Change { stay, begun, noted, busy } = change;
        note_remembered(&self.keeper, &noted);
        self.first.more(begun.len());
        let mut before = std::mem::take(&mut self.sources);
        for name in stay {
            self.sources.extend(before.remove_entry(&name));
        }
        for (name, Begun { go, watched }) in begun {
            self.keeper.states().wake_by(&name, &watched.wake);
            let predecessor = before.remove(&name);
            predecessor.iter().for_each(Watched::stop);
            // The thread waits for it.
            let _ = go.send(predecessor);
            self.sources.insert(name, watched);
        }
        let at = |one: &Watched| Some((one.files.clone()?, one.wake.clone()));
        let files: Vec<_> = self.sources.values().filter_map(at).collect();
        self._changes = Some(Changes::watch(&files, busy.as_deref()));
        before.values().for_each(Watched::stop);
        for (name, watched) in before {
            let still = noted.iter().any(|(source, _)| source.name == name);
            self.let_go(name, watched, still);
        }
    }

    /// Ends a source; `still`: it is still configured, but not read any more.
    fn let_go(&self, name: String, watched: Watched, still: bool) {
        let keeper = self.keeper.clone();
        let end = move || {
            drop(watched);
            match still {
                true => keeper.states().known(&name),
                false => keeper.states().delist(&name),
            }
        };
        // Its last reading may take a while.
        let thread = std::thread::Builder::new().name("list-ends".to_owned());
        if let Err(error) = thread.spawn(end) {
            tracing::warn!(%error, "a list that is not configured any more may still be told of");
        }
    }

    /// By which a source can be asked for.
    pub fn orders(&self) -> Orders {
        let bell = |(name, one): (&String, &Watched)| (name.clone(), Arc::clone(&one.bell));
        Orders::new(self.sources.iter().map(bell).collect())
    }

    /// Waits until every source was tried once; false when that takes longer.
    pub fn settled(&self, patience: Duration) -> bool {
        let open = self.first.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.first.changed.wait_timeout_while(open, patience, |open| *open > 0);
        let (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *open == 0
    }
}

impl Watched {
    /// Says that it is over; nothing is waited for.
    fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.bell.wake();
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of a list panicked");
            }
        }
        self.bell.close();
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // All at once; each of them is waited for as it is dropped.
        self.sources.values().for_each(Watched::stop);
    }
}

/// What all sources of these settings have in common.
fn shop(keeper: &Keeper, settings: &Settings, stop: &Arc<AtomicBool>) -> Shop {
    let (rules, store) = (settings.ledger.person.clone(), settings.ledger.store);
    let folder = settings.ledger.path.parent().filter(|folder| !folder.as_os_str().is_empty());
    Shop {
        keeper: keeper.clone(),
        maker: EntryMaker::new(keeper.keys().clone(), rules, store),
        folder: folder.unwrap_or(Path::new(".")).to_owned(),
        stop: Arc::clone(stop),
    }
}

fn sync_of(source: &SourceSettings) -> Option<&SyncSettings> {
    match &source.mode {
        Mode::Sync(sync) => Some(sync),
        Mode::Live(_) => None,
    }
}

/// Reads one source now. For a command without a gate.
///
/// # Errors
/// [`AppError::Input`] for a source that is not read into the ledger, [`AppError::List`] with why
/// it could not be read.
pub fn sync_once(
    keeper: &Keeper,
    settings: &Settings,
    source: &SourceSettings,
    all: bool,
) -> Result<SyncOutcome, AppError> {
    let sync = sync_of(source).ok_or_else(|| live(&source.name))?;
    let shop = shop(keeper, settings, &Arc::new(AtomicBool::new(false)));
    let mut synchroniser = Synchroniser::new(&shop, source, sync)?;
    let wish = if all { Wish::All } else { Wish::New };
    if let (Place::Files(path), true) = (&source.place, source.mirror) {
        // Else nobody would be taken back, as the export may go on.
        let until = clock::instant() + PATIENCE;
        while !is_at_rest(path, clock::now()) && clock::instant() < until {
            clock::sleep(QUIET);
        }
    }
    let until = clock::instant() + PATIENCE;
    loop {
        match synchroniser.look(wish) {
            Look::Done(outcome) => return Ok(outcome),
            Look::Failed(why) => return Err(AppError::List(why)),
            Look::Stopped => return Err(AppError::Stopped),
            Look::Nothing | Look::Unsteady if clock::instant() > until => {
                return Err(AppError::List(busy(source)));
            }
            Look::Nothing | Look::Unsteady => clock::sleep(QUIET),
        }
    }
}

/// What is wrong with reading a source that is not read.
pub fn live(name: &str) -> AppError {
    let why = "is asked for each recipient (mode = \"live\") and never read";
    AppError::Input(format!("the source \"{name}\" {why}; to try it: optgate source test {name}"))
}

fn busy(source: &SourceSettings) -> String {
    format!("{}: somebody is writing to it; try again when they are done", source.at())
}

/// One source, in its thread.
struct Kept {
    synchroniser: Synchroniser,
    fare: Fare,
    salt: SaltWatch,
    bell: Arc<Bell>,
    /// Who waits for a reading.
    waiting: Vec<Asked>,
    /// The database said that something is new.
    told: bool,
    /// It was tried at least once.
    tried: bool,
}

impl Kept {
    fn run(mut self, woken: &Receiver<()>, stop: &AtomicBool, first: &FirstReadings) {
        self.keep(woken, stop, first);
        if !self.tried {
            // Nobody should wait for it.
            first.one_done();
        }
    }

    fn keep(&mut self, woken: &Receiver<()>, stop: &AtomicBool, first: &FirstReadings) {
        while !stop.load(Ordering::Acquire) {
            let look = self.look();
            // What comes of it is for whoever keeps the source from now on.
            if stop.load(Ordering::Acquire) {
                return;
            }
            let (source, (round, state)) = (self.synchroniser.source(), self.synchroniser.state());
            let now = clock::now();
            age::note(self.synchroniser.keeper(), source, (round, state), now);
            // Behind the note: who waits for the first reading must find it known. A file
            // that is being written is tried again at once, so it was not tried yet.
            if !self.tried && look != Look::Unsteady {
                self.tried = true;
                first.one_done();
            }
            if self.tried {
                let unknown = age::unknown(state, source.max_age, now);
                self.fare.look(source, state, unknown.as_deref(), now);
                self.salt.look(source);
            }
            if look == Look::Unsteady {
                clock::sleep(QUIET);
                continue;
            }
            self.answer(&look);
            match woken.recv_timeout(self.synchroniser.wait().min(LOOK)) {
                Ok(()) => self.settle(woken),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) -> Look {
        let rung = self.bell.take();
        self.told |= rung.told;
        self.waiting.extend(rung.asked);
        let wish = match self.waiting.iter().any(|asked| asked.all) {
            true => Wish::All,
            false if self.told || !self.waiting.is_empty() => Wish::New,
            false => Wish::Due,
        };
        if wish == Wish::Due && !self.synchroniser.is_due() {
            return Look::Nothing;
        }
        let synchroniser = &mut self.synchroniser;
        // In a thread of its own, so that what a long list needed is given back to the
        // system; this one only sleeps, and would keep it.
        let look = std::thread::scope(|scope| scope.spawn(|| synchroniser.look(wish)).join());
        let look = look.unwrap_or_else(|_| Look::Failed("reading it failed, see the log".into()));
        self.told &= look == Look::Unsteady;
        look
    }

    fn answer(&mut self, look: &Look) {
        for asked in self.waiting.drain(..) {
            asked.answer(match look {
                Look::Done(outcome) => Ok(outcome.clone()),
                Look::Failed(why) => Err(AppError::List(why.clone())),
                Look::Stopped => Err(AppError::Stopped),
                Look::Nothing | Look::Unsteady => {
                    Err(AppError::List(busy(self.synchroniser.source())))
                }
            });
        }
    }

    /// Waits until nothing happens any more: of a file that is being written, of a table that is
    /// being filled. Somebody who asks is not kept waiting.
    fn settle(&self, woken: &Receiver<()>) {
        if self.bell.is_asked() {
            return;
        }
        let until = clock::instant() + PATIENCE;
        while clock::instant() < until && woken.recv_timeout(QUIET).is_ok() {}
    }
}
