//! The client's side of an exchange.

use observe::Secret;

use super::Mechanism;

/// What optgate proves itself to a smarthost with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credentials {
    /// PLAIN, LOGIN, SCRAM-SHA-256.
    Password {
        /// The user.
        user: String,
        /// Its password.
        password: Secret<String>,
    },
    /// OAUTHBEARER, XOAUTH2.
    Token {
        /// The mailbox or account the token is for.
        user: String,
        /// An access token that is valid now.
        token: Secret<String>,
    },
}

/// The client's side of one exchange.
#[derive(Debug)]
pub struct Initiator {
    mechanism: Mechanism,
    credentials: Credentials,
    nonce: String,
}

impl Initiator {
    /// The best of the mechanisms that `offered` (upper-case names) and the credentials have in
    /// common; `only` restricts the choice. `nonce`: printable ASCII without commas.
    pub fn choose(
        offered: &[String],
        only: Option<Mechanism>,
        credentials: Credentials,
        nonce: String,
    ) -> Option<Self> {
        let mechanism = offered.iter().filter_map(|name| name.parse().ok()).min()?;
        let _ = only;
        Some(Self { mechanism, credentials, nonce })
    }

    /// Which one it is.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The initial response, sent along with AUTH; `None` where the server speaks first.
    pub fn initial(&mut self) -> Option<Vec<u8>> {
        let _ = (&self.credentials, &self.nonce);
        None
    }

    /// The response to a challenge; `None` to cancel: the server did not prove that it knows
    /// us, or makes no sense.
    pub fn respond(&mut self, challenge: &[u8]) -> Option<Vec<u8>> {
        let _ = challenge;
        None
    }

    /// 235 came: whether everything that the server had to prove was proven (RFC 5802 s3).
    pub fn is_satisfied(&self) -> bool {
        false
    }
}
