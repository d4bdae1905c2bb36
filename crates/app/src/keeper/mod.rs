//! The keeper: one thread that owns the ledger and is the only writer of the index.
//!
//! Everybody else sends it work and waits for the answer. Because work is done one
//! piece at a time, an opt-out is acknowledged only when it is on disk *and* the index
//! refuses the address (DESIGN s7), and an import, which comes in batches of at most
//! 50 ms, lets an `optout add` in between.
//!
//! The index is always filled from the ledger's own rows, in their order and without
//! gaps, whoever wrote them. So there is one way in, whether the row was written by
//! this process, by another one, or before the start.

mod desk;
mod image;
mod lists;
mod lock;
mod thread;

pub use desk::Desk;
pub use lists::{LedgerLists, ListStates};
pub use lock::{Holder, LedgerLock};
pub use thread::{Keeper, KeeperSettings};

#[cfg(test)]
mod tests;
