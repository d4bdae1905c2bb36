//! What was decided, why, and what the smarthost said: the records, the file they go to, and
//! how they are found again.
//!
//! Records are made by `relay` and written by whoever drives it. This crate reads no clock and
//! keeps no thread; the only I/O is that of the evidence file.

mod error;
mod files;
mod journal;
mod json;
mod lines;
mod record;
mod records;
mod recovery;
mod reference;
mod search;
mod seen;

pub use error::EvidenceError;
pub use journal::Journal;
pub use record::{
    Class, Decision, Ending, Intent, Outcome, Record, ReplyText, ShortDigest, Verdict,
};
pub use records::{Found, Records};
pub use recovery::Recovery;
pub use reference::{Mint, NotAReference, REFERENCE_LEN, Reference, ReferencePrefix};
pub use search::search;
pub use seen::{Seen, SeenReply, Text};
