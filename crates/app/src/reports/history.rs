//! What was sent to one person before, and refused: for `why`.

use std::collections::VecDeque;

use evidence::Seen;
use serde::Serialize;
use suppression::Timestamp;

use super::digest;
use super::mail::{Event, Fate, Offered, application, is_not_taken, walk, was_offered};
use super::span::{TimeSpan, evidence_of};
use crate::config::Settings;
use crate::error::AppError;

const SMARTHOST_REFUSED: &str = "smarthost refused";
const NOT_SENT: &str = "not sent";

/// Lines that are kept, the latest.
const LINES_MAX: usize = 20;

/// One recipient of one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryLine {
    /// When it was decided.
    pub time: Timestamp,
    /// `sent`, `unknown` (perhaps sent), `refuse`, `drop` or `defer`; `smarthost refused`, the
    /// recipient or the message; or `not sent`, because the message came to nothing else.
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
    /// Mails that the smarthost took.
    pub sent: u64,
    /// Mails that it may have taken: nobody knows.
    pub unknown: u64,
    /// Recipients, or mails to them, that the smarthost refused.
    pub smarthost_refused: u64,
    /// Recipients of messages that came to nothing otherwise.
    pub not_sent: u64,
    /// Of those sent, or perhaps sent, let through by a listener that only watches.
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
    let is_it = |seen: &Seen<'_>| match (&seen.person, &seen.recipient) {
        (Some(text), _) => digest::parse(text).is_some_and(|key| person.contains(&key)),
        // Older records name the address alone.
        (None, Some(text)) => digest::parse(text).is_some_and(|key| exact.contains(&key)),
        (None, None) => false,
    };
    let mut history = History::default();
    let records = TimeSpan::default().records(evidence_of(settings)?)?;
    walk(records, is_it, &mut |event| {
        match event {
            Event::Decided(seen) if is_it(seen) => history.decided(seen),
            Event::Ended(outcome, offered) => {
                for one in offered {
                    history.ended(&one, outcome);
                }
            }
            Event::Decided(_) => {}
        }
        Ok(())
    })?;
    Ok(history)
}

impl History {
    fn decided(&mut self, seen: &Seen<'_>) {
        let verdict = seen.verdict.as_ref().map_or("", |verdict| verdict.as_str());
        let reply = seen.reply.as_ref();
        let (what, count) = match verdict {
            "refuse" | "drop" => (verdict, &mut self.refused),
            "defer" => (verdict, &mut self.deferred),
            _ if !was_offered(seen) || !is_not_taken(seen) => return,
            _ if reply.is_some_and(|reply| reply.code >= 500) => {
                (SMARTHOST_REFUSED, &mut self.smarthost_refused)
            }
            _ => (NOT_SENT, &mut self.not_sent),
        };
        *count += 1;
        let text = |text: &Option<evidence::Text<'_>>| text.as_ref().map(ToString::to_string);
        let reason = match what {
            SMARTHOST_REFUSED | NOT_SENT => reply.map(|r| format!("{} {}", r.code, r.text)),
            _ => text(&seen.reason),
        };
        self.push(HistoryLine {
            time: seen.time,
            what: what.to_owned(),
            stream: text(&seen.stream),
            application: application(seen),
            reason,
            shadow: false,
            reference: text(&seen.reference).unwrap_or_default(),
        });
    }

    fn ended(&mut self, one: &Offered, outcome: &Seen<'_>) {
        let fate = Fate::of(outcome);
        let (what, count) = match fate {
            Fate::Sent => ("sent", &mut self.sent),
            Fate::Unknown => ("unknown", &mut self.unknown),
            Fate::Refused => (SMARTHOST_REFUSED, &mut self.smarthost_refused),
            Fate::NotSent => (NOT_SENT, &mut self.not_sent),
        };
        *count += 1;
        let maybe_sent = matches!(fate, Fate::Sent | Fate::Unknown);
        let shadow = maybe_sent && one.would_be_refused(outcome);
        self.shadowed += u64::from(shadow);
        let reason = match maybe_sent {
            true => one.words(outcome),
            false => ending(outcome),
        };
        self.push(HistoryLine {
            time: one.time,
            what: what.to_owned(),
            stream: one.stream(outcome).map(str::to_owned),
            application: application(outcome),
            reason,
            shadow,
            reference: one.reference.to_string(),
        });
    }

    fn push(&mut self, line: HistoryLine) {
        if self.latest.len() >= LINES_MAX {
            self.latest.pop_front();
        }
        self.latest.push_back(line);
    }
}

/// How a message ended that was not sent.
fn ending(outcome: &Seen<'_>) -> Option<String> {
    let reply = outcome.reply.as_ref().map(|reply| format!("{} {}", reply.code, reply.text));
    reply.or_else(|| outcome.ending.as_ref().map(|ending| format!("the message was {ending}")))
}
