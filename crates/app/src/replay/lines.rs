//! The lines of a file or of standard input, each of bounded length.

use std::io::{BufRead, Read};

/// The longest line that is looked at. Neither an address nor a line of a mail log is longer.
const LINE_MAX: u64 = 64 << 10;

/// Reads lines.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, number: 0 }
    }

    /// The next line with its number from 1, without its end; none at the end. What is not
    /// UTF-8 is replaced, what is too long is cut.
    pub(super) fn next(&mut self) -> std::io::Result<Option<(u64, String)>> {
        let mut line = Vec::new();
        if self.reader.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        if !line.ends_with(b"\n") && line.len() as u64 == LINE_MAX {
            self.reader.skip_until(b'\n')?;
        }
        self.number += 1;
        if self.number == 1 && line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
        }
        let text = String::from_utf8_lossy(&line);
        Ok(Some((self.number, text.trim_end_matches(['\r', '\n']).to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_numbers_and_long_ones_are_cut() {
        let long = "x".repeat(200_000);
        let text = format!("\u{feff}a\r\n\n{long}\nb");
        let mut lines = Lines::new(text.as_bytes());
        assert_eq!(lines.next().unwrap(), Some((1, "a".to_owned())));
        assert_eq!(lines.next().unwrap(), Some((2, String::new())));
        let (number, cut) = lines.next().unwrap().unwrap();
        assert_eq!((number, cut.len() as u64), (3, LINE_MAX));
        assert_eq!(lines.next().unwrap(), Some((4, "b".to_owned())));
        assert_eq!(lines.next().unwrap(), None);
    }
}
