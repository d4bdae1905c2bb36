//! The file of users as a running gate knows it: read again when it changes.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::file::{Stamp, UserFile, read, stamp};

/// How long it is believed to be unchanged.
const BELIEVED: Duration = Duration::from_secs(1);

/// What is known of the file.
#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    began: Instant,
    /// When it was last looked at, in milliseconds since the beginning; 0: never.
    looked: AtomicU64,
    /// Which state was read. Held while it is read.
    state: Mutex<Option<Stamp>>,
    /// None: it cannot be used, and nobody can be told from anybody.
    users: ArcSwap<Option<Arc<UserFile>>>,
}

impl Book {
    /// Nothing is read yet.
    pub(super) fn new(path: PathBuf, now: Instant) -> Self {
        Self {
            path,
            began: now,
            looked: AtomicU64::new(0),
            state: Mutex::default(),
            users: ArcSwap::from_pointee(None),
        }
    }

    /// Whether [`Self::look`] has to be called first.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let looked = self.looked.load(Ordering::Acquire);
        looked == 0 || self.millis(now).saturating_sub(looked) >= BELIEVED.as_millis() as u64
    }

    /// Whom the file names; none when it cannot be used.
    pub(super) fn users(&self) -> Option<Arc<UserFile>> {
        self.users.load().as_ref().clone()
    }

    /// Reads the file, if it is another than before. Blocks.
    pub(super) fn look(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_due(now) {
            return;
        }
        let found = stamp(&self.path).ok();
        let is_first = self.looked.load(Ordering::Acquire) == 0;
        if is_first || found != *state {
            match read(&self.path) {
                Ok(users) => {
                    tracing::info!(users = users.len(), "the file of users was read");
                    self.users.store(Arc::new(Some(Arc::new(users))));
                }
                Err(error) => {
                    tracing::error!(%error, "nobody can log in: the file of users cannot be used");
                    self.users.store(Arc::new(None));
                }
            }
            // The state before the reading: should it change meanwhile, it is read again.
            *state = found;
        }
        self.looked.store(self.millis(now).max(1), Ordering::Release);
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.began).as_millis() as u64
    }
}
