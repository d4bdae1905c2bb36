//! `replay`: which deliveries would the gate have refused? Read from a list of addresses, a
//! column of a table, or the log of the mail server that sends now: the way to see the
//! effect before switching on.
//!
//! Reading is apart from judging: what is read here is a line, a recipient, and what the log
//! tells of the envelope, by which the gate finds the stream.

mod detect;
mod envelopes;
mod exim;
mod lines;
mod postfix;
mod reader;
mod table;

pub use detect::LogFormat;
pub use envelopes::{Delivery, Envelope, Told};
pub use reader::read;
