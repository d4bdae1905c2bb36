//! The filters of a listener's messages: gates over decoded content, milters, and whoever signs.
//!
//! `relay` shows the steps of a transaction and is told the verdicts; here is who gives them.

mod milter;
mod settings;

pub use milter::{Milter, MilterHealth};
pub use settings::{FilterSettings, MilterAddress, MilterSettings, OnFailure, Signer};
