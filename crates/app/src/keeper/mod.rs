//! The keeper: one thread that owns the ledger and is the only writer of the index.
//!
//! Everybody else sends it work and waits for the answer. Because work is done one
//! piece at a time, an opt-out is acknowledged only when it is on disk *and* the index
//! refuses the address (DESIGN s7), and an import, which comes in batches of at most
//! 50 ms, lets an `optout add` in between.
//!
//! The index is always filled in the order of the ledger's rows and without gaps,
//! whoever wrote them: this process, another one, or one before the start. Rows that this
//! process has just written are taken as they were given; all others are read.

mod custody;
mod desk;
mod feed;
mod image;
mod lists;
mod lock;
mod mirror;
mod outside;
mod placing;
mod queue;
mod states;
mod thread;

pub use custody::{Rekeyed, TakenBack};
pub use desk::Desk;
pub(crate) use image::path_of as image_path;
pub use lists::LedgerLists;
pub use lock::{Holder, LedgerLock};
pub use mirror::Gone;
pub use outside::Outside;
pub(crate) use placing::{
    Places, PreparedRestore, beside, check_restore, put_in_place, restore_details,
};
pub use placing::{RestoreOutcome, RestoreRequest};
pub use states::ListStates;
pub use thread::{Keeper, KeeperSettings, Pending};

#[cfg(test)]
mod tests;
