//! A message as it was captured.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

/// A message with its envelope, complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) helo: String,
    pub(super) from: String,
    pub(super) from_params: String,
    pub(super) recipients: Vec<CapturedRecipient>,
    pub(super) content: Vec<u8>,
}

/// A recipient as it was offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CapturedRecipient {
    /// The forward-path, brackets included.
    pub to: String,
    /// Its parameters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub params: String,
}

/// One message that was captured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Captured {
    /// Counted from 1.
    pub number: u64,
    /// Milliseconds since the Unix epoch.
    pub at: u64,
    /// Who connected.
    pub peer: SocketAddr,
    /// The name the peer gave.
    pub helo: String,
    /// The reverse-path, brackets included.
    pub from: String,
    /// The parameters of MAIL.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from_params: String,
    /// The recipients in their order.
    pub recipients: Vec<CapturedRecipient>,
    /// Bytes of the content.
    pub bytes: usize,
    /// The subject, if the header has one.
    pub subject: Option<String>,
    /// The Message-ID, if the header has one.
    pub message_id: Option<String>,
    /// The file it is kept in, if any.
    pub file: Option<PathBuf>,
    /// The content.
    #[serde(skip)]
    pub content: Arc<[u8]>,
}
