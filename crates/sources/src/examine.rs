//! The first look at a file, over all its bytes: which encoding, is it valid, a fingerprint.
//!
//! A guess from the first kilobytes is wrong for the file whose only umlaut is in its last line,
//! so the guess is made from the whole, at memory speed. Order: byte order mark, setting, zero
//! bytes of UTF-16, UTF-8 when all of it is valid, windows-1252 when hardly any is. A file that
//! is mostly valid UTF-8 and then is not was damaged or pasted together: that is an error with
//! its place, because to guess would mangle addresses silently.

use std::io::Read;
use std::sync::atomic::Ordering;

use encoding_rs::{DecoderResult, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use sha2::{Digest as _, Sha256};

use crate::error::{Place, SourceError};
use crate::part::{Part, Reading};
use crate::progress::{Phase, Progress};
use crate::spec::Charset;
use crate::unpack::Packed;

const CHUNK: usize = 256 * 1024;

/// Control characters that are dirt in any list, and beyond them how many make a file binary: one
/// of so many bytes. Packed or random bytes have one of ten.
const CONTROLS_FEW: u64 = 16;
const CONTROLS_ONE_OF: u64 = 50;

/// What the first look found.
#[derive(Debug, Clone)]
pub(crate) struct Examined {
    pub(crate) encoding: &'static Encoding,
    /// Bytes of the byte order mark.
    pub(crate) mark: usize,
    /// SHA-256 over all bytes.
    pub(crate) digest: [u8; 32],
}

/// Reads everything once.
pub(crate) fn examine(
    part: &Part,
    setting: Option<Charset>,
    declared: impl Fn(&[u8]) -> Option<Charset>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Examined, SourceError> {
    let Reading { mut reader, packed } = part.start()?;
    let mut chunk = vec![0; CHUNK];
    let mut start = fill(&mut reader, &mut chunk).map_err(|error| part.io(error))?;
    let head = chunk.get(..start).unwrap_or_default();
    if part.is_unpacked() && Packed::of(head).is_some() {
        let what = "an archive inside of an archive is not unpacked; pack the list itself";
        return Err(part.io(std::io::Error::other(what)));
    }
    if let Some(what) = not_text(head) {
        return Err(SourceError::NotText { file: part.name().to_owned(), what });
    }
    let (fixed, mark) = match Encoding::for_bom(head) {
        Some((encoding, length)) => (Some(encoding), length),
        None => (setting.or_else(|| utf_16(head)).or_else(|| declared(head)).map(|c| c.0), 0),
    };
    let mut digest = Sha256::new();
    let mut check = Check::of(fixed.unwrap_or(UTF_8));
    let of_pairs = fixed.is_some_and(|encoding| encoding == UTF_16LE || encoding == UTF_16BE);
    let mut controls = 0_u64;
    let (mut done, mut skip) = (0_u64, mark);
    loop {
        let bytes = chunk.get(..start).unwrap_or_default();
        digest.update(bytes);
        controls += bytes.iter().filter(|byte| is_control(**byte)).count() as u64;
        check.take(bytes.get(skip..).unwrap_or_default(), done + skip as u64, bytes.is_empty());
        (done, skip) = (done + bytes.len() as u64, 0);
        let packed = packed.load(Ordering::Relaxed);
        progress(Progress { phase: Phase::Examine, done: packed, total: part.length() });
        if bytes.is_empty() {
            break;
        }
        start = fill(&mut reader, &mut chunk).map_err(|error| part.io(error))?;
    }
    if !of_pairs && controls > CONTROLS_FEW && controls * CONTROLS_ONE_OF > done {
        let file = part.name().to_owned();
        return Err(SourceError::NotText { file, what: "a binary file" });
    }
    let encoding = match (fixed, check.first_bad) {
        (Some(encoding), None) => encoding,
        (None, None) => UTF_8,
        (None, Some(_)) if check.bad > check.good => WINDOWS_1252,
        (fixed, Some(at)) => {
            let encoding = match fixed {
                Some(encoding) => encoding.name().to_owned(),
                None => "UTF-8, although most of the file is".to_owned(),
            };
            let place = locate(part, at)?;
            return Err(SourceError::Encoding { file: part.name().to_owned(), place, encoding });
        }
    };
    Ok(Examined { encoding, mark, digest: digest.finalize().into() })
}

/// What no text has, of the bytes below the space.
fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | 0x1a | 0x1b)
}

/// The digest alone, of what is no text.
pub(crate) fn digest(
    part: &Part,
    progress: &mut dyn FnMut(Progress),
) -> Result<[u8; 32], SourceError> {
    let Reading { mut reader, packed } = part.start()?;
    let (mut digest, mut chunk) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = fill(&mut reader, &mut chunk).map_err(|error| part.io(error))?;
        let done = packed.load(Ordering::Relaxed);
        progress(Progress { phase: Phase::Examine, done, total: part.length() });
        match read {
            0 => return Ok(digest.finalize().into()),
            _ => digest.update(chunk.get(..read).unwrap_or_default()),
        }
    }
}

/// Reads until the buffer is full or the input ends.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = buffer.get_mut(filled..) {
        match reader.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Counts what is and what is not valid in an encoding.
enum Checker {
    /// Up to three bytes of a character cut by the end of a chunk.
    Utf8 {
        rest: Vec<u8>,
    },
    Other(Box<encoding_rs::Decoder>),
}

struct Check {
    checker: Checker,
    first_bad: Option<u64>,
    bad: u64,
    /// Valid characters beyond ASCII.
    good: u64,
}

impl Check {
    fn of(encoding: &'static Encoding) -> Self {
        let checker = if encoding == UTF_8 {
            Checker::Utf8 { rest: Vec::new() }
        } else {
            Checker::Other(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        Self { checker, first_bad: None, bad: 0, good: 0 }
    }

    fn take(&mut self, bytes: &[u8], offset: u64, last: bool) {
        match &mut self.checker {
            Checker::Utf8 { rest } => {
                let carried = rest.len();
                let mut joined = std::mem::take(rest);
                let bytes = if carried == 0 {
                    bytes
                } else {
                    joined.extend_from_slice(bytes);
                    &joined
                };
                let left = self.take_utf_8(bytes, offset - carried as u64, last);
                self.checker = Checker::Utf8 { rest: left };
            }
            Checker::Other(decoder) => {
                let mut out = vec![0; CHUNK];
                let mut read = 0;
                loop {
                    let rest = bytes.get(read..).unwrap_or_default();
                    let (result, took, _) =
                        decoder.decode_to_utf8_without_replacement(rest, &mut out, last);
                    read += took;
                    match result {
                        DecoderResult::InputEmpty => return,
                        DecoderResult::OutputFull => {}
                        DecoderResult::Malformed(length, after) => {
                            let back = u64::from(length) + u64::from(after);
                            self.bad += 1;
                            let at = (offset + read as u64).saturating_sub(back);
                            self.first_bad.get_or_insert(at);
                        }
                    }
                }
            }
        }
    }

    /// Returns the bytes of a character that is cut by the end.
    fn take_utf_8(&mut self, mut bytes: &[u8], mut offset: u64, last: bool) -> Vec<u8> {
        loop {
            let error = match str::from_utf8(bytes) {
                Ok(text) => {
                    self.good += beyond_ascii(text);
                    return Vec::new();
                }
                Err(error) => error,
            };
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            self.good += beyond_ascii(str::from_utf8(valid).unwrap_or_default());
            let length = match error.error_len() {
                None if !last => return rest.to_vec(),
                None => rest.len(),
                Some(length) => length,
            };
            self.bad += 1;
            self.first_bad.get_or_insert(offset + valid.len() as u64);
            offset += (valid.len() + length) as u64;
            bytes = rest.get(length..).unwrap_or_default();
        }
    }
}

/// Leading bytes of multi-byte characters, counted without decoding.
fn beyond_ascii(text: &str) -> u64 {
    if text.is_ascii() {
        return 0;
    }
    text.bytes().filter(|byte| *byte >= 0xc0).count() as u64
}

/// UTF-16 without a mark: of the mostly-ASCII text that lists are, every other byte is zero.
fn utf_16(head: &[u8]) -> Option<Charset> {
    let (pairs, _) = head.get(..head.len().min(4096))?.as_chunks::<2>();
    let zeros = |at: fn(&[u8; 2]) -> u8| pairs.iter().filter(|pair| at(pair) == 0).count();
    let (first, second) = (zeros(|[first, _]| *first), zeros(|[_, second]| *second));
    match () {
        () if pairs.is_empty() => None,
        () if second * 10 >= pairs.len() * 6 && first == 0 => Some(Charset(UTF_16LE)),
        () if first * 10 >= pairs.len() * 6 && second == 0 => Some(Charset(UTF_16BE)),
        () => None,
    }
}

/// Files that people rename or mistake for lists.
fn not_text(head: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], _); 13] = [
        (b"PK\x03\x04", "a workbook (.xlsx) or another ZIP archive"),
        (b"\xd0\xcf\x11\xe0", "an old Office file (.xls)"),
        (b"\x1f\x8b", "a gzip archive"),
        (b"%PDF", "a PDF"),
        (b"SQLite format 3\0", "a SQLite database"),
        (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
        (b"BZh", "a bzip2 archive"),
        (b"\xfd7zXZ\0", "an xz archive"),
        (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
        (b"\x04\x22\x4d\x18", "an LZ4 archive"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"\x89PNG", "a picture"),
        (b"\xff\xd8\xff", "a picture"),
    ];
    let tar = head.get(257..262) == Some(b"ustar");
    let kind = kinds.into_iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, what)| what);
    kind.or(tar.then_some("a tar archive"))
}

/// Line and byte column of an offset.
fn locate(part: &Part, offset: u64) -> Result<Place, SourceError> {
    let mut place = Place { line: 1, column: 1 };
    let mut reader = part.start()?.reader.take(offset);
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = fill(&mut reader, &mut chunk).map_err(|error| part.io(error))?;
        let bytes = chunk.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(place);
        }
        match memchr::memrchr(b'\n', bytes) {
            Some(last) => {
                place.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
                place.column = (bytes.len() - last) as u64;
            }
            None => place.column += bytes.len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Input;

    fn look(bytes: &[u8]) -> Result<Examined, SourceError> {
        let part = Part::whole(Input::bytes("list.csv", bytes).into());
        examine(&part, None, |_| None, &mut |_| ())
    }

    fn encoding(bytes: &[u8]) -> (&'static str, usize) {
        let found = look(bytes).unwrap();
        (found.encoding.name(), found.mark)
    }

    fn utf_16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn marks_decide() {
        assert_eq!(encoding(b"\xef\xbb\xbfemail\n"), ("UTF-8", 3));
        let little = utf_16("\u{feff}email\n", u16::to_le_bytes);
        assert_eq!(encoding(&little), ("UTF-16LE", 2));
        let big = utf_16("\u{feff}email\n", u16::to_be_bytes);
        assert_eq!(encoding(&big), ("UTF-16BE", 2));
    }

    #[test]
    fn without_a_mark_the_bytes_decide() {
        assert_eq!(encoding(b""), ("UTF-8", 0));
        assert_eq!(encoding(b"email\nbob@example.com\n"), ("UTF-8", 0));
        assert_eq!(encoding("name\nMüller\n".as_bytes()), ("UTF-8", 0));
        assert_eq!(encoding(b"name\nM\xfcller\n"), ("windows-1252", 0));
        assert_eq!(encoding(&utf_16("email\nbob@example.com", u16::to_le_bytes)), ("UTF-16LE", 0));
        assert_eq!(encoding(&utf_16("email\nbob@example.com", u16::to_be_bytes)), ("UTF-16BE", 0));
    }

    #[test]
    fn one_umlaut_in_the_last_line_of_a_long_file_decides() {
        let mut bytes = b"bob@example.com\n".repeat(100_000);
        bytes.extend_from_slice(b"J\xfcrgen");
        assert_eq!(encoding(&bytes), ("windows-1252", 0));
    }

    #[test]
    fn a_character_may_lie_across_two_chunks() {
        for shift in 0..4 {
            let mut text = "x".repeat(CHUNK - shift);
            text.push_str("€ü\n");
            assert_eq!(encoding(text.as_bytes()), ("UTF-8", 0));
        }
    }

    #[test]
    fn damaged_utf_8_is_an_error_with_its_place() {
        let bytes = "name\nMüller\nJäger\nSch\u{f6}n".as_bytes();
        let broken = [bytes, b"\nab\xfc\n"].concat();
        let error = look(&broken).unwrap_err().to_string();
        assert!(error.starts_with("list.csv:5:3: this is not UTF-8"), "{error}");
        let cut = &bytes[..bytes.len() - 2];
        let error = look(cut).unwrap_err().to_string();
        assert!(error.starts_with("list.csv:4:4: "), "{error}");
    }

    #[test]
    fn a_setting_is_held_against_the_bytes() {
        let part = Part::whole(Input::bytes("l", &b"ok\na\xfcb\n"[..]).into());
        let as_set =
            |label: &str| examine(&part, Some(label.parse().unwrap()), |_| None, &mut |_| ());
        assert!(as_set("utf-8").unwrap_err().to_string().contains("l:2:2: this is not UTF-8;"));
        assert_eq!(as_set("latin-1").unwrap().encoding, WINDOWS_1252);
        let odd = Input::bytes("l", &[b'a', 0, b'\n', 0, 0, 0xd8, b'x', 0][..]);
        let odd = Part::whole(odd.into());
        let error = examine(&odd, None, |_| Some(Charset(UTF_16LE)), &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains("UTF-16LE"), "{error}");
    }

    #[test]
    fn files_that_are_no_lists_are_named() {
        for (bytes, part) in [
            (&b"PK\x03\x04...."[..], "workbook"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"%PDF-1.4", "PDF"),
            (b"\xfd7zXZ\0\0\x04", "xz"),
            (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
            (b"\x04\x22\x4d\x18d@", "LZ4"),
            (b"\x89PNG\r\n", "picture"),
            (&b"a\x01b\x02\n\x03c\0\n".repeat(5), "binary"),
        ] {
            let error = look(bytes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        // Dirt is none.
        assert!(look(b"bob@example.com\x01\0\n\x02").is_ok());
        assert!(look(&[b"bob@example.com\0\n".repeat(3), b"a".repeat(200)].concat()).is_ok());
    }

    #[test]
    fn the_digest_is_of_the_content() {
        assert_eq!(look(b"a").unwrap().digest, look(b"a").unwrap().digest);
        assert_ne!(look(b"a").unwrap().digest, look(b"b").unwrap().digest);
    }
}
