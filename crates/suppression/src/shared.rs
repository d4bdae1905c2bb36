//! The current index, for many readers and few writers. Readers take no lock and wait for
//! nobody; writers stand in line, so that no addition is lost between two of them.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};

use crate::index::Index;

/// The state in force.
#[derive(Debug)]
pub struct SharedIndex {
    current: ArcSwap<Index>,
    /// Held while a next state is made from the current one and put in its place.
    writing: Mutex<()>,
}

impl SharedIndex {
    /// Shares this state.
    #[must_use]
    pub fn new(index: Index) -> Self {
        Self { current: ArcSwap::from_pointee(index), writing: Mutex::new(()) }
    }

    /// The current state, for one question. Not to be kept: use [`load_full`](Self::load_full).
    pub fn load(&self) -> Guard<Arc<Index>> {
        self.current.load()
    }

    /// The current state, to keep.
    #[must_use]
    pub fn load_full(&self) -> Arc<Index> {
        self.current.load_full()
    }

    /// Puts a state made from scratch in place of the current one.
    pub fn store(&self, index: Index) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        self.current.store(Arc::new(index));
    }

    /// Makes the next state from the current one. When this returns, every later
    /// [`load`](Self::load) sees it: an opt-out may be acknowledged.
    ///
    /// # Errors
    /// What `next` returns; the current state stays in force.
    pub fn update<E>(&self, next: impl FnOnce(&Index) -> Result<Index, E>) -> Result<(), E> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let index = next(&self.current.load())?;
        self.current.store(Arc::new(index));
        Ok(())
    }

    /// Does one merge if one is due, and says whether it was. Additions go on meanwhile. For
    /// a thread in the background: `while shared.merge_once() {}`.
    pub fn merge_once(&self) -> bool {
        // The guard must not live through the merge, nor the state: its segments would be
        // kept twice.
        let Some(due) = self.load().merge_due() else { return false };
        let merged = due.run();
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let index = self.current.load().merged(&merged);
        self.current.store(Arc::new(index));
        true
    }
}

impl Default for SharedIndex {
    fn default() -> Self {
        Self::new(Index::empty())
    }
}

#[cfg(test)]
mod tests;
