//! How records become JSON: on one line that shows on a terminal what it holds.
//!
//! JSON escapes the control characters below U+0020 by itself. A smarthost's reply or a
//! Message-ID can hold others that move a terminal's cursor, break a line, or show text in
//! another order than it has (DEL, C1, line and paragraph separators, direction marks); those
//! are escaped too. What is read back is the same text. Long texts are cut, so that no record
//! is longer than what [`lines`](crate::lines) reads.

use std::io::{self, Write};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;

/// Longest text in a record, in bytes. A Message-ID has at most 998 (RFC 5322 s2.1.1), what is
/// kept of a reply is at most a few thousand.
const TEXT_MAX: usize = 4096;

/// Appends `record` as JSON; leaves `line` as it was if that fails.
pub(crate) fn append(record: &impl Serialize, line: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let before = line.len();
    let mut json = serde_json::Serializer::with_formatter(&mut *line, Visible);
    record.serialize(&mut json).inspect_err(|_| line.truncate(before))
}

/// Serialises a text, cut to [`TEXT_MAX`].
pub(crate) fn text<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(cut(text))
}

/// Serialises a text that may be absent, cut to [`TEXT_MAX`].
#[expect(clippy::ref_option, reason = "the signature serde calls")]
pub(crate) fn maybe_text<S: Serializer>(
    text: &Option<String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.as_deref().map(cut).serialize(serializer)
}

/// Serialises a shared text that may be absent, cut to [`TEXT_MAX`].
#[expect(clippy::ref_option, reason = "the signature serde calls")]
pub(crate) fn maybe_name<S: Serializer>(
    text: &Option<Arc<str>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    text.as_deref().map(cut).serialize(serializer)
}

/// A text, as it is written: cut to [`TEXT_MAX`].
pub(crate) struct Cut<'a>(pub(crate) &'a str);

impl Serialize for Cut<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        text(self.0, serializer)
    }
}

fn cut(text: &str) -> &str {
    let mut end = TEXT_MAX.min(text.len());
    loop {
        match text.get(..end) {
            Some(start) => return start,
            None => end -= 1,
        }
    }
}

/// Characters that do something on a terminal or to the order of the text around them.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        if fragment.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
            return writer.write_all(fragment.as_bytes());
        }
        let mut shown = [0; 4];
        for character in fragment.chars() {
            if acts(character) {
                write!(writer, "\\u{:04x}", u32::from(character))?;
            } else {
                writer.write_all(character.encode_utf8(&mut shown).as_bytes())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(text: &str) -> String {
        let mut line = b"kept ".to_vec();
        append(&text, &mut line).unwrap();
        String::from_utf8(line.split_off(5)).unwrap()
    }

    #[test]
    fn characters_that_act_are_escaped() {
        assert_eq!(json("a\r\n\u{1b}[2Jb"), r#""a\r\n\u001b[2Jb""#);
        assert_eq!(json("\u{7f}\u{9b}2J\u{85}"), r#""\u007f\u009b2J\u0085""#);
        assert_eq!(json("\u{2028}\u{202e}evil"), r#""\u2028\u202eevil""#);
        assert_eq!(json("Grüße \"x\\\""), r#""Grüße \"x\\\"""#);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        #[derive(Serialize)]
        struct Long(#[serde(serialize_with = "text")] String);
        for pad in 0..3 {
            let long = format!("{}{}", "x".repeat(pad), "ü".repeat(TEXT_MAX));
            let mut line = Vec::new();
            append(&Long(long.clone()), &mut line).unwrap();
            let read: String = serde_json::from_slice(&line).unwrap();
            assert!(read.len() <= TEXT_MAX && read.len() > TEXT_MAX - 3);
            assert!(long.starts_with(&read));
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_stays_on_one_line(text: String) {
            let line = json(&text);
            prop_assert!(!line.contains(acts));
            prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }
}
