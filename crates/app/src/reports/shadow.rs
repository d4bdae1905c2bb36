//! What listeners that only watch would have refused, by application, stream and list.

use std::collections::BTreeMap;

use evidence::Seen;
use serde::Serialize;
use suppression::Timestamp;

use super::mail::{Event, Offered, application, walk, was_sent};
use super::span::{TimeSpan, evidence_in};
use crate::config::Settings;
use crate::error::AppError;

/// What one application would have been refused because of one list, on one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowRow {
    /// The stream; `unknown` where the header never decided it.
    pub stream: String,
    /// The list that holds the entries; none where a list was unknown, or consent missing.
    pub list: Option<String>,
    /// Recipients.
    pub recipients: u64,
    /// Of these, those to whom the smarthost took the message.
    pub sent: u64,
    /// The first of them.
    pub first: Timestamp,
    /// The last of them.
    pub last: Timestamp,
    /// The reference of the last one, for `optgate why`.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// One application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ShadowApplication {
    /// Its login, or its address.
    pub application: String,
    /// Recipients it named at listeners that only watch.
    pub recipients: u64,
    /// Of these, those who would have been refused.
    pub refused: u64,
    /// Why.
    pub lists: Vec<ShadowRow>,
}

/// What would have been refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ShadowReport {
    /// Listeners that only watch, by the configuration as it is now.
    pub listeners: Vec<String>,
    /// Every application that named a recipient there.
    pub applications: Vec<ShadowApplication>,
}

#[derive(Default)]
struct Counted {
    recipients: u64,
    rows: BTreeMap<(String, Option<String>), ShadowRow>,
}

/// Counts.
///
/// # Errors
/// When the evidence cannot be read.
pub fn shadow(settings: &Settings, span: TimeSpan) -> Result<ShadowReport, AppError> {
    let watching: Vec<String> = settings
        .listeners
        .iter()
        .filter(|listener| listener.action == crate::config::Action::Shadow)
        .map(|listener| listener.address.to_string())
        .collect();
    let mut counted: BTreeMap<String, Counted> = BTreeMap::new();
    let is_shadow = |seen: &Seen<'_>| seen.verdict.as_ref().is_some_and(|v| *v == "shadow");
    let at_watching = |seen: &Seen<'_>| {
        seen.listener.as_ref().is_some_and(|at| watching.iter().any(|w| *w == **at))
    };
    walk(evidence_in(settings, &span)?, is_shadow, &mut |event| {
        match event {
            Event::Decided(seen) => {
                if is_shadow(seen) || at_watching(seen) {
                    counted.entry(application(seen)).or_default().recipients += 1;
                }
                // Where the stream was known, the recipient would have been refused at once,
                // whatever became of the message.
                if is_shadow(seen) && seen.stream.is_some() {
                    let application = counted.entry(application(seen)).or_default();
                    application.refuse(&Refused::of(seen));
                }
            }
            Event::Ended(outcome, offered) => {
                let application = counted.entry(application(outcome)).or_default();
                for one in offered {
                    application.ended(&one, outcome);
                }
            }
        }
        Ok(())
    })?;
    let applications = counted.into_iter().filter(|(_, counted)| counted.recipients > 0);
    Ok(ShadowReport {
        listeners: watching,
        applications: applications.map(|(name, counted)| counted.finish(name)).collect(),
    })
}

struct Refused<'a> {
    stream: &'a str,
    list: Option<&'a str>,
    time: Timestamp,
    reference: &'a str,
}

impl<'a> Refused<'a> {
    fn of(seen: &'a Seen<'_>) -> Self {
        Self {
            stream: seen.stream.as_ref().map_or("unknown", |stream| stream.as_str()),
            list: seen.list.as_ref().map(|list| list.as_str()),
            time: seen.time,
            reference: seen.reference.as_ref().map_or("", |reference| reference.as_str()),
        }
    }
}

impl Counted {
    fn row(&mut self, refused: &Refused<'_>) -> &mut ShadowRow {
        let key = (refused.stream.to_owned(), refused.list.map(str::to_owned));
        self.rows.entry(key).or_insert_with_key(|(stream, list)| ShadowRow {
            stream: stream.clone(),
            list: list.clone(),
            recipients: 0,
            sent: 0,
            first: refused.time,
            last: refused.time,
            reference: String::new(),
        })
    }

    fn refuse(&mut self, refused: &Refused<'_>) {
        let row = self.row(refused);
        row.recipients += 1;
        row.first = row.first.min(refused.time);
        row.last = row.last.max(refused.time);
        refused.reference.clone_into(&mut row.reference);
    }

    fn ended(&mut self, offered: &Offered, outcome: &Seen<'_>) {
        if !offered.would_be_refused(outcome) {
            return;
        }
        let refused = Refused {
            stream: offered.stream(outcome).unwrap_or("unknown"),
            list: offered.list.as_deref(),
            time: offered.time,
            reference: &offered.reference,
        };
        if !offered.had_stream() {
            self.refuse(&refused);
        }
        if was_sent(outcome) {
            self.row(&refused).sent += 1;
        }
    }

    fn finish(self, application: String) -> ShadowApplication {
        let mut lists: Vec<_> = self.rows.into_values().collect();
        lists.sort_by_key(|row| std::cmp::Reverse(row.recipients));
        ShadowApplication {
            application,
            recipients: self.recipients,
            refused: lists.iter().map(|row| row.recipients).sum(),
            lists,
        }
    }
}
