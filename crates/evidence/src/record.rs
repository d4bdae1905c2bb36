//! What is written down: one JSON line per recipient decision and per transaction.
//!
//! A decision is made for each recipient, a finding about a message as a whole; a transaction whose data arrived leaves an
//! intent (before our dot goes upstream) and an outcome (after). An intent without an
//! outcome means that the gate ended in between: nobody knows what became of the
//! message. Every record names its session and its transaction, so that one search
//! tells the whole story.
//!
//! Every record begins with the field `record`, by which [`lines`](crate::lines) finds it
//! again behind a line that was torn.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use suppression::{Day, Digest, StreamClass, Timestamp};

use crate::json::{self, maybe_name, maybe_text, text};
use crate::notice::{Notice, NoticeText};
use crate::reference::Reference;

/// The first half of a keyed hash, as 32 hexadecimal digits: enough to find a recipient
/// again, and half as long in each of the records.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShortDigest([u8; 16]);

impl From<&Digest> for ShortDigest {
    fn from(digest: &Digest) -> Self {
        let [first, _] = digest.as_bytes().as_chunks::<16>().0 else { return Self([0; 16]) };
        Self(*first)
    }
}

impl ShortDigest {
    fn digits(self) -> [u8; 32] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?');
        let mut text = [0; 32];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        text
    }
}

impl fmt::Display for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(std::str::from_utf8(&self.digits()).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for ShortDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ShortDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits = self.digits();
        serializer.serialize_str(std::str::from_utf8(&digits).unwrap_or_default())
    }
}

/// The class of a stream, where it is not the one that everything undeclared has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Declared to be what a person asked for or must get.
    Transactional,
}

impl Class {
    /// `None` for commercial mail, which is what every record without a class is about.
    pub fn of(class: StreamClass) -> Option<Self> {
        match class {
            StreamClass::Commercial => None,
            StreamClass::Transactional => Some(Self::Transactional),
        }
    }
}

/// What was decided for a recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Offered to the smarthost; its reply says what became of it.
    Permit,
    /// Offered to the smarthost, but the header decides before DATA: not all of the
    /// streams still possible permit it. Should the one decided not, another decision
    /// about the same recipient follows.
    Provisional,
    /// 5yz; never shown to the smarthost, or behind a provisional one: no data followed.
    Refuse,
    /// 4yz; likewise.
    Defer,
    /// 250; likewise.
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
    /// The user that was logged in: its name, where recipients are in plain as well, else its
    /// keyed hash in 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_name")]
    pub login: Option<Arc<str>>,
    /// The client's TLS: protocol and cipher suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Arc<str>>,
    /// Where the client came in, as configured.
    pub listener: SocketAddr,
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
    pub recipient: Option<ShortDigest>,
    /// The keyed hash of the person behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<ShortDigest>,
    /// The recipient in plain, where the setting asks for it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub recipient_plain: Option<String>,
    /// The stream the message is on, once that is decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Arc<str>>,
    /// Until then: the streams it may be on, in the order of their rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<Arc<str>>,
    /// Those of them that refuse this recipient.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusing: Vec<Arc<str>>,
    /// What was decided.
    pub verdict: Verdict,
    /// Which gate spoke.
    pub gate: Cow<'static, str>,
    /// The gate's words.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub reason: Option<String>,
    /// The list that holds the entry.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_text")]
    pub list: Option<String>,
    /// Since when the entry holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Day>,
    /// Permitted because the entry counts only after this day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
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
    /// The user that was logged in: its name, where recipients are in plain as well, else its
    /// keyed hash in 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_name")]
    pub login: Option<Arc<str>>,
    /// The client's TLS: protocol and cipher suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Arc<str>>,
    /// The transaction.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// The stream the message is on; absent if that was not decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Arc<str>>,
    /// Its class; absent: commercial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
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
    /// The user that was logged in: its name, where recipients are in plain as well, else its
    /// keyed hash in 32 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "maybe_name")]
    pub login: Option<Arc<str>>,
    /// The client's TLS: protocol and cipher suite.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Arc<str>>,
    /// The transaction.
    pub transaction: Reference,
    /// The sender's domain; absent for `<>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reverse_path_domain: Option<Arc<str>>,
    /// The stream the message is on; absent if that was not decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<Arc<str>>,
    /// Its class; absent: commercial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
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
    /// See [`Finding`].
    Finding(&'a Finding),
    /// See [`Notice`].
    Notice(&'a Notice),
    /// See [`NoticeText`].
    NoticeText(&'a NoticeText),
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
