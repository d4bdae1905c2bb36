//! Where command line and gate meet: a Unix socket beside the ledger (DESIGN s7).
//!
//! One request a connection, as one line of JSON; the gate answers with lines of
//! progress, if there are any, and one line that is the answer. Only the user the gate
//! runs as can open the socket (mode 0600). Nothing on it can stop the gate: that is
//! what signals are for.

mod client;
mod protocol;
mod reach;
mod server;

pub use client::ask;
pub use reach::{Reach, reload, restore};
pub use server::ControlServer;

#[cfg(test)]
mod tests;
