//! Bytes for the XML parser, counted: in which line it is, and how much one piece of markup has
//! taken. The parser keeps a piece in memory until it ends, so a piece that does not must be cut.

use std::io::{self, BufRead, Read};

use crate::error::Place;

/// Longest tag, comment or stretch of text. A field is cut far earlier (see `record`); this much
/// is only ever an embedded document.
pub(crate) const PIECE_MAX: usize = 8 << 20;
const BUFFER: usize = 64 * 1024;

/// Counts lines and limits pieces.
pub(crate) struct Located<R> {
    reader: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    place: Place,
    piece: usize,
}

impl<R: Read> Located<R> {
    pub(crate) fn new(reader: R) -> Self {
        let buffer = vec![0; BUFFER].into_boxed_slice();
        let place = Place { line: 1, column: 1 };
        Self { reader, buffer, start: 0, end: 0, place, piece: 0 }
    }

    /// Where the next byte is.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// A new piece begins.
    pub(crate) fn begin_piece(&mut self) {
        self.piece = 0;
    }

    /// Whether reading stopped because of the limit.
    pub(crate) fn is_over(&self) -> bool {
        self.piece > PIECE_MAX
    }
}

impl<R: Read> Read for Located<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(out)?;
        self.consume(read);
        Ok(read)
    }
}

impl<R: Read> BufRead for Located<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.is_over() {
            return Err(io::Error::other("a piece of markup over the limit"));
        }
        if self.start == self.end {
            self.start = 0;
            self.end = self.reader.read(&mut self.buffer)?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let taken = self.buffer.get(self.start..self.start + amount).unwrap_or_default();
        match memchr::memrchr(b'\n', taken) {
            Some(last) => {
                self.place.line += memchr::memchr_iter(b'\n', taken).count() as u64;
                self.place.column = (taken.len() - last) as u64;
            }
            None => self.place.column += taken.len() as u64,
        }
        self.start += taken.len();
        self.piece += taken.len();
    }
}
