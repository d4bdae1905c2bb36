//! CSV bytes to records (RFC 4180, and the ways real files bend it).
//!
//! A usual CSV reader lets one forgotten quote swallow the rest of the file as a single cell: of
//! an opt-out list that loses people silently. This one holds back at most [`RECORD_MAX`] bytes,
//! and where a quoted cell turns out to be none (it never ends, or text follows its closing quote
//! on a later line) that quote is taken as a plain character: the record then ends with its line,
//! and every line below is read as usual. Nothing is lost, and no more memory is taken however
//! the file looks. Lines end with CRLF, LF or CR; a line longer than the limit is one bad record.
//!
//! Where no rule is bent the outcome is that of the `csv` crate; a test holds them together.

use std::io::{self, Read};
use std::ops::Range;

use crate::spec::Delimiter;

/// Longest record, in bytes of UTF-8. A cell of reasons has hundreds; 1 MiB is no list any more.
pub(crate) const RECORD_MAX: usize = 1 << 20;
/// Most cells of a record.
pub(crate) const CELLS_MAX: usize = 4096;
const BUFFER: usize = 256 * 1024;

/// One cell: where it is, and whether quotes inside are doubled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    range: Range<usize>,
    doubled: bool,
}

/// One record, borrowed from the buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    /// Line of its first byte.
    pub(crate) line: u64,
    /// A quote in it was not one of a quoted cell.
    pub(crate) broken_quote: bool,
    bytes: &'a [u8],
    cells: &'a [Span],
}

/// What is next in the file.
#[derive(Debug)]
pub(crate) enum Next<'a> {
    Record(Record<'a>),
    /// A record over one of the limits; it was skipped.
    TooLong {
        line: u64,
    },
    End,
}

impl<'a> Record<'a> {
    pub(crate) fn len(&self) -> usize {
        self.cells.len()
    }

    /// The bytes of a cell, as they stand or, where quotes are doubled, undoubled in `scratch`.
    pub(crate) fn cell<'b>(&self, at: usize, scratch: &'b mut Vec<u8>) -> Option<&'b [u8]>
    where
        'a: 'b,
    {
        let span = self.cells.get(at)?;
        let bytes = self.raw(at)?;
        if !span.doubled {
            return Some(bytes);
        }
        scratch.clear();
        let mut rest = bytes;
        while let Some(quote) = memchr::memchr(b'"', rest) {
            let (upto, after) = rest.split_at(quote + 1);
            scratch.extend_from_slice(upto);
            rest = after.strip_prefix(b"\"").unwrap_or(after);
        }
        scratch.extend_from_slice(rest);
        Some(scratch)
    }

    /// The bytes of a cell with its doubled quotes.
    pub(crate) fn raw(&self, at: usize) -> Option<&'a [u8]> {
        self.bytes.get(self.cells.get(at)?.range.clone())
    }

    /// Whether nothing but white space is in it.
    pub(crate) fn is_blank(&self) -> bool {
        (0..self.len()).all(|at| self.raw(at).is_none_or(|cell| cell.trim_ascii().is_empty()))
    }
}

/// Reads records from UTF-8 text.
pub(crate) struct Records<R> {
    reader: R,
    delimiter: Delimiter,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    line: u64,
    cells: Vec<Span>,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(reader: R, delimiter: Delimiter) -> Self {
        let buffer = vec![0; BUFFER];
        Self {
            reader,
            delimiter,
            buffer,
            start: 0,
            end: 0,
            ended: false,
            line: 1,
            cells: Vec::new(),
        }
    }

    /// The next record that is not an empty line.
    pub(crate) fn next(&mut self) -> io::Result<Next<'_>> {
        let (line, scanned) = loop {
            self.skip_empty_lines()?;
            if self.start == self.end {
                return Ok(Next::End);
            }
            let end = self.end.min(self.start + RECORD_MAX);
            let bytes = self.buffer.get(self.start..end).unwrap_or_default();
            // All that is looked at for this record: the input has ended, or it is the limit.
            let whole = self.ended || bytes.len() == RECORD_MAX;
            let mut scan = Scan::new(bytes, self.delimiter, whole);
            match scan.record(&mut self.cells) {
                Some(scanned) => {
                    let line = self.line;
                    self.line += scanned.lines;
                    break (line, scanned);
                }
                None if whole => return self.skip_line(),
                None => self.refill()?,
            }
        };
        let bytes = self.buffer.get(self.start..self.end).unwrap_or_default();
        self.start += scanned.length;
        if self.cells.len() > CELLS_MAX {
            return Ok(Next::TooLong { line });
        }
        let broken_quote = scanned.broken_quote;
        Ok(Next::Record(Record { line, broken_quote, bytes, cells: &self.cells }))
    }

    fn skip_empty_lines(&mut self) -> io::Result<()> {
        loop {
            match self.buffer.get(self.start..self.end).unwrap_or_default() {
                [] if self.ended => return Ok(()),
                [] => self.refill()?,
                [b'\r', b'\n', ..] => self.take_line(2),
                // The line feed of this carriage return may be yet to come.
                [b'\r'] if !self.ended => self.refill()?,
                [b'\r' | b'\n', ..] => self.take_line(1),
                _ => return Ok(()),
            }
        }
    }

    fn take_line(&mut self, length: usize) {
        self.start += length;
        self.line += 1;
    }

    /// Throws away the rest of a line that is over the limit.
    fn skip_line(&mut self) -> io::Result<Next<'_>> {
        let line = self.line;
        loop {
            let bytes = self.buffer.get(self.start..self.end).unwrap_or_default();
            match memchr::memchr2(b'\n', b'\r', bytes) {
                Some(at) => {
                    self.start += at;
                    return Ok(Next::TooLong { line });
                }
                None if self.ended => {
                    self.start = self.end;
                    return Ok(Next::TooLong { line });
                }
                None => {
                    self.start = self.end;
                    self.refill()?;
                }
            }
        }
    }

    /// Reads more behind what is there, making room first.
    fn refill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end + BUFFER / 2 > self.buffer.len() {
            self.buffer.resize((self.buffer.len() * 2).min(RECORD_MAX + BUFFER), 0);
        }
        loop {
            let room = self.buffer.get_mut(self.end..).unwrap_or_default();
            match self.reader.read(room) {
                Ok(read) => {
                    self.end += read;
                    self.ended = read == 0;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

struct Scanned {
    length: usize,
    lines: u64,
    broken_quote: bool,
}

/// One walk over the bytes of a record.
struct Scan<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// No byte comes after `bytes`, or none that would be looked at.
    whole: bool,
    lines: u64,
    broken_quote: bool,
}

/// What ends a cell, and where.
struct CellEnd {
    span: Span,
    end: usize,
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8], delimiter: Delimiter, whole: bool) -> Self {
        Self { bytes, delimiter: delimiter.0, whole, lines: 0, broken_quote: false }
    }

    fn at(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// Where the record ends; none when that takes more bytes.
    fn record(&mut self, cells: &mut Vec<Span>) -> Option<Scanned> {
        cells.clear();
        let mut from = 0;
        loop {
            let CellEnd { span, end } = self.cell(from)?;
            // One over the limit is kept to tell; the rest would only cost memory.
            if cells.len() <= CELLS_MAX {
                cells.push(span);
            }
            let length = match (self.at(end), self.at(end + 1)) {
                (Some(byte), _) if byte == self.delimiter => {
                    from = end + 1;
                    continue;
                }
                (None, _) => end,
                (Some(b'\r'), Some(b'\n')) => end + 2,
                (Some(b'\r'), None) if !self.whole => return None,
                (Some(_), _) => end + 1,
            };
            if length >= RECORD_MAX {
                return None;
            }
            let lines = self.lines + 1;
            return Some(Scanned { length, lines, broken_quote: self.broken_quote });
        }
    }

    fn cell(&mut self, from: usize) -> Option<CellEnd> {
        let mut open = from;
        while self.at(open).is_some_and(|byte| self.is_space(byte)) {
            open += 1;
        }
        match self.at(open) {
            Some(b'"') => self.quoted(from, open),
            None if !self.whole => None,
            _ => self.plain(from, from),
        }
    }

    /// Spaces before an opening and behind a closing quote are no part of a cell.
    fn is_space(&self, byte: u8) -> bool {
        matches!(byte, b' ' | b'\t') && byte != self.delimiter
    }

    /// A cell without quotes, or one whose quotes mean nothing; looked through from `look` on.
    fn plain(&self, from: usize, look: usize) -> Option<CellEnd> {
        let rest = self.bytes.get(look..).unwrap_or_default();
        let end = match memchr::memchr3(self.delimiter, b'\n', b'\r', rest) {
            Some(length) => look + length,
            None if self.whole => self.bytes.len(),
            None => return None,
        };
        Some(CellEnd { span: Span { range: from..end, doubled: false }, end })
    }

    fn quoted(&mut self, from: usize, open: usize) -> Option<CellEnd> {
        let mut doubled = false;
        let mut look = open + 1;
        loop {
            let rest = self.bytes.get(look..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'"', rest) else {
                if !self.whole {
                    return None;
                }
                self.broken_quote = true;
                return self.plain(from, open);
            };
            let close = look + length;
            if self.at(close + 1) == Some(b'"') {
                doubled = true;
                look = close + 2;
                continue;
            }
            let mut end = close + 1;
            while self.at(end).is_some_and(|byte| self.is_space(byte)) {
                end += 1;
            }
            let inside = self.bytes.get(open + 1..close).unwrap_or_default();
            match self.at(end) {
                None if !self.whole => return None,
                Some(byte) if byte != self.delimiter && byte != b'\n' && byte != b'\r' => {
                    self.broken_quote = true;
                    return match line_ends(inside) {
                        // `"Bob Smith"@example.com`: the quotes belong to the value.
                        0 => self.plain(from, end),
                        // The quote of another cell, lines below.
                        _ => self.plain(from, open),
                    };
                }
                _ => {
                    self.lines += line_ends(inside);
                    return Some(CellEnd { span: Span { range: open + 1..close, doubled }, end });
                }
            }
        }
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    memchr::memchr2_iter(b'\n', b'\r', bytes)
        .filter(|at| bytes.get(*at) == Some(&b'\n') || bytes.get(at + 1) != Some(&b'\n'))
        .count() as u64
}

#[cfg(test)]
mod tests;
