//! Which greetings a client was shown, and what they said.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::path::Path;

use memchr::memmem::Finder;
use suppression::Timestamp;

use crate::error::EvidenceError;
use crate::records::Records;
use crate::search::ANSWER_MAX;
use crate::seen::Seen;

/// Texts of greetings that are kept while the files are read.
const TEXTS_MAX: usize = 10_000;

/// A question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownQuery {
    /// The client.
    pub client: IpAddr,
    /// Only what was shown then or later.
    pub since: Option<Timestamp>,
    /// Only what was shown before then.
    pub until: Option<Timestamp>,
    /// How many sessions: the latest.
    pub limit: usize,
    /// These sessions too, whenever their greeting was shown.
    pub sessions: BTreeSet<String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The records of the greetings that were shown, as they were written, in their order.
    pub notices: Vec<String>,
    /// The record of what each of them said, the first one there is. One that is missing was
    /// taken away with its file.
    pub texts: Vec<String>,
    /// There are older ones, which the limit has left out.
    pub more: bool,
}

impl Shown {
    /// The greetings that were shown, read.
    pub fn seen_notices(&self) -> impl Iterator<Item = Seen<'_>> {
        self.notices.iter().filter_map(|record| serde_json::from_str(record).ok())
    }

    /// What they said, read.
    pub fn seen_texts(&self) -> impl Iterator<Item = Seen<'_>> {
        self.texts.iter().filter_map(|record| serde_json::from_str(record).ok())
    }
}

/// Finds the greetings that a client was shown.
///
/// # Errors
/// When the files cannot be read, or the answer is too large to be kept.
pub fn shown(path: &Path, query: &ShownQuery) -> Result<Shown, EvidenceError> {
    let client = format!("\"client\":\"{}\"", query.client);
    let client = Finder::new(&client);
    let mut notices = VecDeque::new();
    let mut texts = BTreeMap::new();
    let mut more = false;
    let mut kept = 0;
    let in_time = |time: Timestamp| {
        query.since.is_none_or(|since| time >= since) && query.until.is_none_or(|end| time < end)
    };
    let mut records = Records::open(path)?;
    while let Some(record) = records.next()? {
        let (notice, text) = (record.is("notice"), record.is("notice-text"));
        if !(text || notice && client.find(record.json).is_some()) {
            continue;
        }
        let Some(seen) = record.seen() else { continue };
        let (Some(greeting), Ok(json)) = (&seen.greeting, std::str::from_utf8(record.json)) else {
            continue;
        };
        if text {
            if texts.len() < TEXTS_MAX && !texts.contains_key(greeting.as_str()) {
                texts.insert(greeting.as_str().to_owned(), json.to_owned());
            }
            continue;
        }
        let asked =
            seen.session.as_ref().is_some_and(|session| query.sessions.contains(session.as_str()));
        if seen.client != Some(query.client) || !(asked || in_time(seen.time)) {
            continue;
        }
        kept += json.len();
        notices.push_back((greeting.as_str().to_owned(), json.to_owned()));
        if notices.len() > query.limit.saturating_add(query.sessions.len()) {
            let oldest = notices.pop_front();
            kept -= oldest.map_or(0, |(_, json)| json.len());
            more = true;
        }
        if kept > ANSWER_MAX {
            return Err(EvidenceError::TooMuch { megabytes: ANSWER_MAX >> 20 });
        }
    }
    let said: BTreeSet<_> = notices.iter().map(|(greeting, _)| greeting.clone()).collect();
    texts.retain(|greeting, _| said.contains(greeting));
    Ok(Shown {
        notices: notices.into_iter().map(|(_, record)| record).collect(),
        texts: texts.into_values().collect(),
        more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::{GREETING, notice, notice_text};
    use crate::record::Record;
    use crate::record::tests::line;

    fn query() -> ShownQuery {
        ShownQuery {
            client: "192.0.2.7".parse().unwrap(),
            since: None,
            until: None,
            limit: 10,
            sessions: BTreeSet::new(),
        }
    }

    #[test]
    fn who_was_shown_what_and_when() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evidence.jsonl");
        let mut bytes = line(&Record::NoticeText(&notice_text()));
        let other = crate::NoticeText { greeting: suppression::Digest([7; 32]), ..notice_text() };
        bytes.extend(line(&Record::NoticeText(&other)));
        for (session, client, time) in [
            ("s1", "192.0.2.7", "2026-03-01T10:00:00Z"),
            ("s2", "192.0.2.70", "2026-03-02T10:00:00Z"),
            ("s3", "192.0.2.7", "2026-03-03T10:00:00Z"),
            ("s4", "192.0.2.7", "2026-03-04T10:00:00Z"),
        ] {
            bytes.extend(line(&Record::Notice(&notice(session, client, time))));
        }
        bytes.extend(line(&Record::NoticeText(&notice_text())));
        std::fs::write(&path, bytes).unwrap();
        let sessions = |query: &ShownQuery| {
            let found = shown(&path, query).unwrap();
            let sessions: Vec<_> = found
                .seen_notices()
                .map(|seen| seen.session.unwrap().as_str().to_owned())
                .collect();
            (sessions, found.more)
        };
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();

        assert_eq!(sessions(&query()), (names(&["s1", "s3", "s4"]), false));
        let found = shown(&path, &query()).unwrap();
        let texts: Vec<_> = found.seen_texts().map(|seen| seen.text.unwrap().to_string()).collect();
        assert_eq!(texts, [GREETING], "once, and of no other greeting");

        let since = Some("2026-03-03T00:00:00Z".parse().unwrap());
        let until = Some("2026-03-04T00:00:00Z".parse().unwrap());
        let some = ShownQuery { since, until, ..query() };
        assert_eq!(sessions(&some).0, names(&["s3"]));
        // That of a message in that time, whose session had begun before.
        let some = ShownQuery { sessions: ["s1".to_owned()].into(), ..some };
        assert_eq!(sessions(&some).0, names(&["s1", "s3"]));
        assert_eq!(sessions(&ShownQuery { limit: 2, ..query() }), (names(&["s3", "s4"]), true));
        let nobody = ShownQuery { client: "192.0.2.1".parse().unwrap(), ..query() };
        assert_eq!(shown(&path, &nobody).unwrap(), Shown::default());
    }
}
