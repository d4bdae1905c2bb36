//! The exports of `list-formats.md` §4.1, each as a file in its exact shape: as what it is
//! recognised, and what every row becomes.

mod consents;
mod digests;
mod first_row;
mod json;
mod people;
mod platforms;
mod refused;
mod settings;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use sources::{Format, Input, List, Report, SourceError, Spec};

use crate::support::{csv_spec, named, now};

/// What came of a fixture.
pub(crate) struct Read {
    /// `who kind scope stated until` of each row; `-` where there is none.
    pub(crate) rows: Vec<String>,
    pub(crate) report: Report,
    pub(crate) describe: String,
}

pub(crate) fn fixture(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file)
}

pub(crate) fn read_with(file: &str, spec: &Spec) -> Result<Read, SourceError> {
    let list = List::open(Input::file(&fixture(file))?, spec, &mut |_| ())?;
    let checked = list.check(now(), &mut |_| ())?;
    let mut rows = Vec::new();
    let report = list.read(now(), &mut |_| (), &mut |row| {
        let dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        rows.push(format!(
            "{} {} {} {} {}",
            named(row.who),
            row.kind,
            dash(row.scope.map(ToString::to_string)),
            dash(row.stated.map(|time| time.to_string())),
            dash(row.until.map(|time| time.to_string())),
        ));
        ControlFlow::Continue(())
    })?;
    assert_eq!(checked, report, "both passes count the same");
    assert_eq!(report.rows, report.accepted + report.without_address + report.bad);
    assert_eq!(report.addresses, rows.len() as u64);
    let counted: u64 = report.tallies.iter().map(|tally| tally.entries).sum();
    assert_eq!(counted, report.addresses, "what is counted apart adds up");
    Ok(Read { rows, report, describe: list.describe() })
}

/// As somebody has it who sets nothing.
pub(crate) fn read(file: &str) -> Read {
    read_with(file, &csv_spec()).unwrap()
}

pub(crate) fn error(file: &str) -> String {
    read_with(file, &csv_spec()).map(|read| read.describe).unwrap_err().to_string()
}

/// Reads it with nothing set, as the right thing and into these rows.
pub(crate) fn is(file: &str, what: &str, rows: &[&str]) -> Read {
    is_with(file, &csv_spec(), what, rows)
}

pub(crate) fn is_with(file: &str, spec: &Spec, what: &str, rows: &[&str]) -> Read {
    let read = read_with(file, spec).unwrap();
    assert_eq!(read.rows, rows, "{file}");
    match what {
        "" => assert!(!read.describe.contains("recognised"), "{}", read.describe),
        what => {
            let said = format!("recognised as {what};");
            assert!(read.describe.contains(&said), "{}", read.describe);
        }
    }
    read
}

/// The same, for a spec with another format.
pub(crate) fn as_format(format: Format) -> Spec {
    Spec { format, ..csv_spec() }
}
