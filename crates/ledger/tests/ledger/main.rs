//! The ledger from outside, through its public face only. One binary: linking SQLite takes long.

#![expect(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test may fail it")]
#![expect(clippy::indexing_slicing, reason = "the helpers of a test may fail it")]
#![expect(clippy::print_stdout, reason = "how a child process of a test answers")]

mod auditor;
mod backup;
mod chain;
mod checkpoint;
mod crash;
mod events;
mod full;
mod hashed;
mod lapse;
mod mirror;
mod model;
mod opening;
mod order;
mod processes;
mod recent;
mod record;
mod rekey;
mod said_again;
mod support;
mod withdraw;
