//! A header as it streams by, line by line.
//!
//! Most lines lie whole in a span and are looked at where they are. Of one that is cut the
//! beginning is kept until its end comes. Split anywhere, the lines are the same.

use memchr::memchr;

/// Cuts spans into lines, of which `KEPT` octets are looked at, their ends included.
#[derive(Debug, Default)]
pub(crate) struct HeaderLines<const KEPT: usize> {
    /// The beginning of a line whose end has not come yet.
    kept: Vec<u8>,
    /// That line is longer than what is looked at.
    is_cut: bool,
    /// What is kept was handed out.
    is_over: bool,
}

/// A line, without its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderLine<'a> {
    pub(crate) octets: &'a [u8],
    /// It goes on behind that.
    pub(crate) is_cut: bool,
}

impl<const KEPT: usize> HeaderLines<KEPT> {
    /// The next line of which the end is there. What was looked at is taken off `span`; `None`:
    /// that is all of it.
    pub(crate) fn next<'l, 's: 'l>(&'l mut self, span: &mut &'s [u8]) -> Option<HeaderLine<'l>> {
        if std::mem::take(&mut self.is_over) {
            self.kept.clear();
        }
        let (line, rest, is_whole) = match memchr(b'\n', span) {
            Some(end) => {
                let (line, rest) = span.split_at(end + 1);
                (line, rest, true)
            }
            None => (*span, Default::default(), false),
        };
        *span = rest;
        let room = KEPT.saturating_sub(self.kept.len());
        self.is_cut |= line.len() > room;
        let line = line.get(..room).unwrap_or(line);
        let octets = match is_whole && self.kept.is_empty() {
            true => line,
            false => {
                self.kept.extend_from_slice(line);
                self.is_over = is_whole;
                &self.kept
            }
        };
        is_whole.then(|| HeaderLine {
            octets: without_end(octets),
            is_cut: std::mem::take(&mut self.is_cut),
        })
    }

    /// Octets that it has room for.
    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.kept.capacity()
    }

    /// The line whose end never came, if there is one: the message is over.
    pub(crate) fn last(&mut self) -> Option<HeaderLine<'_>> {
        let is_cut = std::mem::take(&mut self.is_cut);
        let rest = !self.is_over && !self.kept.is_empty();
        rest.then(|| HeaderLine { octets: without_end(&self.kept), is_cut })
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(spans: &[&[u8]]) -> Vec<(String, bool)> {
        let mut lines = HeaderLines::<8>::default();
        let mut all = Vec::new();
        for mut span in spans.iter().copied() {
            while let Some(line) = lines.next(&mut span) {
                all.push((String::from_utf8_lossy(line.octets).into_owned(), line.is_cut));
            }
            assert!(span.is_empty() && lines.kept.len() <= 8);
        }
        let last = lines.last();
        all.extend(
            last.map(|line| (String::from_utf8_lossy(line.octets).into_owned(), line.is_cut)),
        );
        all
    }

    #[test]
    fn split_anywhere_the_lines_are_the_same() {
        let text = b"a: 1\r\nlonger than that\r\n\r\nno CR\n12345678\r\nabcdef\r\nthe rest";
        let whole = lines(&[text]);
        let told: Vec<_> = whole.iter().map(|(line, is_cut)| (line.as_str(), *is_cut)).collect();
        let cut = [("longer t", true), ("12345678", true)];
        let rest = [("a: 1", false), ("", false), ("no CR", false), ("abcdef", false)];
        assert_eq!(told, [rest[0], cut[0], rest[1], rest[2], cut[1], rest[3], ("the rest", false)]);
        for step in 1..text.len() {
            assert_eq!(lines(&text.chunks(step).collect::<Vec<_>>()), whole, "step {step}");
        }
    }
}
