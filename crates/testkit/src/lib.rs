//! Tests only: dice with a seed, a clock that is turned by hand, byte splitting, a
//! made-up smarthost, and dialogues written down as files.
//!
//! Everything is deterministic: the same seed gives the same run on every machine.
//! The smarthost reads the wire with code of its own, as naive as can be, so that a
//! mistake in the product's codecs cannot hide behind itself.

mod dice;
mod link;
mod smarthost;
mod tds;
mod transcript;

pub use dice::Dice;
pub use link::Link;
pub use smarthost::{Delivery, Manner, ScriptedSmarthost};
pub use tds::{TdsAsked, TdsManner, TdsPeer, TdsTable, TdsType};
pub use transcript::{Line, Transcript};
