//! The ledger from outside, through its public face only. One binary: linking SQLite takes long.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it")]

mod chain;
mod crash;
mod lapse;
mod opening;
mod order;
mod processes;
mod recent;
mod record;
mod support;
mod withdraw;
