//! Asking for a source to be read now, and being told what came of it.

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::outcome::SyncOutcome;
use crate::error::AppError;

/// The bell of one source's thread.
#[derive(Debug)]
pub(super) struct Bell {
    wake: SyncSender<()>,
    rung: Mutex<Rung>,
}

/// Why it was rung.
#[derive(Debug, Default)]
pub(super) struct Rung {
    /// Its database says that something is new.
    pub(super) told: bool,
    /// Somebody asks for it.
    pub(super) asked: Vec<Asked>,
    /// Nobody comes any more.
    closed: bool,
}

/// Somebody who waits for a reading.
#[derive(Debug)]
pub(super) struct Asked {
    /// Of all of it, even if nothing has changed.
    pub(super) all: bool,
    answer: SyncSender<Result<SyncOutcome, AppError>>,
}

impl Asked {
    pub(super) fn answer(self, answer: Result<SyncOutcome, AppError>) {
        // Whoever asked may have gone away.
        let _ = self.answer.try_send(answer);
    }
}

impl Bell {
    pub(super) fn new(wake: SyncSender<()>) -> Arc<Self> {
        Arc::new(Self { wake, rung: Mutex::default() })
    }

    fn rung(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its database says that something is new.
    pub(super) fn tell(&self) {
        self.rung().told = true;
        self.wake();
    }

    fn ask(&self, asked: Asked) {
        let mut rung = self.rung();
        if rung.closed {
            return asked.answer(Err(AppError::Stopped));
        }
        rung.asked.push(asked);
        drop(rung);
        self.wake();
    }

    /// Why it was rung since it was looked at last.
    pub(super) fn take(&self) -> Rung {
        let mut rung = self.rung();
        let closed = rung.closed;
        std::mem::replace(&mut *rung, Rung { closed, ..Rung::default() })
    }

    /// Whether somebody waits.
    pub(super) fn is_asked(&self) -> bool {
        !self.rung().asked.is_empty()
    }

    /// Nobody comes any more, to whoever waits and whoever will ask.
    pub(super) fn close(&self) {
        let mut rung = self.rung();
        rung.closed = true;
        for asked in rung.asked.drain(..) {
            asked.answer(Err(AppError::Stopped));
        }
    }

    pub(super) fn wake(&self) {
        // Full: it is awake already.
        let _ = self.wake.try_send(());
    }
}

/// The bells of all sources of a running gate.
#[derive(Clone, Debug, Default)]
pub struct Orders(Arc<BTreeMap<String, Arc<Bell>>>);

impl Orders {
    pub(super) fn new(bells: BTreeMap<String, Arc<Bell>>) -> Self {
        Self(Arc::new(bells))
    }

    /// Has a source read and waits for what comes of it. `all`: all of it, even if nothing has
    /// changed.
    ///
    /// # Errors
    /// [`AppError::Input`] for a name that is none, [`AppError::List`] if it could not be read,
    /// [`AppError::Stopped`] if the gate stops.
    pub fn sync(&self, name: &str, all: bool) -> Result<SyncOutcome, AppError> {
        let bell = self.0.get(name).ok_or_else(|| {
            AppError::Input(format!("the running gate keeps no source \"{name}\" in step"))
        })?;
        let (answer, answered) = sync_channel(1);
        bell.ask(Asked { all, answer });
        // The thread of the source ends with its bell, and what was asked of it.
        answered.recv().map_err(|_| AppError::Stopped)?
    }
}
