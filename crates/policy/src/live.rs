//! Lists that are asked over a network for each recipient.
//!
//! The gate hands out an [`Asked`](crate::Asked) where the index alone cannot answer, and
//! keeps it: whoever asks the lists gets a [`Question`], which is a copy. So an answer that
//! is never given, or a fault in the middle of asking, leaves the recipient in hand, and it
//! is told to come again. There is no way here that turns a missing answer into a permit:
//! `Asked::resolve` with too few answers defers.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use address::Canonical;
use suppression::{AddressKeys, Day, Stream};

use crate::lists::Lookups;

/// What the live lists are asked about one recipient.
#[derive(Debug, Clone)]
pub struct Question {
    /// The address as it was received, without its brackets.
    pub written: String,
    /// What it is compared by.
    pub address: Canonical,
    /// Its keys under the key that was current when it came.
    pub keys: AddressKeys,
    /// The streams the message may be on; an answer is wanted for each, in this order.
    pub streams: Vec<Arc<Stream>>,
    /// The day it was asked on, UTC.
    pub today: Day,
}

/// What was found out about one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// One answer for each stream. Of a stream without one nothing is known.
    pub lookups: Lookups,
    /// The state of the index that was asked along with the lists.
    pub epoch: u64,
}

/// The answers to several questions, on their way: one for each, in their order. What is
/// missing at the end is unknown.
pub type Answering = Pin<Box<dyn Future<Output = Vec<Answered>> + Send>>;

/// The lists that are asked over a network.
pub trait LiveLists: Send + Sync {
    /// Asks about all of these at once. The answers must come within a time that this side
    /// sets; what is not known by then is [`Lookup::Unknown`](crate::Lookup::Unknown).
    /// Dropping it is allowed at any time.
    fn ask(&self, questions: Vec<Question>) -> Answering;
}
