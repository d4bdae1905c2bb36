//! A message as header fields and body while it comes in, piece by piece: the same as
//! [`Sections`](crate::Sections) finds in the whole of it, and no more of it is kept than one
//! field.

use crate::sections::{FieldLines, begins_field, field, line_end};

/// Octets of a field that are kept. What milters can be shown (64 KiB) is less, CRLF inside made
/// LF included.
pub const FIELD_MAX: usize = 128 * 1024;

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Section<'a> {
    /// One field of the header.
    Field(FieldLines<'a>),
    /// A field that has more than [`FIELD_MAX`] octets, and so many came of it. Nothing is told
    /// behind it.
    TooLong(usize),
    /// No field follows; told once.
    EndOfHeader,
    /// A piece of the body, never empty, cut anywhere.
    Body(&'a [u8]),
}

/// Reads a message that comes in pieces.
#[derive(Debug, Default)]
pub struct SectionReader {
    /// Of one field, or of a line that may be the first of one.
    kept: Vec<u8>,
    /// It was told.
    told: bool,
    place: Place,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Header,
    Body,
    /// Nothing more is told.
    Over,
}

impl SectionReader {
    /// At the beginning of a message.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next part. It takes from the front of `piece` what it has read; `None`: all of that,
    /// and the next piece is to follow. `last`: none does.
    pub fn next<'a, 'p: 'a>(&'a mut self, piece: &mut &'p [u8], last: bool) -> Option<Section<'a>> {
        if std::mem::take(&mut self.told) {
            self.kept = Vec::new();
        }
        while self.place == Place::Header {
            if self.is_field_over(piece, last) {
                self.told = true;
                return field(&self.kept).map(|(field, _)| Section::Field(field));
            }
            if piece.is_empty() && !last {
                return None;
            }
            let (line, rest) = piece.split_at(line_end(piece));
            *piece = rest;
            self.kept.extend_from_slice(line);
            if matches!(&*self.kept, b"\r\n" | b"\n") {
                self.kept.clear();
                self.place = Place::Body;
                return Some(Section::EndOfHeader);
            }
            let more_may_come = !(last && piece.is_empty());
            match begins_field(&self.kept, more_may_come) {
                Some(true) if self.kept.len() > FIELD_MAX => {
                    self.place = Place::Over;
                    return Some(Section::TooLong(std::mem::take(&mut self.kept).len()));
                }
                Some(true) | None => {}
                Some(false) => {
                    self.place = Place::Body;
                    return Some(Section::EndOfHeader);
                }
            }
        }
        if self.place == Place::Over {
            *piece = &[];
            return None;
        }
        if !self.kept.is_empty() {
            self.told = true;
            return Some(Section::Body(&self.kept));
        }
        let body = std::mem::take(piece);
        (!body.is_empty()).then_some(Section::Body(body))
    }

    /// What is kept is a field, and `piece`, which follows, is none of it.
    fn is_field_over(&self, piece: &[u8], last: bool) -> bool {
        match piece.first() {
            None => last && begins_field(&self.kept, false) == Some(true),
            Some(b' ' | b'\t') => false,
            Some(_) => self.kept.ends_with(b"\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Sections;

    /// The fields' lines, and the body; what is told out of order is in neither.
    fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Vec<u8>, usize) {
        let (mut fields, mut body, mut ends) = (Vec::new(), Vec::new(), 0);
        let mut reader = SectionReader::new();
        for (at, piece) in pieces.iter().enumerate() {
            let (mut piece, last) = (*piece, at + 1 == pieces.len());
            while let Some(section) = reader.next(&mut piece, last) {
                match section {
                    Section::Field(field) if ends == 0 => fields.push(field.lines().to_vec()),
                    Section::EndOfHeader => ends += 1,
                    Section::Body(piece) if ends == 1 && !piece.is_empty() => body.extend(piece),
                    other => panic!("{other:?} out of order"),
                }
            }
            assert!(piece.is_empty(), "not all of it was read");
        }
        (fields, body, ends)
    }

    fn check(message: &[u8], cuts: &[usize]) {
        let sections = Sections::parse(message);
        let fields: Vec<_> = sections.fields().map(|field| field.lines().to_vec()).collect();
        let mut pieces = Vec::new();
        let mut rest = message;
        for cut in cuts {
            let (piece, behind) = rest.split_at((*cut).min(rest.len()));
            pieces.push(piece);
            rest = behind;
        }
        pieces.push(rest);
        let shown = String::from_utf8_lossy(message).into_owned();
        assert_eq!(read(&pieces), (fields, sections.body().to_vec(), 1), "{cuts:?} of {shown:?}");
    }

    const MESSAGES: [&str; 14] = [
        "A: 1\r\nB : 2\r\n\t3\r\n \r\nC:\r\n\r\nbody: x\r\n\r\n y",
        "A: 1\r\n\r\n",
        "A: 1\r\n",
        "A: 1",
        "A: 1\r\n folded",
        "A: 1\r\nno field\r\nB: 2\r\n\r\nbody\r\n",
        "A: 1\r\n: no name\r\n",
        " of nothing\r\nA: 1\r\n\r\n",
        "\r\nbody\r\n",
        "\nbody\n",
        "no line end",
        "\r",
        "A: 1\n\n\nx\n",
        "",
    ];

    #[test]
    fn any_cut_tells_what_the_whole_tells() {
        for message in MESSAGES {
            for first in 0..=message.len() {
                for second in 0..=message.len() - first {
                    check(message.as_bytes(), &[first, second]);
                }
            }
            check(message.as_bytes(), &vec![1; message.len()]);
        }
    }

    #[test]
    fn a_long_line_without_a_colon_is_body_as_soon_as_that_is_sure() {
        for length in [997, 998, 999, 1000, 5000] {
            let name = "a".repeat(length);
            for message in [name.clone(), format!("{name}: x\r\n\r\n"), format!("{name}\r\n: x")] {
                for cut in [1, 500, 997, 998, 999, 1000, 1001, 4000] {
                    check(message.as_bytes(), &[cut]);
                }
            }
        }
        let mut reader = SectionReader::new();
        let line = vec![b'a'; 10_000];
        let mut piece = &line[..];
        assert_eq!(reader.next(&mut piece, false), Some(Section::EndOfHeader));
        assert_eq!(reader.next(&mut piece, false), Some(Section::Body(&line)));
    }

    #[test]
    fn no_more_is_kept_than_one_field_may_have() {
        let mut reader = SectionReader::new();
        let mut first = &b"A: 1\r\nB:"[..];
        assert!(matches!(reader.next(&mut first, false), Some(Section::Field(_))));
        assert_eq!(reader.next(&mut first, false), None);
        let line = [b" ".as_slice(), &[b'x'; 8190], b"\r\n"].concat();
        let mut kept = 2;
        let told = loop {
            let mut piece = &line[..];
            kept += line.len();
            if let Some(section) = reader.next(&mut piece, false) {
                assert_eq!(section, Section::TooLong(kept));
                break kept;
            }
            assert!(kept <= FIELD_MAX);
        };
        assert!(told > FIELD_MAX && told < FIELD_MAX + 2 * line.len());
        let mut more = &b"C: 3\r\n\r\nbody"[..];
        assert_eq!(reader.next(&mut more, true), None);
        assert!(more.is_empty());
    }

    proptest! {
        #[test]
        fn any_text_in_any_pieces_tells_what_the_whole_tells(
            message in "([a-c:]{0,3}[ :]{0,2}[a\t ]{0,3}(\r\n|\n|\r)?){0,8}",
            cuts in proptest::collection::vec(0usize..6, 0..12),
        ) {
            check(message.as_bytes(), &cuts);
        }
    }
}
