//! Reading an evidence file line by line: in bounded memory, and past lines that are not whole.
//!
//! A write that was cut short (a full disk, the end of the power) leaves part of a line. The
//! journal ends it before it goes on, but another session may have appended in between, so a
//! line may hold several records or parts of them. Every record begins with the same bytes,
//! which cannot occur inside JSON text because quotes are escaped there: that is how the
//! whole ones are told apart.

use std::io::{self, BufRead};
use std::ops::Range;
use std::sync::LazyLock;

use memchr::memchr;
use memchr::memmem::Finder;

use crate::reference::REFERENCE_LEN;

/// Longest line that is kept. Five texts of 4096 bytes, each byte written as six, fit.
const LINE_MAX: usize = 256 * 1024;
/// How every record begins (`tag = "record"` puts that field first).
const BEGIN: &[u8] = b"{\"record\":\"";

/// The lines of a file, one at a time.
pub(crate) struct Lines<R> {
    input: R,
    /// Bytes read so far.
    offset: u64,
    line: Vec<u8>,
}

/// One line, without its end.
pub(crate) struct Line<'a> {
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// How many bytes it has, its end included.
    pub(crate) length: u64,
    /// What it holds, up to [`LINE_MAX`].
    pub(crate) bytes: &'a [u8],
    /// Whether its end was there.
    pub(crate) ended: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads from here; `offset` says where in the file that is.
    pub(crate) fn new(input: R, offset: u64) -> Self {
        Self { input, offset, line: Vec::new() }
    }

    /// The line that was read last.
    pub(crate) fn line(&self) -> &[u8] {
        &self.line
    }

    /// The next line; none at the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let offset = self.offset;
        self.line.clear();
        loop {
            let input = match self.input.fill_buf() {
                Ok(input) => input,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let end = memchr(b'\n', input);
            let part = end.and_then(|end| input.get(..end)).unwrap_or(input);
            let room = LINE_MAX.saturating_sub(self.line.len());
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            self.offset += used as u64;
            if end.is_some() || (used == 0 && self.offset > offset) {
                return Ok(Some(Line {
                    offset,
                    length: self.offset - offset,
                    bytes: &self.line,
                    ended: end.is_some(),
                }));
            }
            if used == 0 {
                return Ok(None);
            }
        }
    }
}

/// What may be records on a line, whole or not.
pub(crate) fn records(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    spans(line).filter_map(|span| line.get(span))
}

/// Where on a line there may be records, whole or not.
pub(crate) fn spans(line: &[u8]) -> impl Iterator<Item = Range<usize>> {
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(BEGIN));
    let mut starts = FINDER.find_iter(line).peekable();
    std::iter::from_fn(move || {
        let start = starts.next()?;
        Some(start..starts.peek().copied().unwrap_or(line.len()))
    })
}

/// The transaction of a record, without reading all of it: inside of a text the quotes would
/// be escaped.
pub(crate) fn transaction(record: &[u8]) -> Option<&str> {
    const FIELD: &[u8] = b"\"transaction\":\"";
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(FIELD));
    let start = FINDER.find(record)? + FIELD.len();
    let name = record.get(start..start + REFERENCE_LEN)?;
    std::str::from_utf8(name).ok()
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn read(bytes: &[u8], buffer: usize) -> Vec<(u64, Vec<u8>, bool)> {
        let mut lines = Lines::new(BufReader::with_capacity(buffer, bytes), 0);
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            all.push((line.offset, line.bytes.to_vec(), line.ended));
        }
        all
    }

    #[test]
    fn lines_with_their_places_whatever_the_buffer() {
        for buffer in 1..9 {
            assert_eq!(read(b"", buffer), []);
            assert_eq!(
                read(b"ab\n\nc\nde", buffer),
                [
                    (0, b"ab".to_vec(), true),
                    (3, b"".to_vec(), true),
                    (4, b"c".to_vec(), true),
                    (6, b"de".to_vec(), false),
                ]
            );
        }
    }

    #[test]
    fn an_endless_line_takes_bounded_memory_and_the_next_one_is_read() {
        let bytes = [vec![b'x'; 3 * LINE_MAX], b"\nok\n".to_vec()].concat();
        let lines = read(&bytes, 8192);
        assert_eq!(lines[0].1.len(), LINE_MAX);
        assert_eq!(lines[1], (3 * LINE_MAX as u64 + 1, b"ok".to_vec(), true));
    }

    #[test]
    fn records_are_found_behind_and_between_torn_ones() {
        let found = |line: &[u8]| -> Vec<String> {
            records(line).map(|record| String::from_utf8_lossy(record).into_owned()).collect()
        };
        assert_eq!(found(b""), [""; 0]);
        assert_eq!(found(b"\"x\":1}"), [""; 0]);
        assert_eq!(
            found(b"torn\":{\"record\":\"a\"}{\"record\":\"b\",\"text\":\"{\\\"record\\\":\\\"\"}"),
            ["{\"record\":\"a\"}", "{\"record\":\"b\",\"text\":\"{\\\"record\\\":\\\"\"}"]
        );
    }
}
