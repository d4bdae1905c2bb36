//! Finding evidence again by the reference a person was given.
//!
//! A reference names a decision or a transaction; for a transaction everything that belongs to
//! it is found. The file is read from its beginning, lines that do not hold the text at all are
//! passed over unread, and lines that are not whole are passed over.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use memchr::memmem;
use serde_json::Value;

use crate::error::EvidenceError;
use crate::lines::{Lines, records};
use crate::reference::ReferencePrefix;

const BUFFER: usize = 256 * 1024;
/// Different references that are counted before the search is given up.
const COUNT_MAX: usize = 1000;

/// The records of the one decision or transaction whose reference begins so, in the order they
/// were written; empty when there is none.
///
/// # Errors
/// When several references begin so, or the file cannot be read.
pub fn search(path: &Path, prefix: &ReferencePrefix) -> Result<Vec<Value>, EvidenceError> {
    let mut lines = Lines::new(
        BufReader::with_capacity(
            BUFFER,
            File::open(path).map_err(|e| EvidenceError::file(path, e))?,
        ),
        0,
    );
    let quoted = format!("\"{}", prefix.as_str());
    let quoted = memmem::Finder::new(&quoted);
    let mut found = Vec::new();
    let mut names = BTreeSet::new();
    while let Some(line) = lines.next().map_err(|e| EvidenceError::file(path, e))? {
        if quoted.find(line.bytes).is_none() {
            continue;
        }
        for record in records(line.bytes) {
            let Ok(record) = serde_json::from_slice::<Value>(record) else { continue };
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
    }
    match names.len() {
        0 | 1 => Ok(found),
        count => Err(ambiguous(prefix, count, false)),
    }
}

fn ambiguous(prefix: &ReferencePrefix, count: usize, more: bool) -> EvidenceError {
    EvidenceError::Ambiguous { prefix: prefix.as_str().to_owned(), count, more }
}

#[cfg(test)]
mod tests;
