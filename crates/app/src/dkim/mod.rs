//! DKIM signatures (RFC 6376; Ed25519: RFC 8463) over exactly what goes upstream.
//!
//! Signing is the last thing that is done to a message: behind every gate and every milter. Our
//! own Received goes on top of the signature and is not covered by it, as RFC 6376 s5.4.1 wants
//! of trace fields. A key is read again when its file changes.

mod key;
mod record;
mod signatures;
#[cfg(test)]
mod tests;

pub use key::Key;
pub use signatures::{Refreshed, Signatures, SigningDomain, SigningSettings};
