//! SASL over SMTP (RFC 4422, RFC 4954): one authentication exchange, from either side.
//!
//! [`Acceptor`] is the server's side, for users of our own; [`Initiator`] the client's,
//! towards a smarthost. Neither knows the base64 of SMTP, lines or replies: they take and
//! give the octets of challenges and responses. What only somebody else can know or should
//! do (whether a password is right, which keys a user has, arithmetic that is slow on
//! purpose) leaves as a question and comes back as an answer. Nothing in here is ever
//! logged: passwords and tokens travel as [`observe::Secret`]s.
//!
//! Channel binding (`-PLUS`) and security layers are deliberately not there: between the
//! client and the smarthost stands a second TLS connection, so neither could hold.

mod acceptor;
mod attributes;
mod initiator;
mod mechanism;
mod prepared;
mod scram;
mod secret;

pub use acceptor::{Acceptor, Turn};
pub use initiator::{Credentials, Initiator, Response};
pub use mechanism::{Mechanism, UnknownMechanism};
pub use prepared::prepare;
pub use scram::{SaltedPassword, ScramKeys, ScramWork, scram_keys};
pub use secret::SecretBytes;

#[cfg(test)]
mod tests;
