//! The server's side of an exchange.

use observe::Secret;

use super::{Mechanism, ScramKeys, SecretBytes};

/// What has to happen next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Send this to the client and give its response to [`Acceptor::respond`].
    Challenge(Vec<u8>),
    /// Is this the user's password? Answer by [`Acceptor::verified`].
    Verify {
        /// Who it says it is; UTF-8, never empty.
        user: String,
        /// What it says to prove it.
        password: SecretBytes,
    },
    /// Which keys has this user? Answer by [`Acceptor::keys`]; for an unknown user with
    /// made-up ones, always the same.
    Keys {
        /// Who it says it is.
        user: String,
    },
    /// The user has proven who it is.
    Accepted {
        /// Who it is.
        user: String,
    },
    /// The proof was wrong: 535.
    Rejected {
        /// Who it said it was.
        user: String,
    },
    /// The response breaks the rules of the mechanism: 501.
    Malformed,
}

/// The server's side of one exchange.
#[derive(Debug)]
pub struct Acceptor {
    mechanism: Mechanism,
    nonce: String,
}

impl Acceptor {
    /// `None` for mechanisms that need somebody else's tokens. `nonce`: printable ASCII
    /// without commas, never used before.
    pub fn new(mechanism: Mechanism, nonce: String) -> Option<Self> {
        let known =
            matches!(mechanism, Mechanism::Plain | Mechanism::Login | Mechanism::ScramSha256);
        known.then_some(Self { mechanism, nonce })
    }

    /// Begins, with the initial response if there was one.
    pub fn start(&mut self, initial: Option<&[u8]>) -> Turn {
        let _ = (self.mechanism, &self.nonce, initial);
        Turn::Malformed
    }

    /// The client's answer to a challenge.
    pub fn respond(&mut self, response: &[u8]) -> Turn {
        let _ = response;
        Turn::Malformed
    }

    /// The answer to [`Turn::Verify`].
    pub fn verified(&mut self, right: bool) -> Turn {
        let _ = (right, Secret::new(()));
        Turn::Malformed
    }

    /// The answer to [`Turn::Keys`]. `known`: the keys are a real user's.
    pub fn keys(&mut self, keys: ScramKeys, known: bool) -> Turn {
        let _ = (keys, known);
        Turn::Malformed
    }
}
