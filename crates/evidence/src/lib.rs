//! What was decided, why, and what the smarthost said: the records, the file they go to, and
//! how they are found again.
//!
//! Records are made by `relay` and written by whoever drives it. This crate reads no clock and
//! keeps no thread; the only I/O is that of the evidence file.

mod chain;
mod error;
mod fault;
mod files;
mod head;
mod journal;
mod json;
mod lines;
mod masked;
mod notice;
mod opening;
mod packing;
mod proof;
mod record;
mod records;
mod recovery;
mod reference;
mod sealer;
mod search;
mod seen;
mod shown;
mod survey;
mod verify;

pub use chain::ChainId;
pub use error::EvidenceError;
pub use fault::Fault;
pub use head::{Head, NotAHead};
pub use journal::Journal;
pub use masked::mask_addresses;
pub use notice::{Notice, NoticeText, greeting_digest};
pub use opening::{Opened, Opening, open};
pub use packing::pack;
pub use proof::Proof;
pub use record::{
    Class, Decision, Ending, Finding, Intent, Outcome, Record, ReplyText, ShortDigest, Verdict,
};
pub use records::{Found, Records};
pub use recovery::{Recovery, Unsettled};
pub use reference::{Mint, NotAReference, REFERENCE_LEN, Reference, ReferencePrefix};
pub use sealer::{Rotation, Sealer};
pub use search::{Message, Messages, Query, Sought, find, search};
pub use seen::{Seen, SeenReply, Text};
pub use shown::{Shown, ShownQuery, shown};
pub use verify::{Unsealed, Walk, WalkedFile, verify};
