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
    /// What became of the message.
    pub transaction: Vec<Value>,
    /// The ledger's entry behind a single decision, once somebody has looked it up.
    pub entry: Option<EntryLine>,
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

    /// The verdict of the single decision.
    pub fn verdict(&self) -> Option<&str> {
        match self.decisions.as_slice() {
            [decision] => text(decision, "verdict"),
            _ => None,
        }
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
        let (decisions, transaction) = found.into_iter().partition(is_decision);
        return Ok(Decided { decisions, transaction, entry: None });
    };
    let mut transaction = Vec::new();
    if let Some(Ok(whole)) = text(decision, "transaction").map(str::parse::<ReferencePrefix>) {
        transaction = look(path, &whole)?;
        transaction.retain(|record| !is_decision(record));
    }
    Ok(Decided { decisions: vec![decision.clone()], transaction, entry: None })
}

fn look(path: &Path, prefix: &ReferencePrefix) -> Result<Vec<Value>, AppError> {
    search(path, prefix).map_err(evidence::told)
}

fn is_decision(record: &Value) -> bool {
    text(record, "record") == Some("decision")
}

fn text<'a>(record: &'a Value, key: &str) -> Option<&'a str> {
    record.get(key).and_then(Value::as_str)
}
