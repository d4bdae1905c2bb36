//! What was decided for a reference: looked up in the evidence.

use std::path::Path;

use ::evidence::{ReferencePrefix, search};
use serde::Serialize;
use serde_json::Value;

use crate::clerk::EntryLine;
use crate::config::Settings;
use crate::error::AppError;
use crate::evidence;

/// What the evidence says about a reference.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Decided {
    /// The decision it names; all of them if it names a transaction.
    pub decisions: Vec<Value>,
    /// What gates and filters found in the message.
    pub findings: Vec<Value>,
    /// What became of the message.
    pub transaction: Vec<Value>,
    /// The ledger's entry behind a single decision, once somebody has looked it up.
    pub entry: Option<EntryLine>,
    /// It names the message, not a decision about a recipient.
    #[serde(skip)]
    pub whole: bool,
}

impl Decided {
    /// The row of the ledger the decision rests on, if there is one decision and it
    /// rests on one.
    pub fn entry_number(&self) -> Option<u64> {
        match self.decisions.as_slice() {
            [decision] => decision.get("entry").and_then(Value::as_u64),
            _ => None,
        }
    }

    /// The verdict that ended the message it names, else that of the single decision.
    pub fn verdict(&self) -> Option<&str> {
        let ended =
            self.findings.iter().filter(|_| self.whole).filter(|f| f.get("reply").is_some());
        if let Some(verdict) = ended.filter_map(|finding| text(finding, "verdict")).next_back() {
            return Some(verdict);
        }
        match self.decisions.as_slice() {
            [decision] => text(decision, "verdict"),
            _ => self.end_of_message(),
        }
    }

    /// How the one message ended that all of this is about.
    fn end_of_message(&self) -> Option<&str> {
        let mut ended = self.transaction.iter().filter_map(|record| text(record, "ending"));
        let ending = ended.next_back().filter(|_| self.whole && self.is_one_message())?;
        Some(match ending {
            "accepted" => "permit",
            "refused" => "refuse",
            "dropped" => "drop",
            _ => "defer",
        })
    }

    /// Whether everything here is about one message.
    pub fn is_one_message(&self) -> bool {
        let all = || self.decisions.iter().chain(&self.findings).chain(&self.transaction);
        let mut messages = all().filter_map(|record| text(record, "transaction"));
        let first = messages.next();
        messages.all(|next| Some(next) == first)
    }
}

/// Looks up a reference or the beginning of one.
///
/// # Errors
/// When it is no reference, several begin so, or the evidence cannot be read.
pub fn find(settings: &Settings, reference: &str) -> Result<Decided, AppError> {
    let prefix = evidence::prefix(reference)?;
    let path = evidence::file(settings)?;
    let found = look(path, &prefix)?;
    let named = found.iter().find(|record| {
        is_decision(record) && text(record, "ref").is_some_and(|name| prefix.matches(name))
    });
    let Some(decision) = named else {
        let (decisions, rest): (_, Vec<_>) = found.into_iter().partition(is_decision);
        let (findings, transaction) = rest.into_iter().partition(is_finding);
        return Ok(Decided { decisions, findings, transaction, entry: None, whole: true });
    };
    let mut transaction = Vec::new();
    if let Some(Ok(whole)) = text(decision, "transaction").map(str::parse::<ReferencePrefix>) {
        transaction = look(path, &whole)?;
        transaction.retain(|record| !is_decision(record));
    }
    let (findings, transaction) = transaction.into_iter().partition(is_finding);
    let decisions = vec![decision.clone()];
    Ok(Decided { decisions, findings, transaction, entry: None, whole: false })
}

fn look(path: &Path, prefix: &ReferencePrefix) -> Result<Vec<Value>, AppError> {
    search(path, prefix).map_err(evidence::told)
}

fn is_decision(record: &Value) -> bool {
    text(record, "record") == Some("decision")
}

fn is_finding(record: &Value) -> bool {
    text(record, "record") == Some("finding")
}

fn text<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    record.get(key).and_then(Value::as_str)
}
