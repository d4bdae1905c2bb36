//! Outside lists, kept in step with the ledger.
//!
//! One thread a source: it is told when its files change, looks by itself as well (network
//! drives tell nothing), asks databases and web servers as often as it is told to, and reads the
//! list through twice, once to judge it and once to record it. A reading that is not believed
//! changes nothing: the last good one stays in force until it is older than the list may be, and
//! then the list is unknown and the gate defers (DESIGN s7).

mod age;
mod brought;
mod changes;
mod failed;
mod fare;
mod feed;
mod files;
mod intake;
mod listen;
mod marks;
mod meaning;
mod mirror;
mod orders;
mod outcome;
mod puller;
mod salt;
mod schedule;
mod scopes;
mod synchronise;
mod table;
mod trial;
mod watch;
mod web;

pub(crate) use age::age;
pub use age::{note_ages, words};
pub(crate) use intake::{Intake, Lasts};
pub use orders::Orders;
pub use outcome::SyncOutcome;
pub use trial::{Trial, TrialRow, TrialTally, try_source};
pub use watch::{Watch, live, sync_once};

#[cfg(test)]
mod tests;
