//! The stage of the end-to-end tests: real mail servers as smarthost, real
//! programs as clients, and the built `optgate` between them.
//!
//! `cargo xtask test` installs the programs and says in a manifest where they
//! are (see [`Peers`]); without it every test fails and says so. Every server
//! has a folder and ports of its own and is stopped when its value is dropped;
//! what a killed test leaves behind is noted in a folder that xtask sweeps.
//! Nothing waits without a limit.

#![expect(
    clippy::panic,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a stage for tests: what goes wrong here fails the test that asked, with its reason"
)]

mod aiosmtpd;
mod authority;
mod client;
mod disk;
mod dovecot;
mod encrypted;
mod exim;
mod gate;
mod haproxy;
mod impostor;
mod letter;
mod mariadb;
mod nginx;
mod openldap;
mod opensmtpd;
mod overlay;
mod peers;
mod port;
mod postfix;
mod postgresql;
mod process;
mod redis;
mod scratch;
mod secured;
mod smarthost;
mod sqlserver;
mod stored;
mod tap;
mod way;
mod wire;

pub use aiosmtpd::{Aiosmtpd, Taken};
pub use authority::{Authority, Issued};
pub use client::{Client, Told};
pub use disk::{Crash, Recording, contents};
pub use dovecot::Dovecot;
pub use encrypted::Encrypted;
pub use exim::Exim;
pub use gate::{Gate, Setup, optgate};
pub use haproxy::Haproxy;
pub use impostor::Impostor;
pub use letter::Letter;
pub use mariadb::Mariadb;
pub use nginx::Nginx;
pub use openldap::Openldap;
pub use opensmtpd::OpenSmtpd;
pub use peers::Peers;
pub use port::free_port;
pub use postfix::Postfix;
pub use postgresql::Postgresql;
pub use process::{Ran, Server, kill_nine, run, wait_until};
pub use redis::Redis;
pub use scratch::Scratch;
pub use secured::Secured;
pub use smarthost::{GATE_NAME, Smarthost};
pub use sqlserver::SqlServer;
pub use stored::Stored;
pub use tap::Tap;
pub use way::{Login, Tls, Way};
pub use wire::{Dialogue, Reply};
