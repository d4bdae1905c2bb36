//! What gates and milters have found, by gate, verdict and stream.

use std::collections::BTreeMap;

use evidence::Seen;
use serde::Serialize;
use suppression::Timestamp;

use super::span::{TimeSpan, evidence_in, wrong};
use crate::config::Settings;
use crate::error::AppError;

/// What one gate has found on one stream, where it did the same about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FindingsRow {
    /// `gate NAME`, `milter NAME`, `dkim DOMAIN`, `solicitation` or `duplicate`.
    pub gate: String,
    /// `refuse`, `defer`, `drop`, `permit` or `shadow`.
    pub verdict: String,
    /// The stream; `unknown` where nobody knew it then.
    pub stream: String,
    /// Findings: one for each message, and for each recipient that a milter did not permit.
    pub findings: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// What the last one was.
    pub found: String,
    /// The reference of the last one, for `optgate why`.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// All findings of a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FindingsReport {
    /// By gate, verdict and stream.
    pub rows: Vec<FindingsRow>,
    /// Gates and milters of the configuration that have found nothing.
    pub silent: Vec<String>,
}

/// Counts.
///
/// # Errors
/// When the evidence cannot be read.
pub fn findings(settings: &Settings, span: TimeSpan) -> Result<FindingsReport, AppError> {
    let mut rows: BTreeMap<(String, String, String), FindingsRow> = BTreeMap::new();
    let mut records = evidence_in(settings, &span)?;
    while let Some(record) = records.next().map_err(wrong)? {
        let (finding, decision) = (record.is("finding"), record.is("decision"));
        if !finding && !decision {
            continue;
        }
        let Some(seen) = record.seen() else { continue };
        let Some(gate) = seen.gate.as_ref().filter(|gate| finding || is_milter(gate)) else {
            continue;
        };
        let text = |said: &Option<evidence::Text<'_>>, none: &str| {
            said.as_ref().map_or(none, |said| said.as_str()).to_owned()
        };
        let key = (gate.to_string(), text(&seen.verdict, ""), text(&seen.stream, "unknown"));
        let row = rows.entry(key).or_insert_with_key(|(gate, verdict, stream)| FindingsRow {
            gate: gate.clone(),
            verdict: verdict.clone(),
            stream: stream.clone(),
            findings: 0,
            first: seen.time,
            last: seen.time,
            found: String::new(),
            reference: String::new(),
        });
        row.findings += 1;
        row.first = row.first.min(seen.time);
        if seen.time >= row.last {
            row.last = seen.time;
            row.found = text(&seen.reason, "");
            row.reference = text(name(&seen), "");
        }
    }
    let gates = settings.gates.iter().map(|gate| format!("gate {}", gate.rule.name));
    let milters = settings.milters.iter().map(|one| format!("{MILTER}{}", one.milter.name));
    let silent = gates.chain(milters).filter(|one| !rows.keys().any(|(gate, ..)| gate == one));
    Ok(FindingsReport { silent: silent.collect(), rows: rows.into_values().collect() })
}

/// How gates that are milters are called.
const MILTER: &str = "milter ";

/// What a milter says about a recipient is a decision like that of any other gate.
fn is_milter(gate: &str) -> bool {
    gate.starts_with(MILTER)
}

/// What the client was told, or could be asked for.
fn name<'a>(seen: &'a Seen<'_>) -> &'a Option<evidence::Text<'a>> {
    if seen.reference.is_some() { &seen.reference } else { &seen.transaction }
}
