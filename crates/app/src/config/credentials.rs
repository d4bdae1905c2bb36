//! Forms of what the gate proves itself to a smarthost with, and what they mean.

use std::path::PathBuf;

use smtp_session::sasl::Mechanism;
use sources::Password;
use url::{Host, Url};

use super::fault::Fault;
use super::form::{Form, Given, quoted};

/// How the gate logs in to a smarthost.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// As whom.
    pub user: String,
    /// By what.
    pub secret: LoginSecret,
    /// By this mechanism; none: the best that there is.
    pub mechanism: Option<Mechanism>,
    /// The secret may be shown without TLS.
    pub without_tls: bool,
}

/// What proves who the gate is.
#[derive(Clone, Debug)]
pub enum LoginSecret {
    /// A password.
    Password(Password),
    /// An OAuth 2.0 access token.
    Token(TokenPlace),
}

/// Where access tokens come from.
#[derive(Clone, Debug)]
pub enum TokenPlace {
    /// The first line of a file that somebody else keeps fresh.
    File(PathBuf),
    /// What a program prints.
    Command(Vec<String>),
    /// A server that gives them to whoever knows a secret (RFC 6749 s4.4).
    Grant(TokenGrant),
}

/// The client credentials grant.
#[derive(Clone, Debug)]
pub struct TokenGrant {
    /// The token endpoint.
    pub url: String,
    /// Who asks.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Password,
    /// What the token is for, where the server wants to know.
    pub scope: Option<String>,
}

/// A user at a smarthost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoginName(pub(crate) String);

impl Form for LoginName {
    const NAME: &'static str = "a user";
    const EXAMPLE: &'static str = "\"optgate@corp.example\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if text.is_empty() || text.chars().any(char::is_control) {
            faults.push(given.wrong::<Self>("it is empty, or has control characters"));
            return None;
        }
        Some(Self(text.to_owned()))
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A mechanism by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MechanismName(pub(crate) Mechanism);

impl Form for MechanismName {
    const NAME: &'static str = "a mechanism";
    const EXAMPLE: &'static str = "\"SCRAM-SHA-256\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let Ok(mechanism) = text.parse() else {
            faults.push(
                Fault::at(given.span.clone(), format!("the gate cannot log in by \"{text}\""))
                    .help("one of PLAIN, LOGIN, SCRAM-SHA-256, XOAUTH2, OAUTHBEARER"),
            );
            return None;
        };
        Some(Self(mechanism))
    }
    fn show(&self) -> String {
        quoted(self.0.name())
    }
}

/// Where tokens are given out. What is asked there is a secret, and so is the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenUrl(pub(crate) Url);

impl Form for TokenUrl {
    const NAME: &'static str = "the URL of a token endpoint";
    const EXAMPLE: &'static str = "\"https://login.corp.example/oauth2/token\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let Ok(url) = Url::parse(text) else {
            faults.push(given.wrong::<Self>("it begins with https://"));
            return None;
        };
        if !url.username().is_empty() || url.password().is_some() {
            faults.push(
                Fault::at(given.span.clone(), "a password does not stand in a URL")
                    .secret(given.span.clone())
                    .help("it is client_id, and client_secret_file or client_secret_env"),
            );
            return None;
        }
        match url.scheme() {
            "https" => Some(Self(url)),
            "http" if is_loopback(&url) => Some(Self(url)),
            _ => {
                faults.push(given.wrong::<Self>("it begins with https://"));
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(self.0.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}
