//! The keys under which addresses are hashed, shared by everybody who makes keys of
//! addresses: the gate that looks up, the lists and commands that record.
//!
//! A rekey or a restore swaps them while sessions run, so whoever needs them loads them
//! for one piece of work and holds on to what it got. The keeper is the only one that
//! swaps; between two loads the current key may be another.

use std::sync::Arc;

use arc_swap::ArcSwap;
use suppression::{Hasher, KeyRing};

/// The current keys. Clones share them.
#[derive(Clone, Debug)]
pub struct Keys(Arc<ArcSwap<KeyRing>>);

impl Keys {
    /// Keys that begin as these.
    pub fn new(ring: impl Into<KeyRing>) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(ring.into())))
    }

    /// The keys as they are now: the current one and those before it.
    pub fn load(&self) -> arc_swap::Guard<Arc<KeyRing>> {
        self.0.load()
    }

    /// The key of new entries, as it is now.
    pub fn current(&self) -> Hasher {
        self.load().current().clone()
    }

    /// Puts others in their place. For the keeper alone.
    pub fn replace(&self, ring: KeyRing) {
        self.0.store(Arc::new(ring));
    }
}
