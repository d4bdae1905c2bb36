//! A message as it comes in: cut anywhere, it has the fields and the body of the whole.

use message::{Section, SectionReader, Sections};

use crate::cut::{cut, ways};

/// The first octet says into pieces of which size the rest is cut.
pub fn sections(data: &[u8]) {
    let Some((size, message)) = cut(data) else { return };
    let whole = Sections::parse(message);
    let fields: Vec<_> = whole.fields().map(|field| field.lines().to_vec()).collect();
    let together = [fields.concat().as_slice(), whole.separator(), whole.body()].concat();
    assert_eq!(together, message, "not an octet is lost");
    for pieces in ways(size, message) {
        for known_last in [true, false] {
            let told = tell(&pieces, known_last);
            assert_eq!(told.fields, fields, "{known_last}");
            assert_eq!(told.body, whole.body(), "{known_last}");
            assert_eq!(told.ends, 1, "the end of the header is told once");
        }
    }
}

#[derive(Default)]
struct Told {
    fields: Vec<Vec<u8>>,
    body: Vec<u8>,
    ends: usize,
}

/// `known_last`: the last piece is known to be that; otherwise an empty one follows.
fn tell(pieces: &[&[u8]], known_last: bool) -> Told {
    let (mut reader, mut told) = (SectionReader::new(), Told::default());
    let after: &[&[u8]] = if known_last && !pieces.is_empty() { &[] } else { &[b""] };
    let all: Vec<_> = pieces.iter().chain(after).collect();
    for (at, piece) in all.iter().enumerate() {
        let (mut piece, last) = (**piece, at + 1 == all.len());
        while let Some(section) = reader.next(&mut piece, last) {
            match section {
                Section::Field(field) => {
                    assert!(told.ends == 0 && told.body.is_empty(), "behind the header");
                    assert_eq!(Sections::parse(field.lines()).fields().next(), Some(field));
                    told.fields.push(field.lines().to_vec());
                }
                Section::EndOfHeader => told.ends += 1,
                Section::Body(body) => {
                    assert!(told.ends == 1 && !body.is_empty(), "before the header has ended");
                    told.body.extend_from_slice(body);
                }
                Section::TooLong(octets) => assert_eq!(octets, 0, "so many are not too long"),
            }
        }
        assert!(piece.is_empty(), "all of a piece is read");
    }
    told
}

#[cfg(test)]
mod tests {
    use crate::exercise::exercise;

    #[test]
    fn seeds_and_mutations() {
        let words: &[&[u8]] = &[
            b"A: 1\r\n",
            b"A : 1\r\n",
            b"A: 1\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"\r\n \r\n",
            b"\r\n\tfolded\r\n",
            b"no field\r\n",
            b":\r\n",
            b": ",
            b" ",
            b"\xc3\xbc: 1\r\n",
            b"\x00",
            b"Subject:",
        ];
        exercise("sections", super::sections, words);
    }
}
