//! What ledger entries mean, and the exact index that answers for an address.
//!
//! An *entry* is one fact about an address; the *index* is what is asked for each recipient;
//! [`Case::decide`] is the one place that turns facts into a verdict. Nothing here does I/O, reads a
//! clock or rolls dice: bytes, times and secrets come in as parameters.

mod basis;
mod batch;
mod calendar;
mod candidates;
mod decide;
mod entry;
mod error;
mod fact;
mod hashed;
mod hasher;
mod index;
mod keyring;
mod kind;
mod layout;
mod merge;
mod origin;
mod rows;
mod scope;
mod segment;
mod shards;
mod shared;
mod snapshot;
mod stack;
mod stream;
mod text;
mod time;

pub use basis::Basis;
pub use batch::Batch;
pub use calendar::{Calendar, Grace};
pub use decide::{Case, Finding, Known, Standing, Suppression, Terms};
pub use entry::{Entry, NewEntry, lifetime};
pub use error::SuppressionError;
pub use fact::Fact;
pub use hashed::{HashAlgorithm, HashedForm, Normalise, PlainDigest, PlainDigests, Salt};
pub use hasher::{AddressKeys, Digest, Hasher, IndexKey, KeyId};
pub use index::Index;
pub use keyring::KeyRing;
pub use kind::Kind;
pub use merge::{Merge, Merged};
pub use origin::{Origin, OriginId, Subject};
pub use scope::Scope;
pub use shared::SharedIndex;
pub use snapshot::Snapshot;
pub use stream::{Permission, Stream, StreamClass};
pub use time::{Day, Timestamp};
