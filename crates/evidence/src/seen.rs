//! A record, as it is read back: every field any kind of record has ever had, borrowed from
//! the line where it can be. Fields that are not known are passed over, so that a report goes
//! on working when records learn to say more, and on what older gates have written.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use suppression::{Day, Timestamp};

/// What is written down, see `docs/evidence.md`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct Seen<'a> {
    /// The kind: `decision`, `finding`, `intent`, `outcome`, `notice` or `notice-text`.
    #[serde(borrow)]
    pub record: Text<'a>,
    /// When.
    pub time: Timestamp,
    /// The session.
    #[serde(borrow, default)]
    pub session: Option<Text<'a>>,
    /// The client's address.
    pub client: Option<IpAddr>,
    /// The listener it came to.
    #[serde(borrow, default)]
    pub listener: Option<Text<'a>>,
    /// Who the client said it was.
    #[serde(borrow, default)]
    pub login: Option<Text<'a>>,
    /// The client's TLS: protocol and cipher suite.
    #[serde(borrow, default)]
    pub tls: Option<Text<'a>>,
    /// Of a decision: its name.
    #[serde(borrow, default, rename = "ref")]
    pub reference: Option<Text<'a>>,
    /// The transaction.
    #[serde(borrow, default)]
    pub transaction: Option<Text<'a>>,
    /// The sender's domain.
    #[serde(borrow, default)]
    pub reverse_path_domain: Option<Text<'a>>,
    /// Of a decision: the recipient's exact key, 32 hexadecimal digits of it, or all 64.
    #[serde(borrow, default)]
    pub recipient: Option<Text<'a>>,
    /// Of a decision: the recipient's person key, 32 hexadecimal digits.
    #[serde(borrow, default)]
    pub person: Option<Text<'a>>,
    /// Of a decision: the recipient, where the setting asks for it.
    #[serde(borrow, default)]
    pub recipient_plain: Option<Text<'a>>,
    /// The stream.
    #[serde(borrow, default)]
    pub stream: Option<Text<'a>>,
    /// Of a decision: the streams still possible.
    #[serde(borrow, default)]
    pub streams: Vec<Text<'a>>,
    /// Of a decision: those of them that refuse.
    #[serde(borrow, default)]
    pub refusing: Vec<Text<'a>>,
    /// The stream's class, where it is not commercial.
    #[serde(borrow, default)]
    pub class: Option<Text<'a>>,
    /// Of a decision or a finding: `permit`, `refuse`, `defer`, `drop`, `shadow` or
    /// `provisional`.
    #[serde(borrow, default)]
    pub verdict: Option<Text<'a>>,
    /// Of a decision or a finding: which gate spoke.
    #[serde(borrow, default)]
    pub gate: Option<Text<'a>>,
    /// Of a decision or a finding: the gate's words.
    #[serde(borrow, default)]
    pub reason: Option<Text<'a>>,
    /// Of a decision: the list that holds the entry.
    #[serde(borrow, default)]
    pub list: Option<Text<'a>>,
    /// Of a decision: since when the entry holds.
    pub since: Option<Day>,
    /// Of a decision: the day from which it is enforced.
    pub until: Option<Day>,
    /// Of a decision: the entry's row of the ledger.
    pub entry: Option<u64>,
    /// Of a decision: the state of the index that answered.
    pub epoch: Option<u64>,
    /// Recipients the smarthost took.
    pub recipients: Option<u64>,
    /// Of an outcome: recipients answered 250 and not forwarded.
    pub dropped: Option<u64>,
    /// The message's own Message-ID.
    #[serde(borrow, default)]
    pub message_id: Option<Text<'a>>,
    /// Octets of content.
    pub bytes: Option<u64>,
    /// Of an outcome: from MAIL to the end.
    pub duration_ms: Option<u64>,
    /// Of an outcome: `accepted`, `refused`, `deferred`, `dropped`, `abandoned` or `unknown`.
    #[serde(borrow, default)]
    pub ending: Option<Text<'a>>,
    /// Of an outcome: why, in one word.
    #[serde(borrow, default)]
    pub why: Option<Text<'a>>,
    /// The reply the client got.
    #[serde(borrow, default)]
    pub reply: Option<SeenReply<'a>>,
    /// Of a notice and its text: the hash of the greeting, 64 hexadecimal digits.
    #[serde(borrow, default)]
    pub greeting: Option<Text<'a>>,
    /// Of a notice and its text: the version of the text.
    #[serde(borrow, default)]
    pub version: Option<Text<'a>>,
    /// Of a notice's text: the whole greeting.
    #[serde(borrow, default)]
    pub text: Option<Text<'a>>,
}

/// A reply.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
pub struct SeenReply<'a> {
    /// The three digits.
    pub code: u16,
    /// The text with its enhanced code.
    #[serde(borrow)]
    pub text: Text<'a>,
}

/// A text, borrowed from the line it was read from unless an escape stood in it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(pub Cow<'a, str>);

impl Text<'_> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowing;
        impl<'de> Visitor<'de> for Borrowing {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Borrowing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::record::tests::{decision, line, outcome};
    use crate::reference::Reference;

    #[test]
    fn what_was_written_is_read_back_without_a_copy() {
        let (reference, transaction) = (Reference::new(5, 1), Reference::new(4, 2));
        let line = line(&Record::Decision(&decision(reference, transaction)));
        let seen: Seen<'_> = serde_json::from_slice(&line).unwrap();
        assert_eq!(seen.record, "decision");
        assert_eq!(seen.reference.unwrap(), reference.as_str());
        assert_eq!(seen.transaction.unwrap(), transaction.as_str());
        assert_eq!(seen.verdict.unwrap(), "refuse");
        assert_eq!(seen.since.unwrap().to_string(), "2026-03-02");
        assert_eq!(seen.entry, Some(7));
        assert!(matches!(seen.reply.unwrap().text.0, Cow::Borrowed("5.7.1 opted out")));
        assert_eq!(seen.message_id, None);
    }

    #[test]
    fn an_escape_costs_a_copy_and_unknown_fields_nothing() {
        let mut outcome = outcome(Reference::new(4, 2));
        outcome.message_id = Some("<\"a\"@b>".into());
        let mut line = line(&Record::Outcome(&outcome));
        line.splice(line.len() - 2.., *b",\"later\":[{\"x\":null}]}\n");
        let seen: Seen<'_> = serde_json::from_slice(&line).unwrap();
        assert_eq!(seen.message_id.unwrap(), "<\"a\"@b>");
        assert_eq!(seen.ending.unwrap(), "accepted");
    }
}
