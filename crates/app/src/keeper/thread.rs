//! The keeper's thread, and the handle by which everybody gives it work.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use address::PersonRules;
use ledger::{IfMissing, open_pair};
use suppression::{Grace, SharedIndex};

use super::desk::Desk;
use super::lists::LedgerLists;
use super::queue::{Lane, Next, Queue};
use super::states::ListStates;
use crate::clock;
use crate::error::AppError;
use crate::keys::Keys;

/// How often other writers are looked for while there is no work.
const LOOK: Duration = Duration::from_millis(250);

/// Looks without work after which there is nothing left to give back.
const IDLE_ROUNDS: u32 = 40;

/// What the keeper needs to know.
#[derive(Clone, Debug)]
pub struct KeeperSettings {
    /// The SQLite file.
    pub ledger: PathBuf,
    /// The key file.
    pub key: PathBuf,
    /// When two addresses are the same person.
    pub rules: PersonRules,
    /// What to do when neither file is there.
    pub if_missing: IfMissing,
}

/// The keeper. Clones of the handle are cheap; the thread ends with [`Keeper::stop`], or
/// when the last handle is gone.
#[derive(Clone, Debug)]
pub struct Keeper {
    work: Arc<Handle>,
    keys: Keys,
    index: Arc<SharedIndex>,
    states: Arc<ListStates>,
}

/// What all handles share; with the last of them the thread ends.
#[derive(Debug)]
struct Handle {
    queue: Arc<Queue>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// An answer that is on its way.
#[derive(Debug)]
pub struct Pending<T>(Receiver<Result<T, AppError>>);

impl<T> Pending<T> {
    /// Waits for it.
    ///
    /// # Errors
    /// [`AppError::Stopped`] when the keeper is gone, else what the work says.
    pub fn wait(self) -> Result<T, AppError> {
        self.0.recv().map_err(|_| AppError::Stopped)?
    }
}

impl Keeper {
    /// Opens the ledger, has the index ready, and starts the thread.
    ///
    /// # Errors
    /// Each says what to do; nothing runs then.
    pub fn start(settings: &KeeperSettings) -> Result<Self, AppError> {
        let now = clock::now();
        let (ledger, opened) =
            open_pair(&settings.ledger, &settings.key, settings.if_missing, now)?;
        if opened.exposed {
            tracing::warn!(file = %settings.key.display(), "other users can read the key file; chmod 600 it");
        }
        for key in &opened.unfinished {
            tracing::info!(file = %settings.key.display(), key = format!("{:08x}", key.0), "a key in the key file is not in use; a rekey did not finish, or the ledger is an older state");
        }
        let states = Arc::new(ListStates::default());
        let keys = Keys::new(opened.ring);
        let desk = Desk::open(
            ledger,
            settings.key.clone(),
            keys.clone(),
            &settings.rules,
            states.clone(),
        )?;
        let index = desk.index().clone();
        let queue = Queue::new();
        let served = queue.clone();
        let thread = std::thread::Builder::new()
            .name("keeper".to_owned())
            .spawn(move || run(desk, &served))
            .map_err(|e| AppError::io("the keeper's thread", e))?;
        let work = Handle { queue, thread: std::sync::Mutex::new(Some(thread)) };
        Ok(Self { work: Arc::new(work), keys, index, states })
    }

    /// Does a piece of work at the desk and waits for its result. Blocks: from a task of
    /// the runtime only inside `spawn_blocking`.
    ///
    /// # Errors
    /// [`AppError::Stopped`] when the keeper is gone, else what the work says.
    pub fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, AppError> + Send + 'static,
    ) -> Result<T, AppError> {
        self.put(Lane::First, work)?.wait()
    }

    /// Gives a part of something long to the desk and does not wait: everybody who
    /// [asks](Self::ask) goes first.
    ///
    /// # Errors
    /// [`AppError::Stopped`] when the keeper is gone.
    pub fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, AppError> + Send + 'static,
    ) -> Result<Pending<T>, AppError> {
        self.put(Lane::Second, work)
    }

    fn put<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce(&mut Desk) -> Result<T, AppError> + Send + 'static,
    ) -> Result<Pending<T>, AppError> {
        let (reply, answer) = sync_channel(1);
        let work = Box::new(move |desk: &mut Desk| {
            // Whoever asked may have gone; the work is done all the same.
            let _ = reply.send(work(desk));
        });
        if self.work.queue.put(lane, work) { Ok(Pending(answer)) } else { Err(AppError::Stopped) }
    }

    /// The index as the gate's lists, with the grace that is configured.
    pub fn lists(&self, grace: Option<Grace>) -> LedgerLists {
        LedgerLists::new(self.keys.clone(), self.index.clone(), self.states.clone(), grace)
    }

    /// What makes keys of addresses.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The index.
    pub fn index(&self) -> &Arc<SharedIndex> {
        &self.index
    }

    /// What is unknown.
    pub fn states(&self) -> &Arc<ListStates> {
        &self.states
    }

    /// Finishes the work that waits, writes the index image, and ends the thread.
    pub fn stop(&self) {
        self.work.queue.close();
        let thread = self.work.thread.lock().ok().and_then(|mut slot| slot.take());
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the keeper's thread panicked");
        }
    }
}

/// Nobody waits for a thread that is gone, not even for one that panicked.
struct Served<'a>(&'a Queue);

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

fn run(mut desk: Desk, queue: &Queue) {
    let _served = Served(queue);
    let merging = merger(desk.index().clone());
    let (mut unsettled, mut idle, mut told) = (true, 0, None);
    loop {
        let wait = if unsettled { Duration::from_millis(1) } else { LOOK };
        match queue.next(wait) {
            Next::Work(work) => {
                work(&mut desk);
                (unsettled, idle) = (true, 0);
                wake(&merging);
            }
            Next::Nothing => {
                if idle < IDLE_ROUNDS {
                    idle += 1;
                    nudge_allocator();
                }
                told = follow(&mut desk, told);
                unsettled = unsettled && settle(&mut desk);
                if desk.image_due() {
                    write_image(&mut desk, false);
                }
            }
            Next::Closed => break,
        }
    }
    write_image(&mut desk, true);
}
/// Follows other writers. What goes wrong is told once, not four times a second: `told` is
/// what was told last.
fn follow(desk: &mut Desk, told: Option<String>) -> Option<String> {
    match desk.follow_others() {
        Ok(()) => {
            if told.is_some() {
                tracing::info!("the ledger can be followed again");
            }
            None
        }
        Err(error) => {
            let error = error.to_string();
            if told.as_ref() != Some(&error) {
                tracing::error!(error, "the ledger cannot be followed, deferring mail");
            }
            Some(error)
        }
    }
}

/// Memory that was freed goes back to the system about a second later, when somebody
/// asks the allocator for a large piece; an idle process does not, and would keep twice
/// the index for as long as nothing happens. The piece itself is never touched.
fn nudge_allocator() {
    drop(std::hint::black_box(vec![0_u8; 4 << 20]));
}

fn settle(desk: &mut Desk) -> bool {
    desk.settle().unwrap_or_else(|error| {
        tracing::warn!(%error, "the ledger's look-up table lags behind");
        false
    })
}

fn write_image(desk: &mut Desk, now: bool) {
    match desk.image() {
        Ok(Some(image)) if now => image.write(),
        Ok(Some(image)) => {
            let thread = std::thread::Builder::new().name("index-image".to_owned());
            if let Err(error) = thread.spawn(move || image.write()) {
                tracing::warn!(%error, "index image not written");
            }
        }
        Ok(None) => {}
        Err(error) => tracing::warn!(%error, "index image not written"),
    }
}

/// A thread that merges segments of the index whenever it is woken. Each round has a
/// thread of its own: what a merge needed is given back to the system when it ends,
/// while memory freed by a thread that only sleeps would stay with it.
fn merger(index: Arc<SharedIndex>) -> SyncSender<()> {
    let (wake, woken) = sync_channel::<()>(1);
    let thread = std::thread::Builder::new().name("index-merger".to_owned());
    let spawned = thread.spawn(move || {
        while woken.recv().is_ok() {
            if index.load().merge_due().is_none() {
                continue;
            }
            let index = index.clone();
            let round = std::thread::Builder::new().name("index-merge".to_owned());
            let merged = round.spawn(move || while index.merge_once() {}).map(JoinHandle::join);
            if !matches!(merged, Ok(Ok(()))) {
                tracing::warn!("the index is not merged, look-ups get slower");
            }
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "the index is not merged, look-ups get slower");
    }
    wake
}

fn wake(merging: &SyncSender<()>) {
    // Full: it is awake already. Gone: told when it could not be started.
    let _ = merging.try_send(());
}
