//! All records of all files, one after another, in bounded memory: what searches and reports
//! are made of.

use std::ops::Range;
use std::path::Path;

use memchr::memmem;
use serde_json::Value;
use suppression::Timestamp;

use crate::error::EvidenceError;
use crate::files::{Closed, Current, Files, Input};
use crate::lines::{Lines, spans};
use crate::seen::Seen;

/// How much later than its time a record may be written, in microseconds: a writer may still
/// hold a file that is being closed, and clocks are set.
const SLACK: i64 = 3_600_000_000;

/// The records of a file of evidence and of the closed ones before it, the oldest first.
///
/// ```no_run
/// # fn main() -> Result<(), evidence::EvidenceError> {
/// let mut records = evidence::Records::open("evidence.jsonl".as_ref())?;
/// while let Some(record) = records.next()? {
///     let Some(seen) = record.seen() else { continue };
///     println!("{} {}", seen.time, seen.record);
/// }
/// # Ok(())
/// # }
/// ```
///
/// What the chain itself writes (the heads of files, and seals) is left out.
pub struct Records {
    /// Still to be read, the next one last.
    closed: Vec<Closed>,
    current: Option<Current>,
    reading: Option<Reading>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

struct Reading {
    name: String,
    lines: Lines<Input>,
    /// Where on the line there are records, the next one last.
    spans: Vec<Range<usize>>,
}

/// A record, as it stands in its file.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// Its JSON; not whole where a write was cut short.
    pub json: &'a [u8],
}

impl<'a> Found<'a> {
    /// Its fields; none if it is not whole.
    #[must_use]
    pub fn seen(self) -> Option<Seen<'a>> {
        serde_json::from_slice(self.json).ok()
    }

    /// As plain JSON; none if it is not whole.
    #[must_use]
    pub fn value(self) -> Option<Value> {
        serde_json::from_slice(self.json).ok()
    }

    /// Whether it is of this kind: `decision`, `finding`, `intent`, `outcome`.
    #[must_use]
    pub fn is(self, kind: &str) -> bool {
        let rest = self.json.strip_prefix(b"{\"record\":\"");
        let rest = rest.and_then(|rest| rest.strip_prefix(kind.as_bytes()));
        rest.is_some_and(|rest| rest.starts_with(b"\""))
    }

    /// Its time; none if it is not told, or not whole.
    #[must_use]
    pub fn time(self) -> Option<Timestamp> {
        const FIELD: &[u8] = b"\"time\":\"";
        let start = memmem::find(self.json.get(..64).unwrap_or(self.json), FIELD)? + FIELD.len();
        let text = self.json.get(start..)?;
        let text = text.get(..text.iter().position(|byte| *byte == b'"')?)?;
        std::str::from_utf8(text).ok()?.parse().ok()
    }
}

impl Records {
    /// Begins with the oldest.
    ///
    /// # Errors
    /// When there is no evidence, or it cannot be read.
    pub fn open(path: &Path) -> Result<Self, EvidenceError> {
        let files = Files::find(path).map_err(|error| EvidenceError::file(path, error))?;
        let mut closed = files.closed;
        closed.reverse();
        Ok(Self { closed, current: files.current, reading: None, since: None, until: None })
    }

    /// Only what was written then or later. Files that were closed before are not opened.
    #[must_use]
    pub fn since(mut self, time: Option<Timestamp>) -> Self {
        self.since = time;
        self.in_files_since(time)
    }

    /// Without the files that were closed before then.
    #[must_use]
    pub fn in_files_since(mut self, time: Option<Timestamp>) -> Self {
        if let Some(time) = time {
            let reaches =
                |closed: &Closed| closed.time.micros().saturating_add(SLACK) >= time.micros();
            self.closed.retain(reaches);
        }
        self
    }

    /// Only what was written before then.
    #[must_use]
    pub fn until(mut self, time: Option<Timestamp>) -> Self {
        self.until = time;
        self
    }

    /// The next record; none at the end.
    ///
    /// # Errors
    /// When a file cannot be read, or is packed and damaged.
    #[expect(clippy::should_implement_trait, reason = "what it lends is gone with the next one")]
    pub fn next(&mut self) -> Result<Option<Found<'_>>, EvidenceError> {
        let Some(span) = self.advance()? else { return Ok(None) };
        let Some(reading) = &self.reading else { return Ok(None) };
        let json = reading.lines.line().get(span).unwrap_or_default();
        Ok(Some(Found { file: &reading.name, json }))
    }

    fn advance(&mut self) -> Result<Option<Range<usize>>, EvidenceError> {
        loop {
            let Some(reading) = &mut self.reading else {
                if !self.open_next()? {
                    return Ok(None);
                }
                continue;
            };
            while let Some(span) = reading.spans.pop() {
                let json = reading.lines.line().get(span.clone()).unwrap_or_default();
                let found = Found { file: &reading.name, json };
                if !found.is("seal") && !found.is("file") && in_time(found, self.since, self.until)
                {
                    return Ok(Some(span));
                }
            }
            let line = reading.lines.next();
            match line.map_err(|error| EvidenceError::file(&reading.name, error))? {
                Some(line) => {
                    let found: Vec<_> = spans(line.bytes).collect();
                    reading.spans.extend(found.into_iter().rev());
                }
                None => self.reading = None,
            }
        }
    }

    fn open_next(&mut self) -> Result<bool, EvidenceError> {
        let (name, input) = if let Some(closed) = self.closed.pop() {
            let input = closed.open().map_err(|error| EvidenceError::file(&closed.path, error))?;
            (closed.name(), input)
        } else if let Some(current) = self.current.take() {
            (crate::files::name_of(&current.path), current.open())
        } else {
            return Ok(false);
        };
        self.reading = Some(Reading { name, lines: Lines::new(input, 0), spans: Vec::new() });
        Ok(true)
    }
}

/// A record without a time that can be read is none whose time is outside.
fn in_time(found: Found<'_>, since: Option<Timestamp>, until: Option<Timestamp>) -> bool {
    if since.is_none() && until.is_none() {
        return true;
    }
    let Some(time) = found.time() else { return true };
    since.is_none_or(|since| time >= since) && until.is_none_or(|until| time < until)
}

#[cfg(test)]
mod tests;
