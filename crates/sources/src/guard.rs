//! Whether what was read may take the place of what was read before (DESIGN s7).
//!
//! An export that failed half-way is still a file. So a file that suddenly has nothing, far fewer
//! rows, or mostly rubbish is refused, the last good state stays, and somebody is told. The rules
//! never refuse because of a single row: a list of three with one typing error is taken.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::report::{FileRows, Report};
use crate::spec_error::SpecError;

/// A share such as "20%".
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Share(f64);

impl Share {
    /// Of 100; outside of 0 to 100 there is none.
    #[must_use]
    pub fn percent(percent: f64) -> Option<Self> {
        (0.0..=100.0).contains(&percent).then_some(Self(percent))
    }

    /// Whether `part` is more than this share of `whole`.
    fn is_exceeded_by(self, part: u64, whole: u64) -> bool {
        percent(part, whole) > self.0
    }
}

impl FromStr for Share {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let number = text.trim().strip_suffix('%').map(str::trim_end);
        number.and_then(|number| number.parse().ok()).and_then(Self::percent).ok_or_else(|| {
            SpecError("a share is a number from 0 to 100 and %, such as \"20%\"".into())
        })
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// The settings that govern the guards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guards {
    /// Take a file without a usable row.
    pub allow_empty: bool,
    /// How much of the last good number of rows may be lost.
    pub shrink_limit: Share,
    /// How many of the rows may be bad.
    pub bad_rows: Share,
}

impl Default for Guards {
    fn default() -> Self {
        Self { allow_empty: false, shrink_limit: Share(20.0), bad_rows: Share(10.0) }
    }
}

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Refusal {
    /// It has no rows.
    #[error("it has no rows. If it may be empty, set allow_empty = true")]
    Empty,
    /// It has rows, and none of them can be used.
    #[error("none of its {rows} rows has an address that can be used{}", example(.first))]
    Unusable {
        /// Rows it has.
        rows: u64,
        /// The first bad row.
        first: Option<String>,
    },
    /// Too many rows are bad.
    #[error("{bad} of its {rows} rows ({share:.1}%) are bad, and bad_rows = \"{limit}\" is the limit{}", example(.first))]
    Bad {
        /// Bad rows.
        bad: u64,
        /// Rows it has.
        rows: u64,
        /// The share of the two.
        share: f64,
        /// The setting.
        limit: Share,
        /// The first bad row.
        first: Option<String>,
    },
    /// Too many rows of one of its files are bad.
    #[error("{bad} of the {rows} rows of {} ({share:.1}%) are bad, and bad_rows = \"{limit}\" is the limit for each file; put it elsewhere if it is none of the list", file.escape_debug())]
    BadFile {
        /// The file, or member of an archive.
        file: String,
        /// Bad rows.
        bad: u64,
        /// Rows it has.
        rows: u64,
        /// The share of the two.
        share: f64,
        /// The setting.
        limit: Share,
    },
    /// Too many rows are gone.
    #[error(
        "it has {now} usable rows where it had {before} at the last good read: {share:.1}% are gone, and shrink_limit = \"{limit}\" is the limit. If that is right, read it once with a higher shrink_limit"
    )]
    Shrunk {
        /// Usable rows now.
        now: u64,
        /// Usable rows at the last good read.
        before: u64,
        /// How much of them is gone, in percent.
        share: f64,
        /// The setting.
        limit: Share,
    },
}

fn example(row: &Option<String>) -> String {
    row.as_ref().map_or_else(String::new, |row| format!("; the first bad row: {row}"))
}

fn percent(part: u64, whole: u64) -> f64 {
    // Counts of rows are far below 2^52.
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

/// Whether a file may be taken. `last_good` is what [`Report::accepted`] was at its last good
/// read; none at the first.
///
/// # Errors
/// Why not, with the figures and the setting that decides.
pub fn judge(report: &Report, last_good: Option<u64>, guards: &Guards) -> Result<(), Refusal> {
    let first = report.bad_rows.first().map(ToString::to_string);
    let (rows, bad, now) = (report.rows, report.bad, report.accepted);
    if now == 0 && bad > 0 {
        return Err(Refusal::Unusable { rows, first });
    }
    if now == 0 && !guards.allow_empty {
        return Err(if rows == 0 { Refusal::Empty } else { Refusal::Unusable { rows, first } });
    }
    if bad > 1 && guards.bad_rows.is_exceeded_by(bad, rows) {
        let (share, limit) = (percent(bad, rows), guards.bad_rows);
        return Err(Refusal::Bad { bad, rows, share, limit, first });
    }
    if let Some(FileRows { file, rows, bad }) = &report.worst_file
        && guards.bad_rows.is_exceeded_by(*bad, *rows)
    {
        let (file, rows, bad, limit) = (file.clone(), *rows, *bad, guards.bad_rows);
        return Err(Refusal::BadFile { file, bad, rows, share: percent(bad, rows), limit });
    }
    let before = last_good.unwrap_or(0);
    let gone = before.saturating_sub(now);
    if gone > 1 && guards.shrink_limit.is_exceeded_by(gone, before) {
        let (share, limit) = (percent(gone, before), guards.shrink_limit);
        return Err(Refusal::Shrunk { now, before, share, limit });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(accepted: u64, bad: u64) -> Report {
        let mut report = Report { rows: accepted + bad, accepted, ..Report::default() };
        for line in 0..bad {
            report.bad_row(line + 2, crate::report::Fault::NoAtSign, "8/27/2015");
        }
        report
    }

    fn refused(accepted: u64, bad: u64, last_good: Option<u64>) -> Option<String> {
        judge(&report(accepted, bad), last_good, &Guards::default()).err().map(|r| r.to_string())
    }

    #[test]
    fn an_empty_file_is_refused_unless_allowed() {
        let why = refused(0, 0, None).unwrap();
        assert!(why.contains("no rows") && why.contains("allow_empty"), "{why}");
        let allowed = Guards { allow_empty: true, ..Guards::default() };
        assert_eq!(judge(&report(0, 0), None, &allowed), Ok(()));
        // Empty after a thousand rows is a loss even where empty is allowed.
        let lost = judge(&report(0, 0), Some(1000), &allowed).unwrap_err();
        assert!(matches!(lost, Refusal::Shrunk { now: 0, before: 1000, .. }));
        // Rubbish is not the same as nothing.
        assert!(matches!(judge(&report(0, 3), None, &allowed), Err(Refusal::Unusable { .. })));
    }

    #[test]
    fn a_message_has_the_figures_and_the_setting() {
        let why = refused(80, 20, None).unwrap();
        assert!(why.contains("20 of its 100 rows (20.0%)"), "{why}");
        assert!(why.contains("bad_rows = \"10%\""), "{why}");
        assert!(why.contains("line 2: not an e-mail address (9/99/9999)"), "{why}");
        let why = refused(79, 0, Some(100)).unwrap();
        assert!(why.contains("79 usable rows where it had 100") && why.contains("21.0%"), "{why}");
        assert!(why.contains("shrink_limit = \"20%\""), "{why}");
        assert!(refused(0, 5, None).unwrap().contains("none of its 5 rows"));
    }

    #[test]
    fn the_limits_at_one_under_and_one_over() {
        assert_eq!(refused(90, 10, None), None);
        assert!(refused(89, 11, None).is_some());
        assert_eq!(refused(80, 0, Some(100)), None);
        assert!(refused(79, 0, Some(100)).is_some());
        assert_eq!(refused(200, 0, Some(100)), None);
    }

    #[test]
    fn a_single_row_never_refuses_a_file() {
        assert_eq!(refused(1, 1, None), None);
        assert!(refused(1, 2, None).is_some());
        assert_eq!(refused(2, 0, Some(3)), None);
        assert_eq!(refused(1, 0, Some(2)), None);
        assert!(refused(1, 0, Some(3)).is_some());
    }

    #[test]
    fn shares_are_read_as_they_are_shown() {
        for text in ["20%", "0%", "100%", "12.5%"] {
            assert_eq!(text.parse::<Share>().unwrap().to_string(), text);
        }
        for bad in ["20", "%", "-1%", "101%", "x%", "NaN%", ""] {
            assert!(bad.parse::<Share>().is_err(), "{bad}");
        }
    }
}
