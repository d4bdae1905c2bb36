//! What `relay-test` is told.

use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RelayTestOptions {
    /// The server: a name or an address.
    pub host: String,
    /// Its port; none: 25, or 465 with implicit TLS.
    pub port: Option<u16>,
    /// The outside domain that mail would be relayed to.
    pub to: String,
    /// The outside domain that mail would be from.
    pub from: String,
    /// The name in EHLO; none: our own address as a literal (RFC 5321 s4.1.1.1).
    pub helo: Option<String>,
    /// When TLS begins.
    pub tls: RelayTestTls,
    /// How long one reply may take.
    pub timeout: Duration,
}

/// When TLS begins. The certificate is not looked at: nothing that is sent is secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RelayTestTls {
    /// At once on port 465; after STARTTLS where the server insists on it, and once more for two
    /// transactions where it is offered.
    #[default]
    Auto,
    /// Never.
    Off,
    /// After STARTTLS, for all forms.
    StartTls,
    /// At once.
    Implicit,
}
