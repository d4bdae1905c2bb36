//! From a configuration file to a running daemon. The only crate that knows everyone.

pub mod capture;
pub mod clock;
pub mod config;
pub mod entry;
mod error;
pub mod keeper;

pub use error::{AppError, Blame};
