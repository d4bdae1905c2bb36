//! What a gate, a milter or a signer had to say about a whole message.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::Serialize;
use suppression::Timestamp;

use super::{ReplyText, Verdict};
use crate::json::{maybe_name, maybe_text, text};
use crate::reference::Reference;

/// Something was found in a message, or done to it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// When.
    pub time: Timestamp,
    /// The session.
    pub session: Arc<str>,
    /// The client's address.
    pub client: IpAddr,
    /// The user that was logged in: its name, where recipients are in plain as well, else its
    /// keyed hash in 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_name")]
    pub login: Option<Arc<str>>,
    /// Where the client came in, as configured.
    pub listener: SocketAddr,
    /// The transaction; the client reads it in a refusal.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// The stream the message is on, where that was known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Arc<str>>,
    /// The message's own Message-ID.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub message_id: Option<String>,
    /// Who found it: `gate NAME`, `milter NAME`, `dkim DOMAIN`, `solicitation`, `duplicate`.
    pub gate: Arc<str>,
    /// What was done about the message; one that is only watched, or was changed, goes on.
    pub verdict: Verdict,
    /// What was found.
    #[serde(serialize_with = "text")]
    pub reason: String,
    /// The reply the client gets for it, where it ends the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyText>,
}
