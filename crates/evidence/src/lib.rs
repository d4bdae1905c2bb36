//! What was decided, why, and what the smarthost said.

mod record;
mod reference;

pub use record::{Decision, Ending, Intent, Outcome, Record, ReplyText, Verdict};
pub use reference::{Mint, NotAReference, REFERENCE_LEN, Reference, ReferencePrefix};
