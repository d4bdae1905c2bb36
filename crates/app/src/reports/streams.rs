//! What each application declares its mail to be. Transactional is where loopholes live: an
//! application of which all mail is transactional is marked.

use std::collections::BTreeMap;

use evidence::Seen;
use serde::Serialize;
use suppression::{StreamClass, Timestamp};

use super::mail::{Event, application, walk, was_sent};
use super::span::{TimeSpan, evidence_in};
use crate::config::Settings;
use crate::error::AppError;

/// The mail of one application on one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamRow {
    /// The stream.
    pub stream: String,
    /// `commercial` or `transactional`, as it was when the mail was sent.
    pub class: String,
    /// Messages that the smarthost took, or may have taken.
    pub messages: u64,
    /// Recipients of these.
    pub recipients: u64,
    /// Recipients who were refused, or dropped.
    pub refused: u64,
    /// Recipients who were let through only because the listener watches.
    pub shadowed: u64,
    /// The last message or refusal.
    pub last: Timestamp,
}

/// One application.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StreamsApplication {
    /// Its login, or its address.
    pub application: String,
    /// All it has sent was transactional: look at what it really is.
    pub all_transactional: bool,
    /// Its streams.
    pub streams: Vec<StreamRow>,
}

/// Every application.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StreamsReport {
    /// Those whose mail is all transactional first.
    pub applications: Vec<StreamsApplication>,
    /// Streams of the configuration on which nothing was sent.
    pub unused: Vec<String>,
}

const TRANSACTIONAL: &str = "transactional";
const COMMERCIAL: &str = "commercial";

/// Rows by stream and class: a stream that was declared anew has two.
type Rows = BTreeMap<(String, String), StreamRow>;

/// Counts.
///
/// # Errors
/// When the evidence cannot be read.
pub fn streams(settings: &Settings, span: TimeSpan) -> Result<StreamsReport, AppError> {
    let mut counted: BTreeMap<String, Rows> = BTreeMap::new();
    let is_shadow = |seen: &Seen<'_>| seen.verdict.as_ref().is_some_and(|v| *v == "shadow");
    walk(evidence_in(settings, &span)?, is_shadow, &mut |event| {
        let (Event::Decided(seen) | Event::Ended(seen, _)) = &event;
        let Some(stream) = &seen.stream else { return Ok(()) };
        let class = match (&event, &seen.class) {
            (_, Some(class)) => class.as_str(),
            (Event::Decided(_), None) => declared(settings, stream),
            (Event::Ended(..), None) => COMMERCIAL,
        };
        let rows = counted.entry(application(seen)).or_default();
        let key = (stream.as_str().to_owned(), class.to_owned());
        let row = rows.entry(key).or_insert_with_key(|(stream, class)| StreamRow {
            stream: stream.clone(),
            class: class.clone(),
            messages: 0,
            recipients: 0,
            refused: 0,
            shadowed: 0,
            last: seen.time,
        });
        row.count(&event, seen);
        Ok(())
    })?;
    let used: Vec<String> =
        counted.values().flat_map(BTreeMap::keys).map(|(stream, _)| stream.clone()).collect();
    let unused = settings.streams.iter().map(|s| s.stream.name.to_string());
    let unused = unused.filter(|name| !used.contains(name)).collect();
    let finished = counted.into_iter().map(|(name, rows)| finish(name, rows));
    let mut applications: Vec<_> = finished.filter(|one| !one.streams.is_empty()).collect();
    applications.sort_by_key(|one| !one.all_transactional);
    Ok(StreamsReport { applications, unused })
}

impl StreamRow {
    fn count(&mut self, event: &Event<'_>, seen: &Seen<'_>) {
        match event {
            Event::Decided(_) => match seen.verdict.as_ref().map(|verdict| verdict.as_str()) {
                Some("refuse" | "drop") => self.refused += 1,
                _ => return,
            },
            Event::Ended(_, offered) if was_sent(seen) => {
                self.messages += 1;
                self.recipients += seen.recipients.unwrap_or(0);
                let shadowed = offered.iter().filter(|one| one.would_be_refused(seen)).count();
                self.shadowed += shadowed as u64;
            }
            Event::Ended(..) => return,
        }
        self.last = self.last.max(seen.time);
    }

    fn is_empty(&self) -> bool {
        self.messages + self.refused + self.shadowed == 0
    }
}

/// What the configuration says of a stream now. Decisions do not carry the class.
fn declared(settings: &Settings, name: &str) -> &'static str {
    let stream = settings.streams.iter().find(|s| *s.stream.name == *name);
    match stream.map(|s| s.stream.class) {
        Some(StreamClass::Transactional) => TRANSACTIONAL,
        Some(StreamClass::Commercial) | None => COMMERCIAL,
    }
}

fn finish(application: String, rows: Rows) -> StreamsApplication {
    let mut streams: Vec<_> = rows.into_values().filter(|row| !row.is_empty()).collect();
    streams.sort_by_key(|row| std::cmp::Reverse(row.messages));
    let sent = || streams.iter().filter(|row| row.messages > 0);
    let all_transactional = sent().next().is_some() && sent().all(|r| r.class == TRANSACTIONAL);
    StreamsApplication { application, all_transactional, streams }
}
