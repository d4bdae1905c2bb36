//! The milter protocol, version 6, from the mail server's side: packets, and the order in which
//! one connection to a filter is spoken on. No sockets, no clocks, no policy.
//!
//! There is no standard; the numbers are those that libmilter and the mail servers agree on
//! (libmilter's `mfdef.h`), the manners are those of the mail servers that filters are written
//! for. A packet is a length (32 bits, big-endian), a letter, and as many octets less one.
//!
//! [`Connection`] is all there is to use: it is told what happens to a message and writes
//! packets, it is given the bytes of the filter and has events.

mod action;
mod change;
mod command;
mod connection;
mod custom_reply;
mod error;
mod event;
mod macros;
mod negotiation;
mod packet;

pub use action::Actions;
pub use change::Change;
pub use command::Step;
pub use connection::{Awaits, Connection};
pub use custom_reply::CustomReply;
pub use error::MilterError;
pub use event::{Event, Verdict};
pub use macros::Macros;
pub use negotiation::{Negotiated, Wanted};
pub use packet::BODY_CHUNK_MAX;

#[cfg(test)]
mod tests;
