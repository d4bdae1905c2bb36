//! From a configuration file to a running daemon. The only crate that knows everyone.

pub mod config;
