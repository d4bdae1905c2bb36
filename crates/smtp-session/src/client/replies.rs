//! What a lost smarthost connection means to our own client.
//!
//! None of it is the client's fault and all of it may pass: always 451, never a
//! 5yz, and no word of the smarthost's that it did not mean for the client.

use std::fmt;

use smtp_wire::{Enhanced, Reply};

use super::Lost;

impl Lost {
    /// The reply for every command that still waits for the smarthost.
    pub fn reply(&self) -> Reply {
        let (subject, detail, text) = match self {
            Self::Closed => (4, 2, "connection to the smarthost lost"),
            Self::Shutdown(_) => (4, 2, "the smarthost is closing down"),
            Self::Timeout => (4, 2, "the smarthost does not answer"),
            Self::Nonsense(_) => (4, 2, "the smarthost broke the protocol"),
            Self::Rejected(_) => (4, 1, "the smarthost turns us away"),
            Self::NoTls(_) => (7, 10, "the smarthost cannot be reached securely"),
            Self::ClientRefused(_) => (7, 1, "the smarthost turns this client away"),
            Self::LoginRefused(_) | Self::NoLogin(_) => (7, 0, "the smarthost does not let us in"),
        };
        Reply::new(451, Enhanced::new(4, subject, detail), format!("{text}; try again later"))
    }
}

/// For a log: without a word of the smarthost's, which may name a recipient.
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::Shutdown(_) => f.write_str("it said 421"),
            Self::Timeout => f.write_str("silent for too long"),
            Self::Nonsense(what) => write!(f, "not SMTP: {what}"),
            Self::Rejected(reply) => write!(f, "turned us away with {}", reply.code),
            Self::NoTls(why) => write!(f, "no TLS: {why}"),
            Self::LoginRefused(reply) => write!(f, "refused the login with {}", reply.code),
            Self::ClientRefused(reply) => write!(f, "turned the client away with {}", reply.code),
            Self::NoLogin(why) => write!(f, "no login: {why}"),
        }
    }
}

/// All of them with the event that brings them, for `docs/replies.md`.
pub fn all() -> Vec<(&'static str, Reply)> {
    let word = || Reply::plain(421, "");
    vec![
        ("the smarthost closed the connection", Lost::Closed.reply()),
        ("the smarthost said 421", Lost::Shutdown(word()).reply()),
        ("the smarthost was silent for too long", Lost::Timeout.reply()),
        ("the smarthost sent what is no reply", Lost::Nonsense("").reply()),
        ("the smarthost refused us at its greeting", Lost::Rejected(word()).reply()),
        ("TLS to the smarthost is required and cannot be had", Lost::NoTls("").reply()),
        (
            "the smarthost refused the client of whom it was told",
            Lost::ClientRefused(word()).reply(),
        ),
        ("the smarthost refused our login", Lost::LoginRefused(word()).reply()),
    ]
}
