//! The header block as it streams by: Message-ID for the record, Received for loops.
//!
//! The hot path must not hold or parse messages, so only the beginning of each line
//! is looked at, and only up to the empty line. It is read as `message::Header` reads it: a line
//! of white space continues a field, and ends nothing; white space may stand before the colon; a
//! line that is no field is passed over. Split anywhere, the result is the same.

use message::{continues_field, field_line};

use crate::fields::Scanned;
use crate::header_lines::HeaderLines;

/// RFC 5321 s6.3: a count of Received fields that means a loop should be at least
/// 100.
const RECEIVED_MAX: u32 = 100;

/// A field's line is kept up to this many bytes: enough for any Message-ID that RFC
/// 5322 s2.1.1 allows on a line.
const KEPT_MAX: usize = 998;

/// Reads a header block, span by span.
#[derive(Debug, Default)]
pub(crate) struct HeaderScan {
    ended: bool,
    /// Octets of it, the empty line included.
    octets: usize,
    lines: HeaderLines<KEPT_MAX>,
    /// The line before was of a field: the next may be a continuation.
    open: bool,
    /// A Message-ID whose value stands on the next, folded line.
    folded_id: bool,
    received: u32,
    message_id: Option<String>,
}

impl HeaderScan {
    /// Takes a span of mail data.
    pub(crate) fn scan(&mut self, mut span: &[u8]) {
        let mut lines = std::mem::take(&mut self.lines);
        while !self.ended && !span.is_empty() {
            let before = span.len();
            let line = lines.next(&mut span);
            self.octets = self.octets.saturating_add(before - span.len());
            if let Some(line) = line {
                self.whole_line(line.octets);
            }
        }
        self.lines = lines;
    }

    fn whole_line(&mut self, line: &[u8]) {
        if line.is_empty() {
            self.ended = true;
            return;
        }
        if self.open && continues_field(line) {
            if self.folded_id {
                self.keep_id(line);
            }
            return;
        }
        self.folded_id = false;
        // A continuation of nothing is a field to some programs.
        let field = field_line(line.trim_ascii_start());
        self.open = field.is_some();
        let Some((name, value)) = field else { return };
        if name.eq_ignore_ascii_case(b"received") {
            self.received = self.received.saturating_add(1);
        } else if self.message_id.is_none() && name.eq_ignore_ascii_case(b"message-id") {
            self.folded_id = true;
            self.keep_id(value);
        }
    }

    fn keep_id(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        if !value.is_empty() {
            self.folded_id = false;
            self.message_id = Some(String::from_utf8_lossy(value).into_owned());
        }
    }

    /// Where it is, if it may have so many octets.
    pub(crate) fn scanned(&self, limit: usize) -> Scanned {
        match self.ended {
            _ if self.octets > limit => Scanned::TooLong,
            true => Scanned::Ended,
            false => Scanned::More,
        }
    }

    /// More Received fields than any honest path has.
    pub(crate) fn is_looping(&self) -> bool {
        self.received > RECEIVED_MAX
    }

    /// It had none, and got this one.
    pub(crate) fn added_id(&mut self, id: String) {
        self.message_id.get_or_insert(id);
    }

    /// The first Message-ID, as written.
    pub(crate) fn message_id(&self) -> Option<&str> {
        self.message_id.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &[u8] = b"Received: a\r\nRECEIVED: b\r\n\tfolded\r\nSubject: x\r\n\
        Message-ID:\r\n <id@example>\r\nMessage-ID: <second@x>\r\n\r\nReceived: body\r\n";

    #[test]
    fn any_split_finds_the_same() {
        for cut in 0..=MESSAGE.len() {
            let mut scan = HeaderScan::default();
            let (a, b) = MESSAGE.split_at(cut);
            scan.scan(a);
            scan.scan(b);
            assert_eq!(scan.message_id(), Some("<id@example>"), "cut at {cut}");
            assert_eq!(scan.received, 2, "cut at {cut}");
        }
        let mut scan = HeaderScan::default();
        MESSAGE.chunks(1).for_each(|byte| scan.scan(byte));
        assert_eq!((scan.message_id(), scan.received), (Some("<id@example>"), 2));
    }

    #[test]
    fn fields_are_told_as_mail_programs_tell_them() {
        for message in [
            "Subject: x\r\n \r\nMessage-ID: <a@b>\r\nReceived: x\r\n\r\n",
            "Message-ID : <a@b>\r\nRECEIVED\t: x\r\n\r\n",
            "message-id:\r\n \t\r\n <a@b>\r\nReceived : x\r\n \r\n",
            "no field\r\n Message-ID: <a@b>\r\n Received: no field of its own\r\nReceived:x",
            "Subject: x\r\n Message-ID: <c@d>\r\nMessage-ID: <a@b>\r\nReceived: x\r\n\r\n",
        ] {
            for step in 1..=message.len() {
                let mut scan = HeaderScan::default();
                message.as_bytes().chunks(step).for_each(|piece| scan.scan(piece));
                scan.scan(b"\r\n");
                let seen = (scan.message_id(), scan.received);
                assert_eq!(seen, (Some("<a@b>"), 1), "{message:?}, step {step}");
            }
        }
    }

    #[test]
    fn a_long_line_is_kept_alike_however_it_comes() {
        for length in KEPT_MAX - 20..KEPT_MAX + 20 {
            let line = format!("Message-ID: <{}>\r\n\r\n", "a".repeat(length));
            let (mut whole, mut split) = (HeaderScan::default(), HeaderScan::default());
            whole.scan(line.as_bytes());
            line.as_bytes().chunks(7).for_each(|piece| split.scan(piece));
            assert_eq!(whole.message_id(), split.message_id(), "{length}");
            assert!(whole.message_id().is_some_and(|id| id.len() <= KEPT_MAX));
        }
    }

    #[test]
    fn a_hundred_received_fields_pass_and_one_more_is_a_loop() {
        let mut scan = HeaderScan::default();
        (0..100).for_each(|_| scan.scan(b"Received: x\r\n"));
        assert!(!scan.is_looping());
        scan.scan(b"Received: x\r\n");
        assert!(scan.is_looping());
    }

    #[test]
    fn an_endless_line_is_not_kept() {
        let mut scan = HeaderScan::default();
        for _ in 0..1000 {
            scan.scan(&[b'a'; 1000]);
        }
        assert!(scan.lines.capacity() <= 2 * KEPT_MAX);
        scan.scan(b"\r\nMessage-ID: <x@y>\r\n");
        assert_eq!(scan.message_id(), Some("<x@y>"));
    }
}
