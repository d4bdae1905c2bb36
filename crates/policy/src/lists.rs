//! What the opt-out gate asks, and what it may be told.
//!
//! "I do not know" is an answer of its own ([`Lookup::Unknown`]) and never a
//! permission: a list that was never read, a database that is away, a source older
//! than it may be.

use address::Canonical;
use suppression::{AddressKeys, Suppression};

/// Names a question that is answered later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u64);

/// What is known about an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// No entry forbids mail to it.
    Clear,
    /// An entry forbids mail to it.
    Suppressed(Suppression),
    /// It cannot be told; the text names the list, for the log and the evidence.
    Unknown(String),
}

/// The answer of the lists to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// Answered at once.
    Now(Lookup),
    /// A live source has to be asked; the answer comes by `relay`'s `answer`.
    Later,
}

/// Everything that knows who opted out. Called on the path of a message: it must
/// not wait, lock or allocate more than an answer needs.
pub trait Lists: Send + Sync {
    /// The keyed hashes of an address: made once for each recipient, for the look-up
    /// and for the evidence.
    fn keys(&self, address: &Canonical) -> AddressKeys;

    /// May this address be mailed?
    fn look_up(&self, address: &Canonical, keys: &AddressKeys) -> LookUp;

    /// The state of the index this answer comes from.
    fn epoch(&self) -> u64;
}
