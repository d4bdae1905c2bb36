//! Reads bytes as a list and gives what came out in a form that is easy to compare.

use std::ops::ControlFlow;

use sources::{CsvSpec, Format, Input, Inputs, List, Report, SourceError, Spec, Who, XmlSpec};
use suppression::Timestamp;

/// Everything a read gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Line, address, stated time and reason of each row.
    pub(crate) rows: Vec<(u64, String, Option<String>, Option<String>)>,
    pub(crate) report: Report,
    pub(crate) describe: String,
}

impl Outcome {
    pub(crate) fn addresses(&self) -> Vec<&str> {
        self.rows.iter().map(|(_, address, _, _)| address.as_str()).collect()
    }

    pub(crate) fn times(&self) -> Vec<Option<&str>> {
        self.rows.iter().map(|(_, _, time, _)| time.as_deref()).collect()
    }

    pub(crate) fn reasons(&self) -> Vec<Option<&str>> {
        self.rows.iter().map(|(_, _, _, reason)| reason.as_deref()).collect()
    }
}

/// An address in plain, a domain with its @, a digest in hexadecimal.
pub(crate) fn named(who: Who<'_>) -> String {
    match who {
        Who::Address { mailbox, .. } => mailbox.to_string(),
        Who::Domain(postmaster) => {
            let domain = postmaster.exact().rsplit_once('@').map_or("", |(_, domain)| domain);
            format!("@{domain}")
        }
        Who::Digest(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

pub(crate) fn read_as(bytes: &[u8], spec: &Spec) -> Result<Outcome, SourceError> {
    read_inputs(Input::bytes("list", bytes), spec)
}

pub(crate) fn read_inputs(inputs: impl Into<Inputs>, spec: &Spec) -> Result<Outcome, SourceError> {
    outcome(&List::open(inputs, spec, &mut |_| ())?)
}

/// Reads in both passes.
pub(crate) fn outcome(list: &List<'_>) -> Result<Outcome, SourceError> {
    let checked = list.check(now(), &mut |_| ())?;
    let mut rows = Vec::new();
    let report = list.read(now(), &mut |_| (), &mut |row| {
        rows.push((
            row.line,
            named(row.who),
            row.stated.map(|time| time.to_string()),
            row.reason.map(str::to_owned),
        ));
        ControlFlow::Continue(())
    })?;
    assert_eq!(checked, report, "both passes count the same");
    assert_eq!(report.rows, report.accepted + report.without_address + report.bad);
    assert_eq!(report.addresses, rows.len() as u64);
    Ok(Outcome { rows, report, describe: list.describe() })
}

pub(crate) fn csv_spec() -> Spec {
    Spec::new("crm", Format::Csv(CsvSpec::default()))
}

pub(crate) fn csv(bytes: impl AsRef<[u8]>) -> Outcome {
    read_as(bytes.as_ref(), &csv_spec()).unwrap()
}

pub(crate) fn csv_error(bytes: impl AsRef<[u8]>) -> String {
    read_as(bytes.as_ref(), &csv_spec()).unwrap_err().to_string()
}

pub(crate) fn xml_spec(record: &str) -> Spec {
    let record = record.parse().unwrap();
    let xml = XmlSpec {
        record,
        email: None,
        date: None,
        reason: None,
        kind: None,
        scope: None,
        until: None,
        encoding: None,
    };
    Spec::new("shop", Format::Xml(xml))
}

pub(crate) fn xml(record: &str, bytes: impl AsRef<[u8]>) -> Outcome {
    read_as(bytes.as_ref(), &xml_spec(record)).unwrap()
}

pub(crate) fn xml_error(record: &str, bytes: impl AsRef<[u8]>) -> String {
    read_as(bytes.as_ref(), &xml_spec(record)).unwrap_err().to_string()
}
