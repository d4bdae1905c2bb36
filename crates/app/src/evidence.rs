//! Questions about the evidence: who was sent what, and was anything of it changed.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use address::Mailbox;
use evidence::{EvidenceError, Head, Query, ReferencePrefix, Sought};
pub use evidence::{Message, Messages, Proof, Seen, SeenReply, Shown, Text, Walk};
use ledger::KeyFile;
use serde_json::Value;
use suppression::{Digest, Timestamp};

use crate::config::{EvidencePath, Settings};
use crate::error::AppError;

/// Digits of a keyed hash that a record has.
const DIGITS: usize = 32;

/// What is asked for, as somebody typed it.
#[derive(Clone, Debug)]
pub enum Question {
    /// Mail to this person.
    Recipient(String),
    /// This message.
    MessageId(String),
    /// The message with this reference, or of the decision with this reference.
    Reference(String),
    /// Everything this client has sent.
    Client(IpAddr),
}

/// Which of it.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// Written then or later.
    pub since: Option<Timestamp>,
    /// Written before then.
    pub until: Option<Timestamp>,
    /// How many messages: the latest.
    pub limit: usize,
}

/// Finds messages with all that was recorded about them.
///
/// # Errors
/// When the question makes no sense, the keys cannot be read, or the evidence cannot.
pub fn find(settings: &Settings, question: &Question, range: Range) -> Result<Messages, AppError> {
    let path = file(settings)?;
    let sought = match question {
        Question::Recipient(address) => Sought::Recipient(digests(settings, address)?),
        Question::MessageId(id) => Sought::MessageId(id.clone()),
        Question::Client(client) => Sought::Client(*client),
        Question::Reference(reference) => match transaction(path, reference)? {
            Some(name) => Sought::Transaction(name),
            None => return Ok(Messages::default()),
        },
    };
    let Range { since, until, limit } = range;
    evidence::find(path, &Query { sought, since, until, limit }).map_err(told)
}

/// Finds the greetings that a client was shown, in this range and in the sessions of these
/// messages.
///
/// # Errors
/// When the evidence cannot be read.
pub fn shown(
    settings: &Settings,
    client: IpAddr,
    range: Range,
    messages: &Messages,
) -> Result<Shown, AppError> {
    let seen = messages.messages.iter().flat_map(Message::seen);
    let sessions: BTreeSet<_> =
        seen.filter_map(|record| record.session).map(|name| name.as_str().to_owned()).collect();
    let Range { since, until, limit } = range;
    let query = evidence::ShownQuery { client, since, until, limit, sessions };
    evidence::shown(file(settings)?, &query).map_err(told)
}

/// Walks over the chain of all files. `head`: one that was kept, to be found on it.
///
/// # Errors
/// When it is no head, or the evidence cannot be read.
pub fn verify(settings: &Settings, head: Option<&str>) -> Result<Walk, AppError> {
    verify_file(file(settings)?, head)
}

/// The same of any file of evidence.
///
/// # Errors
/// As [`verify`].
pub fn verify_file(path: &Path, head: Option<&str>) -> Result<Walk, AppError> {
    let head: Option<Head> = head
        .map(|text| text.parse().map_err(|e: evidence::NotAHead| AppError::Input(e.to_string())))
        .transpose()?;
    evidence::verify(path, head.as_ref()).map_err(told)
}

/// The file of the evidence.
///
/// # Errors
/// When it goes to standard output.
pub(crate) fn file(settings: &Settings) -> Result<&Path, AppError> {
    match &settings.evidence.path {
        EvidencePath::File(path) => Ok(path),
        EvidencePath::Stdout => Err(AppError::Unavailable(
            "the evidence goes to standard output ([evidence] path = \"stdout\"); search where that is kept".to_owned(),
        )),
    }
}

pub(crate) fn told(error: EvidenceError) -> AppError {
    match error {
        EvidenceError::File { path, source } => AppError::io(path, source),
        error @ (EvidenceError::Ambiguous { .. } | EvidenceError::TooMuch { .. }) => {
            AppError::Input(error.to_string())
        }
    }
}

/// The reference, or the beginning of one, that somebody typed.
pub(crate) fn prefix(reference: &str) -> Result<ReferencePrefix, AppError> {
    reference.parse().map_err(|_| {
        AppError::Input(format!(
            "`{reference}` is neither an address nor a reference: those are up to 13 letters and digits, as in `ref 01JD7F3K9Q2M8`"
        ))
    })
}

/// The transaction that a reference names or belongs to.
fn transaction(path: &Path, reference: &str) -> Result<Option<String>, AppError> {
    let found = evidence::search(path, &prefix(reference)?).map_err(told)?;
    let name = found.first().and_then(|record| record.get("transaction"));
    Ok(name.and_then(Value::as_str).map(str::to_owned))
}

/// How the records name a recipient, under every key there is: one that a rekey has replaced
/// is in the older records.
fn digests(settings: &Settings, address: &str) -> Result<Vec<String>, AppError> {
    let mailbox = Mailbox::parse(address.trim()).map_err(|e| AppError::Input(e.to_string()))?;
    let canonical =
        mailbox.canonical(&settings.ledger.person).map_err(|e| AppError::Input(e.to_string()))?;
    let file = KeyFile::load(&settings.ledger.key_file)?;
    let keys = file.hashers().map(|hasher| hasher.keys(&canonical));
    let short = |digest: Digest| digest.to_string().chars().take(DIGITS).collect();
    Ok(keys.flat_map(|keys| [short(keys.exact), short(keys.person)]).collect())
}
