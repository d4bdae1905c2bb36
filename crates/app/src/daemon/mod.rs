//! The running gate: every part put together, started in order, stopped in order.
//!
//! Start: lock, ledger and index, lists, evidence, control socket, listeners. A client
//! is greeted only when everything behind the greeting is there. Stop, on a signal: no
//! new clients, sessions end, then everything else in the opposite order, so that what
//! a session still has to record can be recorded.

mod archive;
mod commit;
mod descriptors;
mod dkim;
mod file;
mod filters;
mod gates;
mod greetings;
mod house;
mod notify;
mod parts;
mod recorder;
mod run;
mod smarthosts;
mod start;
mod tls;

pub use file::ConfigurationFile;
pub use run::serve;
pub use start::{Configured, Daemon};
