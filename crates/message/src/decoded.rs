//! Encoded words (RFC 2047), as nearly every program shows them: also where the standard would
//! not have them, such as in the middle of a word, between quotes, and without their padding.

use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode_char;

/// Octets that the name of a charset and of a language may have.
const CHARSET_MAX: usize = 80;

/// The text with its encoded words decoded; what is none stays as it is.
pub(crate) fn words(text: &str) -> String {
    read(text, false)
}

/// [`words`], and what else programs make of it: some join base64 that is cut in the middle of
/// a group before they decode it.
pub(crate) fn readings(text: &str) -> Vec<String> {
    let mut all = vec![read(text, false)];
    let joined = read(text, true);
    if !all.contains(&joined) {
        all.push(joined);
    }
    all
}

/// `encoded-word = "=?" charset ["*" language] "?" encoding "?" encoded-text "?="`
struct Word<'a> {
    charset: &'a str,
    base64: bool,
    data: &'a str,
}

/// Words of one charset with white space between them: a character may begin in one and end
/// in the next.
#[derive(Default)]
struct Run<'a> {
    charset: &'a str,
    octets: Vec<u8>,
    group: Group,
}

fn read(text: &str, join: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run: Option<Run<'_>> = None;
    let mut rest = text;
    // Without an end behind it, nothing is a word.
    let last = text.rfind("?=").unwrap_or_default();
    while let Some(at) = rest.find("=?") {
        let (before, behind) = rest.split_at(at);
        let inner = behind.get(2..).unwrap_or_default();
        if text.len() - inner.len() > last {
            break;
        }
        let Some((word, after)) = word(inner) else {
            flush(&mut run, &mut out);
            out.push_str(before);
            out.push_str("=?");
            rest = inner;
            continue;
        };
        let continues = run.as_ref().is_some_and(|run| {
            before.trim_ascii().is_empty() && run.charset.eq_ignore_ascii_case(word.charset)
        });
        if !continues {
            let white = run.is_some() && before.trim_ascii().is_empty();
            flush(&mut run, &mut out);
            out.push_str(if white { "" } else { before });
        }
        let run = run.get_or_insert_default();
        run.charset = word.charset;
        if !(join && word.base64) {
            run.group = Group::default();
        }
        if word.base64 {
            run.group.decode(word.data, &mut run.octets);
        } else {
            quoted(word.data, &mut run.octets);
        }
        rest = after;
    }
    flush(&mut run, &mut out);
    out.push_str(rest);
    out
}

fn flush(run: &mut Option<Run<'_>>, out: &mut String) {
    let Some(run) = run.take() else { return };
    let wide = ["utf-16", "utf16", "utf_16"].iter().any(|n| run.charset.eq_ignore_ascii_case(n));
    let noughts =
        |first: usize| run.octets.iter().skip(first).step_by(2).filter(|o| **o == 0).count();
    // Without a mark it may be either; the letters of the West tell (RFC 2781 s4.3 has this one).
    let big = wide
        && ![b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| run.octets.starts_with(*mark))
        && noughts(0) > noughts(1);
    let charset = if big { b"utf-16be".as_slice() } else { run.charset.as_bytes() };
    match charset_decoder(charset) {
        Some(decode) => out.push_str(&decode(&run.octets)),
        None => out.push_str(&String::from_utf8_lossy(&run.octets)),
    }
}

/// Behind `=?`: the word, and what is behind it.
fn word(inner: &str) -> Option<(Word<'_>, &str)> {
    let named = inner.as_bytes().get(..CHARSET_MAX).unwrap_or(inner.as_bytes());
    let (charset, behind) = inner.split_at_checked(memchr::memchr(b'?', named)?)?;
    // Of none, or with blanks, it is no word, and Python decodes it all the same.
    let charset = charset.split('*').next().unwrap_or_default().trim_ascii();
    let (encoding, data) = behind.strip_prefix('?')?.split_once('?')?;
    let base64 = match encoding {
        "b" | "B" => true,
        "q" | "Q" => false,
        _ => return None,
    };
    let (data, after) = data.split_once("?=")?;
    Some((Word { charset, base64, data }, after))
}

/// Digits of base64 that are no octet yet.
#[derive(Default)]
struct Group {
    bits: u32,
    count: u8,
}

impl Group {
    fn decode(&mut self, data: &str, out: &mut Vec<u8>) {
        for octet in data.bytes() {
            let value = match octet {
                b'A'..=b'Z' => octet - b'A',
                b'a'..=b'z' => octet - b'a' + 26,
                b'0'..=b'9' => octet - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                b'=' => {
                    *self = Self::default();
                    continue;
                }
                _ => continue,
            };
            self.bits = (self.bits << 6 | u32::from(value)) & 0x00ff_ffff;
            self.count = (self.count + 1) % 4;
            let shift = match self.count {
                1 => continue,
                2 => 4,
                3 => 2,
                _ => 0,
            };
            out.push(u8::try_from(self.bits >> shift & 0xff).unwrap_or_default());
        }
    }
}

/// The "Q" encoding (RFC 2047 s4.2).
fn quoted(data: &str, out: &mut Vec<u8>) {
    let mut rest = data.as_bytes();
    while let [first, behind @ ..] = rest {
        rest = behind;
        match (first, behind) {
            (b'_', _) => out.push(b' '),
            (b'=', [high, low, after @ ..]) => match quoted_printable_decode_char(*high, *low) {
                Some(octet) => {
                    out.push(octet);
                    rest = after;
                }
                None => out.push(b'='),
            },
            _ => out.push(*first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_as_programs_show_them() {
        let cases = [
            ("project fal=?utf-8?q?con?=", "project falcon"),
            ("fal=??q?con?=", "falcon"),
            ("fal=? utf-8 ?Q?co=6e?=", "falcon"),
            ("=? utf-8*en ?b?ZmFsY29u?=", "falcon"),
            ("=?utf-8?b?cHJvamVjdCBmYWxjb24?=", "project falcon"),
            ("=?utf-8?b?cHJvamVjdCBmYWxjb24=?= x", "project falcon x"),
            ("\"evil=?utf-8?Q?.exe?=\"", "\"evil.exe\""),
            ("=?utf-8?Q?evil.?= \t=?UTF-8*en?Q?exe?=", "evil.exe"),
            ("=?utf-8?Q?=C3?= =?utf-8?Q?=A9?=", "é"),
            ("=?utf-8?Q?a?= =?iso-8859-1?Q?=E9?=", "aé"),
            ("=?utf-8?Q?a_b=3D=?=", "a b=="),
            ("=?utf-8?Q?a b?=", "a b"),
            ("=?utf-8?Q?=3D?=?=", "=?="),
            ("=?utf-16?b?AGYAYQBsAGMAbwBu?=", "falcon"),
            ("=?utf-16?b?/v8AZgBhAGwAYwBvAG4=?=", "falcon"),
            ("=?UTF-16?b?ZgBhAGwAYwBvAG4A?=", "falcon"),
            ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
            ("a =?utf-8?Q?never", "a =?utf-8?Q?never"),
            ("=?=?=?utf-8?q?a?=", "=?=?a"),
            ("1=?2 ?=", "1=?2 ?="),
        ];
        for (text, expected) in cases {
            assert_eq!(words(text), expected, "{text}");
        }
        let cut = readings("=?utf-8?B?ZXZpbC5le?= =?utf-8?B?GU?=");
        assert!(cut.contains(&"evil.exe".to_owned()), "{cut:?}");
        assert_eq!(readings("=?utf-8?B?YQ==?= =?utf-8?B?Yg==?="), ["ab"]);
    }
}
