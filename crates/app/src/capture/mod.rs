//! The capture smarthost (`sink`): accepts everything that reaches it, keeps the last
//! messages, sends nothing anywhere. What `demo` relays to, and what tests and
//! benchmarks put behind the gate.
//!
//! A plain server of its own and no second use of `proxy`: what is compared with the
//! gate must not share its code. Only the wire language is shared.

mod message;
mod server;
mod session;
mod store;

pub use message::{Captured, CapturedRecipient};
pub use server::{Capture, CaptureSettings, run};
pub use store::Kept;

#[cfg(test)]
mod tests;
