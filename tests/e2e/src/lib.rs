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
mod clamav;
mod client;
mod disk;
mod dkim;
mod door;
mod dovecot;
mod encrypted;
mod exim;
mod gate;
mod haproxy;
mod impostor;
mod letter;
mod mariadb;
mod miltertest;
mod nginx;
mod odd_milter;
mod opendkim;
mod openldap;
mod opensmtpd;
mod overlay;
mod peers;
mod port;
mod postfix;
mod postgresql;
mod process;
mod pymilter;
mod redis;
mod rspamd;
mod scratch;
mod secured;
mod smarthost;
mod sqlserver;
mod stored;
mod tap;
mod way;
mod wire;
mod witness;

pub use aiosmtpd::{Aiosmtpd, Taken};
pub use authority::{Authority, Issued};
pub use clamav::Clamav;
pub use client::{Client, Told};
pub use disk::{Crash, Recording, contents};
pub use dkim::{DkimKey, DkimKind, Signature, opendkim_testmsg, signatures};
pub use door::Door;
pub use dovecot::Dovecot;
pub use encrypted::Encrypted;
pub use exim::Exim;
pub use gate::{Gate, Setup, optgate};
pub use haproxy::Haproxy;
pub use impostor::Impostor;
pub use letter::{Letter, base64};
pub use mariadb::Mariadb;
pub use miltertest::{Said, miltertest};
pub use nginx::Nginx;
pub use odd_milter::{Does, OddMilter};
pub use opendkim::OpenDkim;
pub use openldap::Openldap;
pub use opensmtpd::OpenSmtpd;
pub use peers::Peers;
pub use port::free_port;
pub use postfix::Postfix;
pub use postgresql::Postgresql;
pub use process::{Ran, Server, kill_nine, run, wait_until};
pub use pymilter::{Pymilter, Shown};
pub use redis::Redis;
pub use rspamd::Rspamd;
pub use scratch::Scratch;
pub use secured::Secured;
pub use smarthost::{GATE_NAME, Smarthost};
pub use sqlserver::SqlServer;
pub use stored::Stored;
pub use tap::Tap;
pub use way::{Login, Tls, Way};
pub use wire::{Dialogue, Reply};
pub use witness::{Seen, Witness};
