//! The chain: how a file of records proves that nothing in it was changed, and that no file
//! before it was taken away.
//!
//! Records are appended by many sessions without a lock, so no record can name the one before
//! it. Instead, `seal` records are written between them: each covers a range of bytes, from
//! where the seal before it ended, and carries SHA-256 over the hash of that seal and these
//! bytes. A seal covers the line of the seal before it, too. The ranges are told in the seal,
//! because other records may come between the bytes it covers and its own line.
//!
//! Every file begins with a `file` record, and its first seal goes on from the *final* hash of
//! the file before: that of its last seal and all bytes behind that seal's range. So each hash
//! covers every byte of the chain before it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use suppression::{Digest, Timestamp};

use crate::json;

/// What this program writes, and reads up to.
pub(crate) const FORMAT: u32 = 1;
/// The hash before the first.
pub(crate) const NONE: Digest = Digest([0; 32]);

const BUFFER: usize = 64 * 1024;

/// Names a chain: which files belong together. Shown as 32 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChainId(pub u128);

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for ChainId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "a chain's name has 32 hexadecimal digits";
        if text.len() != 32 || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(WANTED);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| WANTED)
    }
}

impl Serialize for ChainId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ChainId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The first line of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename = "file")]
pub(crate) struct Header {
    /// When the file was begun.
    pub(crate) time: Timestamp,
    pub(crate) format: u32,
    pub(crate) chain: ChainId,
    /// Its place in the chain; the first is 1.
    pub(crate) number: u64,
    /// The name of the file before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
}

/// Covers the bytes since the seal before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename = "seal")]
pub(crate) struct Seal {
    /// When it was made.
    pub(crate) time: Timestamp,
    /// The first byte it covers.
    pub(crate) from: u64,
    /// The first byte it does not cover.
    pub(crate) to: u64,
    /// In the first seal of a file: the final hash of the file before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<Digest>,
    /// SHA-256 over the hash before it, as 32 bytes, and the bytes it covers.
    pub(crate) hash: Digest,
    /// Nothing comes behind it in this file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) last: bool,
}

impl Header {
    pub(crate) const BEGIN: &[u8] = b"{\"record\":\"file\"";

    pub(crate) fn line(&self) -> io::Result<Vec<u8>> {
        line(self)
    }
}

impl Seal {
    pub(crate) const BEGIN: &[u8] = b"{\"record\":\"seal\"";

    pub(crate) fn line(&self) -> io::Result<Vec<u8>> {
        line(self)
    }
}

fn line(record: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut line = Vec::with_capacity(256);
    json::append(record, &mut line)?;
    line.push(b'\n');
    Ok(line)
}

/// A hash that is being made: begun with the one before it.
#[derive(Clone)]
pub(crate) struct Hashing(Sha256);

impl Hashing {
    pub(crate) fn after(previous: &Digest) -> Self {
        Self(Sha256::new_with_prefix(previous.as_bytes()))
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The hash of all bytes from there up to `end`, and of those up to the last line end among
/// them, with the place behind it.
pub(crate) struct Covered {
    pub(crate) all: Digest,
    pub(crate) lines: Option<(u64, Digest)>,
}

/// # Errors
/// When there are fewer bytes, or they cannot be read.
pub(crate) fn cover(previous: &Digest, file: &File, from: u64, end: u64) -> io::Result<Covered> {
    let mut buffer = vec![0; BUFFER];
    let mut hashing = Hashing::after(previous);
    let mut lines = None;
    let mut at = from;
    while at < end {
        let room = usize::try_from(end - at).map_or(BUFFER, |left| left.min(BUFFER));
        let part = buffer.get_mut(..room).unwrap_or_default();
        let read = match file.read_at(part, at) {
            Ok(0) => return Err(cut_off(end, at)),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let part = part.get(..read).unwrap_or_default();
        let ended = memchr::memrchr(b'\n', part).map_or(0, |end| end + 1);
        let (whole, rest) = part.split_at(ended);
        hashing.update(whole);
        if ended > 0 {
            lines = Some((at + ended as u64, hashing.clone()));
        }
        hashing.update(rest);
        at += read as u64;
    }
    let lines = lines.map(|(to, hashing)| (to, hashing.finish()));
    Ok(Covered { all: hashing.finish(), lines })
}

pub(crate) fn cut_off(expected: u64, found: u64) -> io::Error {
    let text = format!("the file has {found} bytes where it had {expected}: somebody cut it off");
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// Reads and hashes all that is left.
pub(crate) fn cover_rest(previous: &Digest, mut input: impl Read) -> io::Result<Digest> {
    let mut buffer = vec![0; BUFFER];
    let mut hashing = Hashing::after(previous);
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(hashing.finish()),
            Ok(read) => hashing.update(buffer.get(..read).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form is read by auditors' programs: a change here is a change for them.
    #[test]
    fn the_lines_as_they_are_written() {
        let time = "2026-03-02T10:15:00Z".parse().unwrap();
        let header = Header {
            time,
            format: 1,
            chain: ChainId(0xabc),
            number: 2,
            previous: Some("x".into()),
        };
        let text = String::from_utf8(header.line().unwrap()).unwrap();
        assert_eq!(
            text,
            concat!(
                r#"{"record":"file","time":"2026-03-02T10:15:00Z","format":1,"#,
                r#""chain":"00000000000000000000000000000abc","number":2,"previous":"x"}"#,
                "\n"
            )
        );
        assert!(text.as_bytes().starts_with(Header::BEGIN));
        assert_eq!(serde_json::from_str::<Header>(&text).unwrap(), header);
        let seal = Seal { time, from: 7, to: 9, previous: None, hash: Digest([1; 32]), last: true };
        let text = String::from_utf8(seal.line().unwrap()).unwrap();
        assert_eq!(
            text,
            format!(
                "{{\"record\":\"seal\",\"time\":\"2026-03-02T10:15:00Z\",\"from\":7,\"to\":9,\
                 \"hash\":\"{}\",\"last\":true}}\n",
                "01".repeat(32)
            )
        );
        assert!(text.as_bytes().starts_with(Seal::BEGIN));
        assert_eq!(serde_json::from_str::<Seal>(&text).unwrap(), seal);
    }

    #[test]
    fn a_range_is_hashed_as_a_whole_and_up_to_its_last_line_end() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let text = [text, b"torn".to_vec()].concat();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &text).unwrap();
        let file = File::open(file.path()).unwrap();
        let plain = |bytes: &[u8]| Digest(Sha256::digest([&[3; 32], bytes].concat()).into());
        let end = text.len() as u64;
        let covered = cover(&Digest([3; 32]), &file, 5, end).unwrap();
        assert_eq!(covered.all, plain(&text[5..]));
        assert_eq!(covered.lines, Some((end - 4, plain(&text[5..text.len() - 4]))));
        let covered = cover(&Digest([3; 32]), &file, end - 4, end).unwrap();
        assert_eq!((covered.all, covered.lines), (plain(b"torn"), None));
        assert_eq!(cover_rest(&Digest([3; 32]), b"torn".as_slice()).unwrap(), plain(b"torn"));
        let error = cover(&NONE, &file, 5, end + 1).err().unwrap();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_chain_is_named_by_32_digits() {
        let name = ChainId(0x1234_5678);
        assert_eq!(name.to_string().parse::<ChainId>(), Ok(name));
        for bad in ["", "12", "+0000000000000000000000000000abc", &"g".repeat(32)] {
            assert!(bad.parse::<ChainId>().is_err(), "{bad}");
        }
    }
}
