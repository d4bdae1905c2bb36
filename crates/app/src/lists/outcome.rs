//! What a reading came to, for whoever asked for it.

use serde::{Deserialize, Serialize};
use sources::Report;

use super::intake::Taken;

/// What a reading came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncOutcome {
    /// The source.
    pub name: String,
    /// Whether all of it was read; else only what may be new.
    pub whole: bool,
    /// False: it is as it was when it was last read, and was not read again.
    pub changed: bool,
    /// Rows that were read. Where nothing had changed, those of the last good reading.
    pub rows: u64,
    /// Entries that are new.
    pub added: u64,
    /// Entries that stood there already.
    pub known: u64,
    /// Entries that were taken back, because the source is the master of its entries.
    #[serde(default)]
    pub taken_back: u64,
    /// Rows of people without an address.
    pub without_address: u64,
    /// Rows that were left out, because they are about nobody who objected.
    #[serde(default)]
    pub left_out: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them; their values are masked.
    pub bad_rows: Vec<String>,
    /// How it was understood.
    pub layout: String,
    /// The import, if it said anything.
    pub import: Option<String>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// How long it took, in milliseconds.
    pub took: u64,
}

impl SyncOutcome {
    /// Of a reading.
    pub(super) fn read(
        name: &str,
        whole: bool,
        taken: &Taken,
        report: &Report,
        layout: String,
    ) -> Self {
        let mut warnings = report.warnings.clone();
        warnings.extend(taken.warning());
        Self {
            name: name.to_owned(),
            whole,
            changed: true,
            rows: report.rows,
            added: taken.added,
            known: taken.seen,
            taken_back: 0,
            without_address: report.without_address,
            left_out: report.unselected,
            bad: report.bad,
            bad_rows: report.bad_rows.iter().map(ToString::to_string).collect(),
            layout,
            import: (taken.added > 0).then(|| taken.import.clone()),
            warnings,
            took: 0,
        }
    }

    /// Of a source that had not changed since it had this many rows.
    pub(super) fn unchanged(name: &str, rows: Option<u64>) -> Self {
        let rows = rows.unwrap_or_default();
        Self { name: name.to_owned(), whole: true, rows, ..Self::default() }
    }
}
