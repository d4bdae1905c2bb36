//! What is written down: one JSON line per recipient decision and per transaction.
//!
//! A decision is made for each recipient; a transaction whose data arrived leaves an
//! intent (before our dot goes upstream) and an outcome (after). An intent without an
//! outcome means that the gate ended in between: nobody knows what became of the
//! message. Every record names its session and its transaction, so that one search
//! tells the whole story.
//!
//! Every record begins with the field `record`, by which [`lines`](crate::lines) finds it
//! again behind a line that was torn.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;
use suppression::{Day, Digest, Timestamp};

use crate::json::{self, maybe_text, text};
use crate::reference::Reference;

/// What was decided for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Offered to the smarthost; its reply says what became of it.
    Permit,
    /// 5yz, never shown to the smarthost.
    Refuse,
    /// 4yz, never shown to the smarthost.
    Defer,
    /// 250, never shown to the smarthost.
    Drop,
    /// Suppressed, yet offered to the smarthost: the listener only watches.
    Shadow,
}

/// How a transaction ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The smarthost said 2yz, and the client was told.
    Accepted,
    /// 5yz.
    Refused,
    /// 4yz: nothing was delivered, the client still has the message.
    Deferred,
    /// Nobody was left to send to (action `drop`).
    Dropped,
    /// The client broke off before its dot.
    Abandoned,
    /// Our dot went out, and it is not known whether the smarthost took the message,
    /// or the client could not be told that it did.
    Unknown,
}

/// A reply, as the client got it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyText {
    /// The three digits.
    pub code: u16,
    /// The text with its enhanced code, lines separated by `\n`.
    #[serde(serialize_with = "text")]
    pub text: String,
}

/// A recipient was judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decision {
    /// When.
    pub time: Timestamp,
    /// The session.
    pub session: Arc<str>,
    /// The client's address.
    pub client: IpAddr,
    /// Names this decision; the client was told, if it was refused.
    #[serde(rename = "ref")]
    pub reference: Reference,
    /// The transaction; also the id in its Received field.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// The keyed hash of the recipient (exact key); absent for `<postmaster>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recipient: Option<Digest>,
    /// The recipient in plain, where the setting asks for it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub recipient_plain: Option<String>,
    /// What was decided.
    pub verdict: Verdict,
    /// Which gate spoke.
    pub gate: &'static str,
    /// The gate's words.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub reason: Option<String>,
    /// The list that holds the entry.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub list: Option<String>,
    /// Since when the entry holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// The entry's row of the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
    /// The state of the index that answered.
    pub epoch: u64,
    /// The reply the client got for this recipient.
    pub reply: ReplyText,
}

/// The final dot is about to go upstream.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intent {
    /// When.
    pub time: Timestamp,
    /// The session.
    pub session: Arc<str>,
    /// The client's address.
    pub client: IpAddr,
    /// The transaction.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// Recipients the smarthost took.
    pub recipients: usize,
    /// The message's own Message-ID.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub message_id: Option<String>,
    /// Octets of content as the client sent it, dots removed.
    pub bytes: u64,
}

/// How a transaction with mail data ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outcome {
    /// When.
    pub time: Timestamp,
    /// The session.
    pub session: Arc<str>,
    /// The client's address.
    pub client: IpAddr,
    /// The transaction.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// Recipients the smarthost took.
    pub recipients: usize,
    /// Recipients answered 250 and not forwarded.
    pub dropped: usize,
    /// The message's own Message-ID.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub message_id: Option<String>,
    /// Octets of content as the client sent it, dots removed.
    pub bytes: u64,
    /// From MAIL to the end.
    pub duration_ms: u64,
    /// How it ended.
    pub ending: Ending,
    /// Why, in one word, where it is not the smarthost's reply to the dot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The reply the client got, or would have got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<ReplyText>,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record<'a> {
    /// See [`Decision`].
    Decision(&'a Decision),
    /// See [`Intent`].
    Intent(&'a Intent),
    /// See [`Outcome`].
    Outcome(&'a Outcome),
}

impl Record<'_> {
    /// Appends the record as one line, line end included.
    ///
    /// # Errors
    ///
    /// Only if a value cannot be written as JSON, which none of these can be.
    pub fn write_line(&self, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        json::append(self, line)?;
        line.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod tests;
