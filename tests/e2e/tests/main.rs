//! optgate between real clients and real mail servers.
//!
//! The name of a test holds the names of the programs it needs, as they are
//! called in `cargo xtask test --without NAME` (a dash becomes an underscore).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "functions that tests share, outside of any test as the lints see it"
)]

mod alerts;
mod content;
mod crash;
mod demo;
mod evasion;
mod evidence;
mod failover;
mod full_disk;
mod gates;
mod hostile;
mod identity;
mod life;
mod lists;
mod logins;
mod metrics;
mod milters;
mod mixed;
mod notice;
mod opt_out;
mod pool;
mod power_loss;
mod recipes;
mod records;
mod relay_test;
mod reports;
mod secured;
mod signatures;
mod smarthost;
mod solicit;
mod streams;
mod tls;
mod unchanged;
mod verbs;

mod witness;

use e2e::Smarthost;

/// Who the mail of the tests is from.
const SENDER: &str = "shop@corp.example";

/// The recipients of everything the server has stored, in order.
fn recipients(server: &dyn Smarthost) -> Vec<String> {
    let mut recipients: Vec<String> = server.stored().iter().map(|s| s.recipient()).collect();
    recipients.sort();
    recipients
}
