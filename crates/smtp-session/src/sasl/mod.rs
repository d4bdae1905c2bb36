//! SASL over SMTP (RFC 4422, RFC 4954): one authentication exchange, from either side.
//!
//! [`Acceptor`] is the server's side, for users of our own; [`Initiator`] the client's,
//! towards a smarthost. Neither knows base64, lines or replies: they take and give the
//! octets of challenges and responses. What only somebody else can know (whether a
//! password is right, which keys a user has) leaves as a question and comes back as an
//! answer. Nothing in here is ever logged: passwords and tokens travel as [`Secret`]s.

mod acceptor;
mod initiator;
mod mechanism;
mod scram;

use observe::Secret;

pub use acceptor::{Acceptor, Turn};
pub use initiator::{Credentials, Initiator};
pub use mechanism::Mechanism;
pub use scram::{ScramKeys, scram_keys};

/// Octets that stay secret.
pub type SecretBytes = Secret<Vec<u8>>;
