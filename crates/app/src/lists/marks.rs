//! How far a table was read, so that next time only what is new is.
//!
//! A row gets its watermark when it is written and is seen when its transaction is committed,
//! which may be later than rows with greater ones. So what was read is read again from a mark
//! that is old enough: everything below it was committed, and read, long ago. A mark is old
//! enough when a reading that began `overlap` after it has reached below it. Until there is such
//! a mark the only one there is is used, and all of it is read once more when `overlap` is over.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sources::Mark;
use suppression::Timestamp;

use crate::config::SyncSettings;

/// What is noted with the state of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marks {
    /// Stands for the question and what its answers mean: marks of another one say nothing.
    of: String,
    /// From here on it is read; none: from `next`, but that is not old enough yet.
    base: Option<String>,
    /// When a reading ended, in microseconds since the epoch, and the greatest mark of it.
    next: (i64, String),
    /// When the last reading of all of it began, likewise.
    whole: i64,
}

impl Marks {
    /// As it was noted; none if it is of another question.
    pub(super) fn read(text: Option<&str>, of: &str) -> Option<Self> {
        serde_json::from_str::<Self>(text?).ok().filter(|marks| marks.of == of)
    }

    pub(super) fn to_text(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// From where on a reading that begins now needs to read; none: all of it.
    pub(super) fn from(&self, now: Timestamp, sync: &SyncSettings) -> Option<Mark> {
        if is_over(self.whole, sync.full_every, now) {
            return None;
        }
        match &self.base {
            Some(base) => Some(Mark(base.clone())),
            None if is_over(self.next.0, sync.overlap, now) => None,
            None => Some(Mark(self.next.1.clone())),
        }
    }

    /// What is to be noted after a reading from `from` on.
    pub(super) fn after(
        before: Option<Self>,
        of: &str,
        from: Option<&Mark>,
        (began, ended): (Timestamp, Timestamp),
        mark: Option<Mark>,
        overlap: Duration,
    ) -> Option<Self> {
        // Without a row there is no mark: the last one still holds.
        let last = before.as_ref().map(|before| before.next.1.clone());
        let newest = mark.map(|mark| mark.0).or(last)?;
        let next = (ended.micros(), newest);
        let Some(before) = before else {
            return Some(Self { of: of.to_owned(), base: None, next, whole: began.micros() });
        };
        let whole = if from.is_none() { began.micros() } else { before.whole };
        // One that began with the provisional mark has not reached below it.
        let reached = from.is_none() || before.base.is_some();
        Some(match reached && is_over(before.next.0, overlap, began) {
            true => Self { base: Some(before.next.1), next, whole, ..before },
            false => Self { whole, ..before },
        })
    }
}

/// Whether that much time is over; also when the clock was set back behind it.
fn is_over(since: i64, span: Duration, now: Timestamp) -> bool {
    let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    now.micros() < since || now.micros().saturating_sub(since) >= span
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000 + minutes * 60_000_000).unwrap()
    }

    fn settings() -> SyncSettings {
        SyncSettings {
            every: Duration::from_secs(300),
            watermark: Some("at".to_owned()),
            full_every: Duration::from_secs(86_400),
            overlap: Duration::from_secs(600),
            notify: None,
        }
    }

    /// One reading at a minute, taking a minute; gives what was asked for.
    fn step(marks: &mut Option<Marks>, minute: i64, newest: &str) -> Option<String> {
        let from = marks.as_ref().and_then(|marks| marks.from(at(minute), &settings()));
        let mark = (!newest.is_empty()).then(|| Mark(newest.to_owned()));
        let times = (at(minute), at(minute + 1));
        *marks = Marks::after(marks.take(), "q", from.as_ref(), times, mark, settings().overlap);
        from.map(|mark| mark.0)
    }

    #[test]
    fn what_is_asked_for_lies_behind_by_the_overlap() {
        let mut marks = None;
        assert_eq!(step(&mut marks, 0, "a"), None);
        // Provisional, until the overlap after the first reading is over.
        assert_eq!(step(&mut marks, 5, "b").as_deref(), Some("a"));
        assert_eq!(step(&mut marks, 10, "c").as_deref(), Some("a"));
        // Once more all of it: now everything below "a" was committed and is read.
        assert_eq!(step(&mut marks, 15, "d"), None);
        assert_eq!(step(&mut marks, 20, "e").as_deref(), Some("a"));
        assert_eq!(step(&mut marks, 25, "f").as_deref(), Some("a"));
        // This one began ten minutes after "d" was read and still reached below it.
        assert_eq!(step(&mut marks, 30, "g").as_deref(), Some("a"));
        assert_eq!(step(&mut marks, 35, "h").as_deref(), Some("d"));
        // Nothing new: what was asked for still holds.
        assert_eq!(step(&mut marks, 50, "").as_deref(), Some("d"));
        assert_eq!(step(&mut marks, 55, "i").as_deref(), Some("g"));
    }

    #[test]
    fn all_of_it_is_read_every_so_often_and_when_the_clock_was_set_back() {
        let mut marks = None;
        for minute in [0, 15] {
            step(&mut marks, minute, "a");
        }
        assert!(step(&mut marks, 1454, "b").is_some());
        assert_eq!(step(&mut marks, 1455, "b"), None);
        assert!(step(&mut marks, 1460, "b").is_some());
        assert_eq!(step(&mut marks, 100, "b"), None);
    }

    #[test]
    fn a_table_without_rows_is_read_whole_until_it_has_one() {
        let mut marks = None;
        assert_eq!(step(&mut marks, 0, ""), None);
        assert_eq!(step(&mut marks, 5, ""), None);
        assert_eq!(step(&mut marks, 10, "a"), None);
        assert_eq!(step(&mut marks, 15, "b").as_deref(), Some("a"));
    }

    #[test]
    fn marks_of_another_question_are_none() {
        let mut marks = None;
        step(&mut marks, 0, "a");
        let text = marks.as_ref().unwrap().to_text();
        assert_eq!(Marks::read(text.as_deref(), "q"), marks);
        assert_eq!(Marks::read(text.as_deref(), "other"), None);
        assert_eq!(Marks::read(Some("rubbish"), "q"), None);
        assert_eq!(Marks::read(None, "q"), None);
    }
}
