//! The threads that keep the sources in step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::age::{self, note_ages};
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
    stop: Arc<AtomicBool>,
    bells: BTreeMap<String, Arc<Bell>>,
    threads: Vec<JoinHandle<()>>,
    first: Arc<FirstReadings>,
    _changes: Changes,
}

/// How many sources have not been tried yet.
#[derive(Debug)]
struct FirstReadings {
    open: Mutex<usize>,
    changed: Condvar,
}

impl FirstReadings {
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
        note_ages(keeper, &settings.sources)?;
        let stop = Arc::new(AtomicBool::new(false));
        let shop = shop(keeper, settings, &stop);
        let kept = || settings.sources.iter().filter_map(|source| Some((source, sync_of(source)?)));
        let first =
            Arc::new(FirstReadings { open: Mutex::new(kept().count()), changed: Condvar::new() });
        let (mut bells, mut threads, mut files) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (source, sync) in kept() {
            let (wake, woken) = sync_channel::<()>(1);
            if let Place::Files(path) = &source.place {
                files.push((path.clone(), wake.clone()));
            }
            keeper.states().wake_by(&source.name, &wake);
            let bell = Bell::new(wake);
            let place = || PathBuf::from(source.at());
            if let (Place::Database(access, _), Some(channel)) = (&source.place, &sync.notify) {
                let listening = listen::start(&source.name, access, channel, &bell, &stop);
                threads.push(listening.map_err(|e| AppError::io(place(), e))?);
            }
            let kept = Kept {
                synchroniser: Synchroniser::new(&shop, source, sync)?,
                fare: Fare::new(notices),
                salt: SaltWatch::default(),
                bell: Arc::clone(&bell),
                waiting: Vec::new(),
                told: false,
            };
            bells.insert(source.name.clone(), bell);
            let (stop, first) = (stop.clone(), first.clone());
            let thread = std::thread::Builder::new().name(format!("list-{}", source.name));
            let spawned = thread.spawn(move || kept.run(&woken, &stop, &first));
            threads.push(spawned.map_err(|e| AppError::io(place(), e))?);
        }
        let busy = match &settings.evidence.path {
            EvidencePath::File(path) => path.parent(),
            EvidencePath::Stdout => None,
        };
        let changes = Changes::watch(&files, busy);
        Ok(Self { stop, bells, threads, first, _changes: changes })
    }

    /// By which a source can be asked for.
    pub fn orders(&self) -> Orders {
        Orders::new(self.bells.clone())
    }

    /// Waits until every source was tried once; false when that takes longer.
    pub fn settled(&self, patience: Duration) -> bool {
        let open = self.first.open.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.first.changed.wait_timeout_while(open, patience, |open| *open > 0);
        let (open, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *open == 0
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        for bell in self.bells.values() {
            bell.wake();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of a list panicked");
            }
        }
        for bell in self.bells.values() {
            bell.close();
        }
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
}

impl Kept {
    fn run(mut self, woken: &Receiver<()>, stop: &AtomicBool, first: &FirstReadings) {
        let mut tried = false;
        while !stop.load(Ordering::Acquire) {
            let look = self.look();
            let (source, (round, state)) = (self.synchroniser.source(), self.synchroniser.state());
            let now = clock::now();
            age::note(self.synchroniser.keeper(), source, (round, state), now);
            // Behind the note: who waits for the first reading must find it known. A file
            // that is being written is tried again at once, so it was not tried yet.
            if !tried && look != Look::Unsteady {
                tried = true;
                first.one_done();
            }
            if tried {
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
