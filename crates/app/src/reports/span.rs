//! The days a report is about.

use std::path::Path;

use evidence::{EvidenceError, Records};
use suppression::{Day, Timestamp};

use crate::config::{EvidencePath, Settings};
use crate::error::AppError;

/// From one day to another, both included; none: without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpan {
    /// The first day.
    pub since: Option<Day>,
    /// The last day.
    pub until: Option<Day>,
}

impl TimeSpan {
    /// Whether a moment is in it.
    pub(super) fn holds(&self, time: Timestamp) -> bool {
        let day = time.day();
        self.since.is_none_or(|since| day >= since) && self.until.is_none_or(|until| day <= until)
    }

    /// The records written in it.
    pub(super) fn records(&self, path: &Path) -> Result<Records, AppError> {
        let since = self.since.map(Day::start);
        let until = self.until.map(|day| day.plus_days(1).start());
        Ok(Records::open(path).map_err(wrong)?.since(since).until(until))
    }
}

/// The evidence of a time; that there is none yet is told as that.
///
/// # Errors
/// When it cannot be read.
pub(super) fn evidence_in(settings: &Settings, span: &TimeSpan) -> Result<Records, AppError> {
    let path = evidence_of(settings)?;
    match span.records(path) {
        Err(AppError::Io { error, .. }) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(AppError::Unavailable(format!(
                "there is no evidence yet: {} is written by the gate, from its first message on",
                path.display()
            )))
        }
        other => other,
    }
}

/// Where the evidence is.
pub(super) fn evidence_of(settings: &Settings) -> Result<&Path, AppError> {
    match &settings.evidence.path {
        EvidencePath::File(path) => Ok(path),
        EvidencePath::Stdout => Err(AppError::Unavailable(
            "the evidence goes to standard output ([evidence] path = \"stdout\"), so there is no file to count in; give it a path".to_owned(),
        )),
    }
}

/// An error of the evidence as one of this crate.
pub(super) fn wrong(error: EvidenceError) -> AppError {
    crate::evidence::told(error)
}
