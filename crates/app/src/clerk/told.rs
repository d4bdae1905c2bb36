//! Answers about the record itself: what was taken back, imported, erased, exported.

use serde::{Deserialize, Serialize};
use suppression::Timestamp;

use super::answers::EntryLine;

/// What was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawnOutcome {
    /// The rows that say so.
    pub rows: Vec<u64>,
    /// How many entries they take back.
    pub entries: u64,
    /// How many of those stay all the same, recorded anew: a later import that is not undone
    /// had said them again.
    #[serde(default)]
    pub stayed: u64,
    /// Which, where they were found one by one.
    pub taken_back: Vec<EntryLine>,
    /// Whether a running gate goes by it from now on, or only the next one will.
    pub enforced: bool,
    /// The sources that are read again because of it: what their files still say comes back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_again: Vec<String>,
}

/// An import, as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLine {
    /// Its id.
    pub import: String,
    /// The list its first row belongs to.
    pub list: String,
    /// When it began.
    pub started: Timestamp,
    /// How many rows it brought.
    pub rows: u64,
    /// Its first row; 0 where it has only said again what stood there.
    pub first: u64,
    /// Its last row, or 0; others may lie between.
    pub last: u64,
    /// The row that took it back.
    pub undone: Option<u64>,
}

/// An export may begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportPermit {
    /// The event that records it.
    pub event: u64,
    /// The last entry it is to hold.
    pub position: u64,
}

/// What an erasure did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasedOutcome {
    /// The entries that were blanked.
    pub entries: Vec<u64>,
    /// Entries about the person that held nothing to blank.
    pub nothing_to_do: u64,
    /// The event that records it; none where no entry is about them, and nothing was done.
    pub event: Option<u64>,
    /// Whether the old bytes are gone from the files already.
    pub swept: bool,
}

/// What a rekey did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RekeyOutcome {
    /// The number of the new key.
    pub key: String,
    /// How many keys there are before it.
    pub older: usize,
    /// The key file.
    pub key_file: String,
    /// The event that records it.
    pub event: u64,
}

/// Something that was done with the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventAnswer {
    /// From 1, without gaps.
    pub event: u64,
    /// When.
    pub time: Timestamp,
    /// What, in a word.
    pub what: String,
    /// Who asked.
    pub by: String,
    /// The rest.
    pub details: serde_json::Value,
    /// How many entries there were then.
    pub entries: u64,
}
