//! Outside lists, kept in step with the ledger.
//!
//! One thread a source: it is told when its file changes, looks by itself as well
//! (network drives tell nothing), and reads the file through twice, once to judge it
//! and once to record it. A reading that is not believed changes nothing: the last good
//! one stays in force until it is older than the list may be, and then the list is
//! unknown and the gate defers (DESIGN s7).

mod age;
mod changes;
mod intake;
mod synchronise;
mod watch;

pub use age::note_ages;
pub(crate) use intake::{Intake, Lasts};
pub use watch::Watch;

#[cfg(test)]
mod tests;
