//! Files of SQLite, which other programs may be writing.
//!
//! The file is opened for reading only, with its locks respected. What waits for a disk or for a
//! lock runs on threads that may wait; whoever no longer wants the answer interrupts it.

mod file;
mod pull;
mod session;
mod value;

#[cfg(test)]
mod tests;

pub(super) use pull::pull;
pub(super) use session::Session;
