//! The demo: a gate, two lists, and a mail server that keeps everything, on this machine
//! alone; real messages go through it over TCP, and each outcome is held against what
//! should have happened.
//!
//! Everything is the real thing: the same configuration file, lists, daemon and control
//! socket as in production, so that what it shows is what one gets. It leaves a folder
//! behind with which every other command can be tried.

mod client;
mod play;
mod seed;
mod steps;

pub use client::{Delivery, RecipientReply, send};
pub use play::{DemoEvent, DemoOptions, Tell, run};
pub use steps::StepOutcome;

#[cfg(test)]
mod tests;
