//! The keys under which addresses are hashed: one for new entries, and those before it, under
//! which older entries are found (DESIGN s6).

use address::Canonical;

use crate::hasher::{AddressKeys, Hasher, KeyId};

/// The current key and those before it.
#[derive(Debug, Clone)]
pub struct KeyRing {
    current: Hasher,
    older: Vec<Hasher>,
}

impl KeyRing {
    /// `older`: the newest first.
    #[must_use]
    pub fn new(current: Hasher, older: Vec<Hasher>) -> Self {
        Self { current, older }
    }

    /// The key of new entries.
    #[must_use]
    pub fn current(&self) -> &Hasher {
        &self.current
    }

    /// The keys before it.
    #[must_use]
    pub fn older(&self) -> &[Hasher] {
        &self.older
    }

    /// Every key, the current one first.
    pub fn all(&self) -> impl Iterator<Item = &Hasher> {
        std::iter::once(&self.current).chain(&self.older)
    }

    /// The key with this number.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<&Hasher> {
        self.all().find(|hasher| hasher.key_id() == id)
    }

    /// The keys of an address under every key, the current one first.
    pub fn keys(&self, address: &Canonical) -> impl Iterator<Item = AddressKeys> {
        self.all().map(|hasher| hasher.keys(address))
    }
}

impl From<Hasher> for KeyRing {
    fn from(hasher: Hasher) -> Self {
        Self::new(hasher, Vec::new())
    }
}
