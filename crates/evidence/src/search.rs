//! Finding evidence again: by the reference a person was given, or by what is asked about a
//! recipient, a message or a client.
//!
//! All files are read from the oldest that can hold an answer. Lines that do not hold the
//! text at all are passed over unread, and so are lines that are not whole. A first reading
//! finds the transactions, a second one all that belongs to them; what is kept meanwhile has
//! a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;

use memchr::memmem::Finder;
use serde_json::Value;
use suppression::Timestamp;

use crate::error::EvidenceError;
use crate::json;
use crate::lines::transaction;
use crate::records::{Found, Records};
use crate::reference::ReferencePrefix;
use crate::seen::Seen;

/// Different references that are counted before the search is given up.
const COUNT_MAX: usize = 1000;
/// Bytes of records that an answer may have.
pub(crate) const ANSWER_MAX: usize = 64 << 20;

/// The records of the one decision or transaction whose reference begins so, in the order they
/// were written; empty when there is none.
///
/// # Errors
/// When several references begin so, or the files cannot be read.
pub fn search(path: &Path, prefix: &ReferencePrefix) -> Result<Vec<Value>, EvidenceError> {
    let mut records = Records::open(path)?.in_files_since(earliest(prefix));
    let quoted = format!("\"{}", prefix.as_str());
    let quoted = Finder::new(&quoted);
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    while let Some(record) = records.next()? {
        if quoted.find(record.json).is_none() {
            continue;
        }
        let Some(record) = record.value() else { continue };
        let before = names.len();
        let fields = ["ref", "transaction"].into_iter().filter_map(|name| record.get(name));
        let matching = fields.filter_map(Value::as_str).filter(|name| prefix.matches(name));
        let mut matches = false;
        for name in matching {
            matches = true;
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
        if names.len() > 1 && before <= 1 {
            found = Vec::new();
        }
        if matches && names.len() == 1 {
            found.push(record);
        }
        if names.len() > COUNT_MAX {
            return Err(ambiguous(prefix, COUNT_MAX, true));
        }
    }
    match names.len() {
        0 | 1 => Ok(found),
        count => Err(ambiguous(prefix, count, false)),
    }
}

/// A reference begins with the time it was made, and no record is older than what it names.
fn earliest(prefix: &ReferencePrefix) -> Option<Timestamp> {
    let millis = prefix.earliest_millis();
    Timestamp::from_micros(i64::try_from(millis).ok()?.checked_mul(1000)?).ok()
}

fn ambiguous(prefix: &ReferencePrefix, count: usize, more: bool) -> EvidenceError {
    EvidenceError::Ambiguous { prefix: prefix.as_str().to_owned(), count, more }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// Decisions about a recipient: the beginnings of its keyed hashes, exact or person, under
    /// every key there is, as 32 hexadecimal digits.
    Recipient(Vec<String>),
    /// A message by its Message-ID, with or without its angle brackets.
    MessageId(String),
    /// Everything a client has sent.
    Client(IpAddr),
    /// One transaction, by its whole reference.
    Transaction(String),
}

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// What is asked for.
    pub sought: Sought,
    /// Only what was written then or later.
    pub since: Option<Timestamp>,
    /// Only what was written before then.
    pub until: Option<Timestamp>,
    /// How many messages: the latest.
    pub limit: usize,
}

/// The messages that were found, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Messages {
    /// Each with its records.
    pub messages: Vec<Message>,
    /// There are older ones, which the limit has left out.
    pub more: bool,
}

/// What belongs to one transaction: of its decisions those that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The reference of the transaction.
    pub transaction: String,
    /// Its records, as they were written, in their order.
    pub records: Vec<String>,
}

impl Message {
    /// Its records, read.
    pub fn seen(&self) -> impl Iterator<Item = Seen<'_>> {
        self.records.iter().filter_map(|record| serde_json::from_str(record).ok())
    }
}

/// Finds messages.
///
/// # Errors
/// When the files cannot be read, or the answer is too large to be kept.
pub fn find(path: &Path, query: &Query) -> Result<Messages, EvidenceError> {
    let hunt = Hunt::new(&query.sought);
    let mut names = BTreeSet::new();
    let mut more = false;
    let mut records = Records::open(path)?.since(query.since).until(query.until);
    while let Some(record) = records.next()? {
        if hunt.is_it(record)
            && let Some(name) = transaction(record.json)
            && !names.contains(name)
        {
            names.insert(name.to_owned());
            if names.len() > query.limit {
                // Names begin with their time.
                names.pop_first();
                more = true;
            }
        }
    }
    let messages = gather(path, &hunt, names)?;
    Ok(Messages { messages, more })
}

/// Everything that belongs to these transactions.
fn gather(
    path: &Path,
    hunt: &Hunt<'_>,
    names: BTreeSet<String>,
) -> Result<Vec<Message>, EvidenceError> {
    let Some(first) = names.first().and_then(|name| name.parse().ok()) else {
        return Ok(Vec::new());
    };
    let mut found: BTreeMap<String, Vec<String>> =
        names.into_iter().map(|name| (name, Vec::new())).collect();
    let mut kept = 0;
    let mut records = Records::open(path)?.in_files_since(earliest(&first));
    while let Some(record) = records.next()? {
        let Some(message) = transaction(record.json).and_then(|name| found.get_mut(name)) else {
            continue;
        };
        // Who else got the message is not what was asked.
        if hunt.is_about_one() && record.is("decision") && !hunt.is_it(record) {
            continue;
        }
        let Ok(text) = std::str::from_utf8(record.json) else { continue };
        if record.seen().is_some() {
            kept += text.len();
            message.push(text.to_owned());
        }
        if kept > ANSWER_MAX {
            return Err(EvidenceError::TooMuch { megabytes: ANSWER_MAX >> 20 });
        }
    }
    let message = |(transaction, records)| Message { transaction, records };
    Ok(found.into_iter().map(message).collect())
}

/// A question, made ready for many records.
struct Hunt<'a> {
    sought: &'a Sought,
    /// A record that holds none of these is none that is sought.
    texts: Vec<Finder<'static>>,
}

impl<'a> Hunt<'a> {
    fn new(sought: &'a Sought) -> Self {
        let texts = match sought {
            Sought::Recipient(digests) => digests.iter().map(|d| format!(":\"{d}")).collect(),
            Sought::MessageId(id) => ids(id).iter().map(|id| quoted(id)).collect(),
            Sought::Client(client) => vec![format!("\"client\":\"{client}\"")],
            Sought::Transaction(name) => vec![format!("\"transaction\":\"{name}\"")],
        };
        let texts = texts.iter().map(|text| Finder::new(text).into_owned()).collect();
        Self { sought, texts }
    }

    /// Only the decisions that match are of interest.
    fn is_about_one(&self) -> bool {
        matches!(self.sought, Sought::Recipient(_))
    }

    fn is_it(&self, record: Found<'_>) -> bool {
        if !self.texts.iter().any(|text| text.find(record.json).is_some()) {
            return false;
        }
        let Some(seen) = record.seen() else { return false };
        let is = |field: &Option<crate::seen::Text<'_>>, wanted: &dyn Fn(&str) -> bool| {
            field.as_ref().is_some_and(|text| wanted(text.as_str()))
        };
        match self.sought {
            Sought::Recipient(digests) => {
                // Older records have the whole hash.
                let begins = |text: &str| digests.iter().any(|digest| text.starts_with(digest));
                is(&seen.recipient, &begins) || is(&seen.person, &begins)
            }
            Sought::MessageId(id) => {
                is(&seen.message_id, &|text: &str| ids(id).iter().any(|id| id == text))
            }
            Sought::Client(client) => seen.client == Some(*client),
            Sought::Transaction(name) => is(&seen.transaction, &|text: &str| text == name),
        }
    }
}

/// The forms in which a Message-ID may have been meant.
fn ids(id: &str) -> [String; 2] {
    let id = id.trim();
    [id.to_owned(), format!("<{id}>")]
}

/// A text as it stands in a record.
fn quoted(text: &str) -> String {
    let mut line = Vec::new();
    // A text that cannot be written was never written.
    let _ = json::append(&json::Cut(text), &mut line);
    String::from_utf8(line).unwrap_or_default()
}

#[cfg(test)]
mod tests;
