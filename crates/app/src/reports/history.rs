//! What was sent to one person before, and refused: for `why`.

use std::collections::VecDeque;

use serde::Serialize;
use suppression::Timestamp;

use super::digest;
use super::mail::{Event, application, walk, was_sent};
use super::span::{TimeSpan, evidence_of};
use crate::config::Settings;
use crate::error::AppError;

/// Lines that are kept, the latest.
const LINES_MAX: usize = 20;

/// One recipient of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// When it was decided.
    pub time: Timestamp,
    /// `sent`, `unknown` (perhaps sent), `refuse`, `drop` or `defer`.
    pub what: String,
    /// The stream.
    pub stream: Option<String>,
    /// Who sent it.
    pub application: String,
    /// Why, in words.
    pub reason: Option<String>,
    /// Let through although an entry spoke against it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shadow: bool,
    /// The decision.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// What the evidence holds of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct History {
    /// Mails that the smarthost took, or may have taken.
    pub sent: u64,
    /// Of these, let through by a listener that only watches.
    pub shadowed: u64,
    /// Recipients refused, or dropped.
    pub refused: u64,
    /// Recipients deferred.
    pub deferred: u64,
    /// The latest.
    pub latest: VecDeque<HistoryLine>,
}

/// Looks it up, by the keyed hashes of the person and of the address.
///
/// # Errors
/// When the evidence cannot be read.
pub fn history(
    settings: &Settings,
    person: &[String],
    exact: &[String],
) -> Result<History, AppError> {
    let parse = |keys: &[String]| -> Vec<u128> {
        keys.iter().filter_map(|key| digest::parse(key)).collect()
    };
    let (person, exact) = (parse(person), parse(exact));
    let is_it = |seen: &evidence::Seen<'_>| match (&seen.person, &seen.recipient) {
        (Some(text), _) => digest::parse(text).is_some_and(|key| person.contains(&key)),
        // Older records name the address alone.
        (None, Some(text)) => digest::parse(text).is_some_and(|key| exact.contains(&key)),
        (None, None) => false,
    };
    let mut history = History::default();
    let records = TimeSpan::default().records(evidence_of(settings)?)?;
    walk(records, is_it, &mut |event| {
        match event {
            Event::Decided(seen) if is_it(seen) => {
                let what = seen.verdict.as_ref().map_or("", |verdict| verdict.as_str());
                match what {
                    "refuse" | "drop" => history.refused += 1,
                    "defer" => history.deferred += 1,
                    _ => return Ok(()),
                }
                history.push(HistoryLine {
                    time: seen.time,
                    what: what.to_owned(),
                    stream: seen.stream.as_ref().map(ToString::to_string),
                    application: application(seen),
                    reason: seen.reason.as_ref().map(ToString::to_string),
                    shadow: false,
                    reference: seen
                        .reference
                        .as_ref()
                        .map_or_else(String::new, ToString::to_string),
                });
            }
            Event::Ended(outcome, offered) if was_sent(outcome) => {
                for one in offered {
                    let shadow = one.would_be_refused(outcome);
                    history.sent += 1;
                    history.shadowed += u64::from(shadow);
                    let unknown = outcome.ending.as_ref().is_some_and(|e| *e == "unknown");
                    history.push(HistoryLine {
                        time: one.time,
                        what: if unknown { "unknown" } else { "sent" }.to_owned(),
                        stream: one.stream(outcome).map(str::to_owned),
                        application: application(outcome),
                        reason: one.reason.as_deref().map(str::to_owned),
                        shadow,
                        reference: one.reference.to_string(),
                    });
                }
            }
            Event::Decided(_) | Event::Ended(..) => {}
        }
        Ok(())
    })?;
    Ok(history)
}

impl History {
    fn push(&mut self, line: HistoryLine) {
        if self.latest.len() >= LINES_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(line);
    }
}
