//! From a configuration file to a running daemon. The only crate that knows everyone.

mod alerts;
pub mod asker;
pub mod backup;
pub mod capture;
mod chance;
pub mod clerk;
pub mod clock;
pub mod config;
pub mod control;
pub mod daemon;
pub mod decisions;
pub mod demo;
pub mod dkim;
pub mod entry;
mod error;
pub mod evidence;
pub mod import;
pub mod keeper;
pub mod keys;
pub mod lists;
pub mod live;
mod logins;
pub mod logs;
pub mod metrics;
pub mod notices;
mod progress;
pub mod relay_test;
pub mod replay;
pub mod reports;
pub mod restore;
pub mod users;

pub use error::{AppError, Blame};
