//! What ledger entries mean, and the exact index that answers for an address.
//!
//! An *entry* is one fact about an address; the *index* is what is asked for each recipient;
//! [`decide`] is the one place that turns facts into a verdict. Nothing here does I/O, reads a
//! clock or rolls dice: bytes, times and secrets come in as parameters.

mod batch;
mod decide;
mod entry;
mod error;
mod fact;
mod hasher;
mod index;
mod kind;
mod layout;
mod merge;
mod origin;
mod scope;
mod segment;
mod shards;
mod shared;
mod snapshot;
mod stack;
mod text;
mod time;

pub use batch::Batch;
pub use decide::{Finding, StreamClass, Suppression, decide};
pub use entry::{Entry, NewEntry};
pub use error::SuppressionError;
pub use fact::Fact;
pub use hasher::{AddressKeys, Digest, Hasher, IndexKey, KeyId};
pub use index::Index;
pub use kind::Kind;
pub use merge::{Merge, Merged};
pub use origin::{Origin, OriginId};
pub use scope::Scope;
pub use shared::SharedIndex;
pub use snapshot::Snapshot;
pub use time::{Day, Timestamp};
