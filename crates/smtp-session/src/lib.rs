//! Both roles of an SMTP session (RFC 5321), without sockets, clocks or policy.
//!
//! [`Server`] faces the submitting client, [`Client`] faces the smarthost. Each is
//! a state machine fed with bytes and moments; each keeps the order of replies,
//! the limits and the timers of its side, and nothing else. What a command *means*
//! for a message is decided by the `relay` above.
//!
//! The contract of both: getters, `handle_*`/`advance` (input), mutators, `poll_*`
//! (output). After any call that changes something, drain the output. Nothing in
//! here reads a clock, rolls dice, sleeps, spawns or logs.

mod client;
mod moment;
pub mod sasl;
mod server;

pub use client::replies::all as client_replies;
pub use client::{Client, ClientEvent, ClientSettings, Login, Lost, Sent, Timeouts, UseTls};
pub use moment::Moment;
pub use server::replies::all as server_replies;
pub use server::{AuthRequest, Ended, Floors, Server, ServerSettings, SlotId, StartTls, Step};
