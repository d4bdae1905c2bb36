//! The append-only, hash-chained record of entries: the truth the index is derived from.
//!
//! One SQLite file that an auditor can open with any tool, and a key file beside it without
//! which nobody can tell whose addresses it holds (DESIGN s6, s7). Everything here is
//! synchronous: the owner is one thread of `app`, or a command of the command line. Several
//! processes may have the same ledger open and append to it at once.
//!
//! Time is a parameter. Randomness is taken in one place, [`KeyFile`] and row salts included.

mod append;
mod batch;
mod chain;
mod create;
mod digits;
mod entropy;
mod error;
mod import;
mod keyfile;
mod ledger;
mod lookup;
mod open;
mod origins;
mod read;
mod row;
mod rules;
mod schema;
mod sources;
mod verify;

pub use append::Appended;
pub use batch::BatchSize;
pub use create::{IfMissing, open_pair};
pub use error::LedgerError;
pub use import::import_id;
pub use keyfile::{Fingerprint, KeyFile};
pub use ledger::{Head, Ledger};
pub use row::FeedRow;
pub use sources::SourceState;
pub use verify::Verification;
