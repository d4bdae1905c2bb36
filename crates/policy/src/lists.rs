//! What the opt-out gate asks, and what it may be told.
//!
//! "I do not know" is an answer of its own ([`Lookup::Unknown`]) and never a
//! permission: a list that was never read, a database that is away, a source older
//! than it may be.

use crate::solicitation::ClassRefusal;
use address::Canonical;
use smallvec::SmallVec;
use suppression::{AddressKeys, Day, Digest, Stream, Suppression};

/// Names a question that is answered later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuestionId(pub u64);

/// What is known about an address, for one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// No entry forbids mail to it.
    Clear,
    /// An entry forbids mail to it, but only after this day.
    InGrace(Suppression, Day),
    /// An entry forbids mail to it.
    Suppressed(Suppression),
    /// The stream needs consent, and none is on record.
    NoConsent,
    /// It cannot be told; the text names the list, for the log and the evidence.
    Unknown(String),
}

/// One for each stream that was asked about, in their order. Nearly always one.
pub type Lookups = SmallVec<[Lookup; 1]>;

/// The answer of the lists to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp {
    /// Answered at once.
    Now(Lookups),
    /// A live source has to be asked; the answer comes by `relay`'s `answer`.
    Later,
}

/// What the lists are asked about one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Inquiry<'a> {
    /// The recipient as it was received, without its brackets: lists of digests, and lists that
    /// are asked live, may know it in that spelling only.
    pub written: &'a str,
    /// The recipient.
    pub address: &'a Canonical,
    /// Its keys under the current key, from [`Lists::keys`].
    pub keys: &'a AddressKeys,
    /// The streams the message may be on; at least one.
    pub streams: &'a [&'a Stream],
    /// The day, UTC.
    pub today: Day,
}

/// Everything that knows who opted out. Called on the path of a message: it must
/// not wait, lock or allocate more than an answer needs.
pub trait Lists: Send + Sync {
    /// The keyed hashes of an address: made once for each recipient, for the look-up
    /// and for the evidence.
    fn keys(&self, address: &Canonical) -> AddressKeys;

    /// The keyed hash of a login name, for the evidence.
    fn login_key(&self, name: &str) -> Digest;

    /// May this address be mailed on each of these streams?
    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp;

    /// The classes of solicitation that this recipient refuses; nearly always none. Lists that
    /// are asked live say nothing of classes.
    fn refused_classes(&self, _: &Inquiry<'_>) -> Vec<ClassRefusal> {
        Vec::new()
    }

    /// The state of the index this answer comes from.
    fn epoch(&self) -> u64;
}
