//! The authors of a message, where rules say who they may be: read as the header streams by.
//!
//! Every line up to the empty one counts that begins with `From` and a colon, also behind a
//! line that is no field: some programs end the header there, others go on. So whoever reads
//! the message sees no author that was not looked at here. Nothing is kept but the beginning
//! of the current line and the value of the current `From`. The message is refused at the
//! client's dot, and the smarthost's connection is dropped without one, or gets RSET where it
//! waits before DATA.

use std::sync::Arc;

use memchr::memchr;
use message::continues_field;
use policy::{AuthorDomain, AuthorFault, check_authors};

use crate::header_lines::{HeaderLine, HeaderLines};

/// Octets that are kept of a line: RFC 5322 s2.1.1 allows 998 and the CRLF.
const LINE_MAX: usize = 1000;
/// Octets of one `From`, with its folded lines.
const VALUE_MAX: usize = 16 * 1024;

/// What a span has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// The header goes on.
    NotYet,
    /// It has ended, and every author may be used.
    Permitted,
    /// They may not.
    Refused(AuthorFault),
    /// The header is longer than it may be.
    TooLong,
}

/// Reads a header for its authors.
#[derive(Debug)]
pub(crate) struct AuthorScan {
    domains: Arc<[AuthorDomain]>,
    /// Octets the header may still have.
    left: usize,
    lines: HeaderLines<LINE_MAX>,
    /// A `From` whose next line may be a continuation.
    value: Option<Vec<u8>>,
    /// A line has been read.
    begun: bool,
    /// A `From` has been read, and its authors may be used.
    permitted: bool,
}

impl AuthorScan {
    pub(crate) fn new(domains: Arc<[AuthorDomain]>, limit: usize) -> Self {
        Self {
            domains,
            left: limit,
            lines: HeaderLines::default(),
            value: None,
            begun: false,
            permitted: false,
        }
    }

    /// Takes a span of mail data. After anything but [`Judged::NotYet`] it takes no more.
    pub(crate) fn scan(&mut self, mut span: &[u8]) -> Judged {
        let mut lines = std::mem::take(&mut self.lines);
        while !span.is_empty() {
            let before = span.len();
            let line = lines.next(&mut span);
            let Some(left) = self.left.checked_sub(before - span.len()) else {
                return Judged::TooLong;
            };
            self.left = left;
            let judged = line.map_or(Judged::NotYet, |line| self.whole_line(line));
            if judged != Judged::NotYet {
                return judged;
            }
        }
        self.lines = lines;
        Judged::NotYet
    }

    fn whole_line(&mut self, HeaderLine { octets: line, is_cut }: HeaderLine<'_>) -> Judged {
        let begun = std::mem::replace(&mut self.begun, true);
        if continues_field(line) {
            let Some(value) = &mut self.value else {
                // A continuation of nothing: some programs take it for a field.
                let refused = Judged::Refused(AuthorFault::Unreadable);
                return if begun { Judged::NotYet } else { refused };
            };
            value.extend_from_slice(line);
            if is_cut || value.len() > VALUE_MAX {
                return Judged::Refused(AuthorFault::Unreadable);
            }
            return Judged::NotYet;
        }
        if let Err(fault) = self.field_ended() {
            return Judged::Refused(fault);
        }
        if line.is_empty() {
            return self.ended();
        }
        if let Some(value) = from_field(line) {
            if is_cut {
                return Judged::Refused(AuthorFault::Unreadable);
            }
            self.value = Some(value.to_vec());
        }
        Judged::NotYet
    }

    fn field_ended(&mut self) -> Result<(), AuthorFault> {
        let Some(value) = self.value.take() else { return Ok(()) };
        check_authors(&String::from_utf8_lossy(&value), &self.domains)?;
        self.permitted = true;
        Ok(())
    }

    fn ended(&self) -> Judged {
        if self.permitted { Judged::Permitted } else { Judged::Refused(AuthorFault::Missing) }
    }

    /// The message is over, and so is its header.
    pub(crate) fn end(mut self) -> Judged {
        let mut lines = std::mem::take(&mut self.lines);
        if let Some(line) = lines.last() {
            let judged = self.whole_line(line);
            if judged != Judged::NotYet {
                return judged;
            }
        }
        match self.field_ended() {
            Ok(()) => self.ended(),
            Err(fault) => Judged::Refused(fault),
        }
    }
}

/// The value of the field, if the line begins a `From`; white space before the colon is
/// obsolete syntax (RFC 5322 s4.5).
fn from_field(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at(memchr(b':', line)?);
    let is_from = name.trim_ascii_end().eq_ignore_ascii_case(b"from");
    is_from.then(|| value.get(1..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan() -> AuthorScan {
        AuthorScan::new(["corp.example".parse().unwrap()].into(), 10_000)
    }

    fn judge(message: &str) -> Judged {
        let mut whole = scan();
        let mut judged = whole.scan(message.as_bytes());
        if judged == Judged::NotYet {
            judged = whole.end();
        }
        for step in [1, 2, 7] {
            let mut pieces = scan();
            let cut = message.as_bytes().chunks(step).map(|piece| pieces.scan(piece));
            let found = cut.into_iter().find(|judged| *judged != Judged::NotYet);
            assert_eq!(found.unwrap_or_else(|| pieces.end()), judged, "{message}, step {step}");
        }
        judged
    }

    #[test]
    fn every_from_counts_and_only_from() {
        for message in [
            "From: a@corp.example\r\n\r\nFrom: b@bank.example\r\n",
            "Sender: b@bank.example\r\nFROM :\r\n a@corp.example\r\n\r\n",
            "Resent-From: b@bank.example\r\nFrom: a@corp.example\r\nX-From: b@bank.example\r\n\r\n",
            "From: a@corp.example\r\n",
            "From: a@corp.example",
            "From a@corp.example Mon Jan  1 00:00:00 2026\r\nFrom: a@corp.example\r\n\r\n",
        ] {
            assert_eq!(judge(message), Judged::Permitted, "{message}");
        }
    }

    #[test]
    fn an_author_elsewhere_is_refused_wherever_the_header_may_end() {
        for message in [
            "From: b@bank.example\r\n\r\n",
            "From: a@corp.example\r\nFrom: b@bank.example\r\n\r\n",
            "From: a@corp.example\r\nno field\r\nfrom\t: b@bank.example\r\n\r\n",
            "From: a@corp.example,\r\n b@bank.example\r\n\r\n",
            "From: a@corp.example\r\n \r\nFrom: b@bank.example\r\n\r\n",
            "From: a@corp.example\r\nFrom: b@bank.example",
        ] {
            assert_eq!(judge(message), Judged::Refused(AuthorFault::Foreign), "{message}");
        }
    }

    #[test]
    fn no_author_and_one_that_cannot_be_read() {
        for message in
            ["Subject: x\r\n\r\nFrom: a@corp.example\r\n", "\r\nFrom: a@corp.example\r\n"]
        {
            assert_eq!(judge(message), Judged::Refused(AuthorFault::Missing), "{message}");
        }
        let long = "x".repeat(LINE_MAX);
        for message in [
            " From: a@corp.example\r\nFrom: a@corp.example\r\n\r\n".to_owned(),
            format!("From: {long}\r\n <a@corp.example>\r\n\r\n"),
            format!("From:\r\n {long}\r\n <a@corp.example>\r\n\r\n"),
        ] {
            assert_eq!(judge(&message), Judged::Refused(AuthorFault::Unreadable), "{message}");
        }
        let folded = format!("From:{}", "\r\n xxxxxxxxx".repeat(2_000));
        let mut scan = AuthorScan::new(["corp.example".parse().unwrap()].into(), 100_000);
        assert_eq!(scan.scan(folded.as_bytes()), Judged::Refused(AuthorFault::Unreadable));
    }

    #[test]
    fn long_lines_of_other_fields_are_passed_by_and_not_kept() {
        let message = format!("References: {}\r\nFrom: a@corp.example\r\n\r\n", "x".repeat(5_000));
        assert_eq!(judge(&message), Judged::Permitted);
        let mut scan = scan();
        scan.scan(&[b'x'; 9_000]);
        assert!(scan.lines.capacity() <= 2 * LINE_MAX);
        assert_eq!(scan.scan(&[b'x'; 2_000]), Judged::TooLong);
    }
}
