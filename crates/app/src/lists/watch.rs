//! The threads that keep the sources in step.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::age::{self, note_ages};
use super::changes::Changes;
use super::synchronise::{Outcome, Synchroniser};
use crate::clock;
use crate::config::{EvidencePath, Settings};
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::Keeper;

/// How often a file is looked at when nobody tells.
const LOOK: Duration = Duration::from_secs(2);
/// How long after a change no other one must follow, before the file is read.
const QUIET: Duration = Duration::from_millis(150);
/// The longest wait for that: a file that is always written to is read all the same.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sources that are watched. Dropping it ends the threads.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<AtomicBool>,
    wakes: Vec<SyncSender<()>>,
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
    pub fn start(keeper: &Keeper, settings: &Settings) -> Result<Self, AppError> {
        note_ages(keeper, &settings.sources)?;
        let maker = EntryMaker::new(
            keeper.keys().clone(),
            settings.ledger.person.clone(),
            settings.ledger.store,
        );
        let stop = Arc::new(AtomicBool::new(false));
        let first = Arc::new(FirstReadings {
            open: Mutex::new(settings.sources.len()),
            changed: Condvar::new(),
        });
        let (mut wakes, mut threads, mut files) = (Vec::new(), Vec::new(), Vec::new());
        for source in &settings.sources {
            let (wake, woken) = sync_channel::<()>(1);
            files.push((source.path().to_owned(), wake.clone()));
            keeper.states().wake_by(&source.name, &wake);
            wakes.push(wake);
            let synchroniser = Synchroniser::new(keeper, &maker, source, stop.clone())?;
            let (stop, first) = (stop.clone(), first.clone());
            let thread = std::thread::Builder::new().name(format!("list-{}", source.name));
            let spawned = thread.spawn(move || {
                run(synchroniser, &woken, &stop, &first);
            });
            threads.push(spawned.map_err(|e| AppError::io(source.path(), e))?);
        }
        let busy = match &settings.evidence.path {
            EvidencePath::File(path) => path.parent(),
            EvidencePath::Stdout => None,
        };
        let changes = Changes::watch(&files, busy);
        Ok(Self { stop, wakes, threads, first, _changes: changes })
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
        for wake in &self.wakes {
            // Full: it is awake, and looks at the flag.
            let _ = wake.try_send(());
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of a list panicked");
            }
        }
    }
}

fn run(
    mut synchroniser: Synchroniser,
    woken: &std::sync::mpsc::Receiver<()>,
    stop: &AtomicBool,
    first: &FirstReadings,
) {
    let mut tried = false;
    while !stop.load(Ordering::Acquire) {
        // In a thread of its own, so that what a long list needed is given back to the
        // system; this one only sleeps, and would keep it.
        let outcome = match synchroniser.is_changed() {
            false => Outcome::Steady,
            true => std::thread::scope(|scope| scope.spawn(|| synchroniser.look()).join())
                .unwrap_or(Outcome::Steady),
        };
        age::note(synchroniser.states(), synchroniser.source(), synchroniser.state(), clock::now());
        // Behind the note: who waits for the first reading must find it known. A file
        // that is being written is tried again at once, so it was not tried yet.
        if !tried && outcome != Outcome::Unsteady {
            tried = true;
            first.one_done();
        }
        if outcome == Outcome::Unsteady {
            clock::sleep(QUIET);
            continue;
        }
        match woken.recv_timeout(LOOK) {
            Ok(()) => settle(woken),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Waits until nothing happens any more.
fn settle(woken: &std::sync::mpsc::Receiver<()>) {
    let until = clock::instant() + PATIENCE;
    while clock::instant() < until && woken.recv_timeout(QUIET).is_ok() {}
}
