//! How a client goes to a server: with TLS or without, with a login or without.

use std::net::SocketAddr;
use std::path::PathBuf;

/// When TLS begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tls {
    /// Never.
    Off,
    /// After STARTTLS, without which nothing is sent.
    StartTls,
    /// At once.
    Implicit,
}

/// The way to a server.
#[derive(Debug, Clone)]
pub struct Way {
    /// Where it listens.
    pub server: SocketAddr,
    /// When TLS begins.
    pub tls: Tls,
    /// The one authority that is trusted. PEM.
    pub ca: Option<PathBuf>,
    /// Mechanism, user and password.
    pub login: Option<Login>,
}

/// A login.
#[derive(Debug, Clone)]
pub struct Login {
    /// As it is registered: `SCRAM-SHA-256`.
    pub mechanism: &'static str,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

impl Way {
    /// In the clear, as anybody.
    pub fn plain(server: SocketAddr) -> Self {
        Self { server, tls: Tls::Off, ca: None, login: None }
    }

    /// What the scripts in `programs/` are told.
    pub(crate) fn for_scripts(&self) -> String {
        let login = self.login.as_ref().map(|login| {
            serde_json::json!({
                "mechanism": login.mechanism, "user": login.user, "password": login.password,
            })
        });
        let tls = match self.tls {
            Tls::Off => "off",
            Tls::StartTls => "starttls",
            Tls::Implicit => "implicit",
        };
        serde_json::json!({ "tls": tls, "ca": self.ca, "login": login }).to_string()
    }
}
