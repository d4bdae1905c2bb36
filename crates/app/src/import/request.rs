//! What is asked of an import, and what is told of it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use suppression::{Basis, Kind, Scope};

/// What is to be imported, and how.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The file, folder or pattern, with its whole path.
    pub path: PathBuf,
    /// The name of the list.
    pub name: String,
    /// What it is: csv, xml, json, text, xlsx or access-map; none: found out by its content.
    pub format: Option<String>,
    /// Column or path of the address.
    pub email: Option<String>,
    /// Column or path of the date.
    pub date: Option<String>,
    /// Column or path of the reason.
    pub reason: Option<String>,
    /// Column or path of the kind.
    pub kind_column: Option<String>,
    /// Column or path of the scope.
    pub scope_column: Option<String>,
    /// Column or path of the time it lapses at.
    pub until: Option<String>,
    /// Which elements are records; makes it an XML file.
    pub record: Option<String>,
    /// Where the records are; makes it a JSON file.
    pub records: Option<String>,
    /// Which sheet; makes it a workbook.
    pub sheet: Option<String>,
    /// What parts two cells.
    pub delimiter: Option<String>,
    /// The character set.
    pub encoding: Option<String>,
    /// Whether the first line names the columns.
    pub header: Option<bool>,
    /// Of which algorithm the digests are in the place of addresses.
    pub hashed: Option<String>,
    /// What was done to an address before it was hashed.
    pub normalise: Option<String>,
    /// The file with the salt.
    pub salt_file: Option<PathBuf>,
    /// Whether the salt stands before the address or behind it.
    pub salt_place: Option<String>,
    /// What is recorded about the addresses; none: as the list is recognised, else opt-outs.
    pub kind: Option<Kind>,
    /// What part of the mail it is about, where rows do not say it.
    pub scope: Scope,
    /// Days after which bounces lapse.
    pub expire_after: Option<u16>,
    /// What consents rest on.
    pub basis: Basis,
    /// Proof, of every row.
    pub evidence: BTreeMap<String, String>,
    /// Greatest share of bad rows, in percent.
    pub bad_rows: f64,
    /// Take even what looks like a list of people who may be mailed.
    pub allow_subscribed: bool,
    /// Only say what it would do.
    pub dry_run: bool,
}

/// What was imported, or would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// The name of the list.
    pub name: String,
    /// What was to be recorded, if that was said.
    pub kind: Option<Kind>,
    /// Nothing was recorded.
    pub dry_run: bool,
    /// Why an import would be refused, if it would; only of a dry run.
    #[serde(default)]
    pub refused: Option<String>,
    /// How the list was understood.
    pub layout: String,
    /// What its files were recognised as.
    pub recognised: Vec<String>,
    /// The import, if it said anything.
    pub import: Option<String>,
    /// Rows of the list.
    pub rows: u64,
    /// What they say, by kind and scope.
    pub said: Vec<Recorded>,
    /// Entries that are new.
    pub added: u64,
    /// Entries that stood there already.
    pub seen: u64,
    /// Entries about whole domains.
    pub domains: u64,
    /// Entries about digests.
    pub digests: u64,
    /// Rows of people without an address.
    pub without_address: u64,
    /// Rows that say themselves that they are none of the list.
    pub left_out: Vec<LeftOut>,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them, with their lines; their values are masked.
    pub bad_rows: Vec<String>,
    /// Rows whose date could not be read, taken as undated.
    pub odd_dates: u64,
    /// Rows whose date lies in the future, taken as undated.
    pub future_dates: u64,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// How many entries of one kind and scope there are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// Their kind.
    pub kind: Kind,
    /// Their scope.
    pub scope: Scope,
    /// How many.
    pub entries: u64,
}

/// Rows that were left out for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What they say.
    pub why: String,
    /// How many.
    pub rows: u64,
}
