//! What a milter has changed in a message, in words for the record: names of fields, and nothing
//! else of it.

use std::sync::Arc;

use message::Sections;
use policy::{Finding, GateVerdict};

/// Names that one record tells; the rest is counted.
const NAMES_MAX: usize = 20;
/// Octets of a name that are told.
const NAME_MAX: usize = 64;

/// `before`: the message that was changed.
pub(super) fn finding(by: &Arc<str>, changes: &[milter::Change], before: &[u8]) -> Finding {
    let mut found = words(changes);
    let signed = |name: &[u8]| name.eq_ignore_ascii_case(b"DKIM-Signature");
    if Sections::parse(before).fields().any(|field| signed(field.name())) {
        found.push_str("; it carried a DKIM-Signature, which may not verify any more");
    }
    Finding { gate: Arc::clone(by), verdict: GateVerdict::Permit, found, text: None }
}

/// As `message` has them.
pub(super) fn to_message(changes: Vec<milter::Change>) -> Vec<message::Change> {
    use milter::Change;
    let each = changes.into_iter().map(|change| match change {
        Change::AddHeader { name, value } => message::Change::Add { name, value },
        Change::InsertHeader { index, name, value } => {
            message::Change::Insert { index, name, value }
        }
        Change::SetHeader { index, name, value } => message::Change::Set { index, name, value },
        Change::Body(piece) => message::Change::Body(piece),
    });
    each.collect()
}

fn words(changes: &[milter::Change]) -> String {
    use milter::Change;
    let (mut added, mut set, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut body = false;
    for change in changes {
        match change {
            Change::AddHeader { name, .. } | Change::InsertHeader { name, .. } => added.push(name),
            Change::SetHeader { name, value: Some(_), .. } => set.push(name),
            Change::SetHeader { name, value: None, .. } => removed.push(name),
            Change::Body(_) => body = true,
        }
    }
    let mut parts = Vec::new();
    for (what, names) in [("added", added), ("changed", set), ("removed", removed)] {
        if !names.is_empty() {
            parts.push(format!("{what} {}", list(&names)));
        }
    }
    if body {
        parts.push("body replaced".to_owned());
    }
    parts.join("; ")
}

fn list(names: &[&Vec<u8>]) -> String {
    let mut shown: Vec<String> = Vec::new();
    for name in names.iter().take(NAMES_MAX) {
        let name = name.iter().take(NAME_MAX).map(|&byte| match byte {
            b'!'..=b'~' => char::from(byte),
            _ => '?',
        });
        let name: String = name.collect();
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    let rest = names.len().saturating_sub(NAMES_MAX);
    if rest > 0 {
        shown.push(format!("and {rest} more"));
    }
    shown.join(", ")
}
