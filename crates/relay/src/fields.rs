//! The header fields by which a message's stream is decided, read as the header block
//! goes by (RFC 5322 s2.2).
//!
//! Only messages of which several streams are possible are read like this. Whole lines
//! are looked at, so that the same bytes cut anywhere give the same fields. Values are
//! unfolded by taking the line ends out (s2.2.3); white space before the colon, which
//! obsolete syntax allows (s4.5), is no part of the name; encoded words are not decoded.
//! The header ends at the first empty line, and its fields at the first line that is none.

use std::sync::Arc;

use message::{continues_field, field_line};
use policy::{FieldName, HeaderFields, Possible, StreamId, Streams};

use crate::header_lines::HeaderLines;

/// Where the header is after a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scanned {
    /// It goes on.
    More,
    /// It has ended.
    Ended,
    /// It is longer than it may be, and is not read any further.
    TooLong,
}

/// Reads a header for the fields that rules ask for.
#[derive(Debug)]
pub(crate) struct FieldScan {
    wanted: Arc<[FieldName]>,
    /// Octets the header may still have, the empty line included.
    left: usize,
    /// As long as the header may be.
    lines: HeaderLines<{ usize::MAX }>,
    /// A wanted field whose next line may be a continuation.
    current: Option<(usize, Vec<u8>)>,
    fields: HeaderFields,
    state: Scanned,
}

impl FieldScan {
    pub(crate) fn new(wanted: Arc<[FieldName]>, limit: usize) -> Self {
        Self {
            wanted,
            left: limit,
            lines: HeaderLines::default(),
            current: None,
            fields: HeaderFields::default(),
            state: Scanned::More,
        }
    }

    /// Takes a span of mail data; what is behind the header is left alone.
    pub(crate) fn scan(&mut self, mut span: &[u8]) -> Scanned {
        let mut lines = std::mem::take(&mut self.lines);
        while self.state == Scanned::More && !span.is_empty() {
            let before = span.len();
            let line = lines.next(&mut span);
            let Some(left) = self.left.checked_sub(before - span.len()) else {
                self.state = Scanned::TooLong;
                return self.state;
            };
            self.left = left;
            if let Some(line) = line {
                self.whole_line(line.octets);
            }
        }
        self.lines = lines;
        self.state
    }

    fn whole_line(&mut self, line: &[u8]) {
        if continues_field(line) {
            if let Some((_, value)) = &mut self.current {
                value.extend_from_slice(line);
            }
            return;
        }
        self.field_ended();
        if line.is_empty() {
            self.state = Scanned::Ended;
            return;
        }
        let Some((name, value)) = field_line(line) else {
            // Many mail servers end the header here, and what follows is text that anybody
            // may have written.
            self.state = Scanned::Ended;
            return;
        };
        if let Some(place) = self.wanted.iter().position(|wanted| wanted.is(name)) {
            self.current = Some((place, value.to_vec()));
        }
    }

    fn field_ended(&mut self) {
        if let Some((place, value)) = self.current.take() {
            let value = String::from_utf8_lossy(value.trim_ascii()).into_owned();
            self.fields.add(place, value);
        }
    }

    /// The message is over: a header without an empty line behind it is whole as well.
    fn end(&mut self) {
        self.field_ended();
        if self.state == Scanned::More {
            self.state = Scanned::Ended;
        }
    }
}

/// The decision about a message's stream, while its header comes.
#[derive(Debug)]
pub(crate) struct Deciding {
    possible: Possible,
    scan: FieldScan,
}

impl Deciding {
    /// `None` where nothing is left to decide, which is nearly always.
    pub(crate) fn begin(streams: &Streams, possible: &Possible, limit: usize) -> Option<Box<Self>> {
        (possible.count() > 1).then(|| {
            let scan = FieldScan::new(Arc::clone(streams.wanted_fields()), limit);
            Box::new(Self { possible: possible.clone(), scan })
        })
    }

    pub(crate) fn scan(&mut self, span: &[u8]) -> Scanned {
        self.scan.scan(span)
    }

    /// The message is over, and so is its header.
    pub(crate) fn end(&mut self) {
        self.scan.end();
    }

    /// The stream, if the header has ended.
    pub(crate) fn decided(&self, streams: &Streams) -> Option<StreamId> {
        let ended = self.scan.state == Scanned::Ended;
        ended.then(|| streams.resolve(&self.possible, &self.scan.fields))
    }

    /// The stream, once the header has ended or the message has; `None` if the header
    /// was too long to be read.
    pub(crate) fn stream(mut self, streams: &Streams) -> Option<StreamId> {
        self.scan.end();
        self.decided(streams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"Received: x\r\nlist-id:\r\n  News\r\n\t<news.corp.example> \r\n\
        X-Empty:\r\nList-Id : second\r\nX-List-Id: no\r\nLIST-ID:caf\xc3\xa9\r\n\r\n";

    fn wanted() -> Arc<[FieldName]> {
        ["List-Id", "X-Empty", "X-Missing"].map(|name| name.parse().unwrap()).into()
    }

    fn expected() -> HeaderFields {
        let mut fields = HeaderFields::default();
        for (place, value) in
            [(0, "News\t<news.corp.example>"), (1, ""), (0, "second"), (0, "caf\u{e9}")]
        {
            fields.add(place, value.to_owned());
        }
        fields
    }

    #[test]
    fn any_cut_gives_the_same_fields_and_the_same_end() {
        let whole = [HEADER, b"List-Id: body\r\n"].concat();
        for step in 1..=whole.len() {
            let mut scan = FieldScan::new(wanted(), HEADER.len());
            let mut ended = None;
            let mut taken = 0;
            for piece in whole.chunks(step) {
                let state = scan.scan(piece);
                taken += piece.len();
                if state == Scanned::Ended && ended.is_none() {
                    ended = Some(taken);
                }
                assert_ne!(state, Scanned::TooLong, "step {step}");
            }
            let first = ended.unwrap();
            assert!(first >= HEADER.len() && first < HEADER.len() + step, "step {step}: {first}");
            assert_eq!(scan.fields, expected(), "step {step}");
        }
    }

    #[test]
    fn fields_end_at_the_first_line_that_is_none() {
        for line in ["not a field\r\n", ": no name\r\n", "two words: x\r\n", "caf\u{e9}: x\r\n"] {
            let mut scan = FieldScan::new(wanted(), 1000);
            let message = format!("X-Empty: before\r\n{line}List-Id: behind\r\n\r\n");
            assert_eq!(scan.scan(message.as_bytes()), Scanned::Ended, "{line}");
            let mut fields = HeaderFields::default();
            fields.add(1, "before".to_owned());
            assert_eq!(scan.fields, fields, "{line}");
        }
    }

    #[test]
    fn the_limit_counts_the_empty_line_and_is_the_same_at_any_cut() {
        for step in 1..=HEADER.len() {
            let mut scan = FieldScan::new(wanted(), HEADER.len() - 1);
            let last = HEADER.chunks(step).map(|piece| scan.scan(piece)).last();
            assert_eq!(last, Some(Scanned::TooLong), "step {step}");
        }
    }

    #[test]
    fn a_line_without_end_is_not_kept() {
        let mut scan = FieldScan::new(wanted(), 10_000);
        let last = (0..1000).map(|_| scan.scan(&[b'a'; 1000])).last();
        assert_eq!(last, Some(Scanned::TooLong));
        assert!(scan.lines.capacity() <= 20_000);
    }

    #[test]
    fn a_header_ends_with_the_message_too() {
        let mut scan = FieldScan::new(wanted(), 100);
        assert_eq!(scan.scan(b"List-Id: x\r\n y\r\n"), Scanned::More);
        scan.end();
        let mut fields = HeaderFields::default();
        fields.add(0, "x y".to_owned());
        assert_eq!((scan.state, scan.fields), (Scanned::Ended, fields));
    }

    #[test]
    fn a_message_that_begins_with_an_empty_line_has_no_fields() {
        let mut scan = FieldScan::new(wanted(), 100);
        assert_eq!(scan.scan(b"\r\nList-Id: x\r\n"), Scanned::Ended);
        assert_eq!(scan.fields, HeaderFields::default());
    }
}
