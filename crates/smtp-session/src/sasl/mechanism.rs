//! The mechanisms that are known by name.

use std::fmt;
use std::str::FromStr;

/// A mechanism that optgate can carry out by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// RFC 7677.
    ScramSha256,
    /// RFC 4616.
    Plain,
    /// No RFC: user name and password, each asked for.
    Login,
    /// RFC 7628; towards a smarthost only.
    OauthBearer,
    /// Google's and Microsoft's form of it; towards a smarthost only.
    XOauth2,
}

impl Mechanism {
    /// Its name in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::OauthBearer => "OAUTHBEARER",
            Self::XOauth2 => "XOAUTH2",
        }
    }

    /// Whether a listener in the middle could read the secret.
    pub fn is_plaintext(self) -> bool {
        !matches!(self, Self::ScramSha256)
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name is of no mechanism known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownMechanism;

impl FromStr for Mechanism {
    type Err = UnknownMechanism;

    fn from_str(name: &str) -> Result<Self, UnknownMechanism> {
        const ALL: [Mechanism; 5] = [
            Mechanism::ScramSha256,
            Mechanism::Plain,
            Mechanism::Login,
            Mechanism::OauthBearer,
            Mechanism::XOauth2,
        ];
        ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name)).ok_or(UnknownMechanism)
    }
}
