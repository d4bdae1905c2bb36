//! The append-only, hash-chained record of entries: the truth the index is derived from.
//!
//! One SQLite file that an auditor can open with any tool, and a key file beside it without
//! which nobody can tell whose addresses it holds (DESIGN s6, s7). Everything here is
//! synchronous: the owner is one thread of `app`, or a command of the command line. Several
//! processes may have the same ledger open and append to it at once.
//!
//! Time is a parameter. Randomness is taken in one place, [`KeyFile`] and row salts included.
//! docs/ledger.md describes the files for whoever audits them.

mod append;
mod appended;
mod backup;
mod batch;
mod chain;
mod checkpoint;
mod create;
mod digits;
mod entropy;
mod erase;
mod error;
mod event;
mod events;
mod extension;
mod import;
mod import_rows;
mod keyfile;
mod keys;
mod ledger;
mod lookup;
mod mirror;
mod open;
mod origins;
mod pen;
mod prepared;
mod read;
mod recent;
mod recorded;
mod rekey;
mod row;
mod rules;
mod said_again;
mod schema;
mod sources;
mod transaction;
mod unfit;
mod verify;
mod withdraw;
mod withdrawn;

pub use append::Followed;
pub use appended::Appended;
pub use batch::BatchSize;
pub use checkpoint::{Checkpoint, SignedCheckpoint};
pub use create::{IfMissing, open_pair};
pub use erase::Erased;
pub use error::LedgerError;
pub use event::{Event, EventLine};
pub use extension::Extension;
pub use import::{ImportLine, import_id};
pub use keyfile::{Fingerprint, KeyFile};
pub use keys::Keys;
pub use ledger::{Head, Ledger};
pub use mirror::{Missing, Named};
pub use prepared::Prepared;
pub use read::Found;
pub use row::FeedRow;
pub use sources::SourceState;
pub use unfit::{names_address, unfit};
pub use verify::Verification;
pub use withdraw::Undone;
