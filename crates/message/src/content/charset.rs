//! Octets to text, as mail programs read them.

use mail_parser::decoders::charsets::map::charset_decoder;

use super::problem::Problem;
use super::tag::{Piece, Pieces};

/// Every way in which programs read `octets` that are said to be in `charset`, the most usual
/// first. Browsers heed the mark of UTF-8 whatever is said, and know no UTF-7; others do.
pub(super) fn readings(
    octets: Vec<u8>,
    charset: Option<&str>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let marked = octets.starts_with(MARK);
    let differs = match charset.map(plain_name).as_deref() {
        Some("utf_7" | "csutf7") => true,
        None | Some("" | "us_ascii" | "ascii" | "unknown_8bit" | "utf_8" | "utf8") => false,
        Some(_) => marked,
    };
    if !differs {
        return vec![text(octets, charset, problems)];
    }
    let mut all = vec![text(octets.clone(), None, &mut Vec::new())];
    let mut labelled = octets;
    // The decoder forgets letters behind which nothing comes.
    labelled.push(b'\n');
    let labelled = labelled_text(&labelled, charset.unwrap_or_default(), problems);
    if all.first().is_none_or(|first| first.trim_end() != labelled.trim_end()) {
        all.push(labelled);
    }
    all
}

/// What stands in front of UTF-8, if anything.
const MARK: &[u8] = b"\xef\xbb\xbf";

fn plain_name(name: &str) -> String {
    name.trim().to_ascii_lowercase().replace('-', "_")
}

/// By what is said of them alone. What no decoder here knows is read as ASCII, and told.
fn labelled_text(octets: &[u8], charset: &str, problems: &mut Vec<Problem>) -> String {
    let name = plain_name(charset);
    // The decoder of these makes nothing of anything, as browsers do; others read them.
    let known = !matches!(
        name.as_str(),
        "iso_2022_kr"
            | "csiso2022kr"
            | "iso_2022_cn"
            | "iso_2022_cn_ext"
            | "hz_gb_2312"
            | "replacement"
    );
    match charset_decoder(name.as_bytes()).filter(|_| known) {
        Some(decode) => decode(octets),
        None => {
            problems.push(Problem::UnknownCharset);
            String::from_utf8_lossy(octets).into_owned()
        }
    }
}

/// The text of `octets` that are said to be in `charset`. Where nothing is said, or ASCII that
/// it is not, it is UTF-8 if it can be, and windows-1252 if not: both are what programs guess.
pub(super) fn text(octets: Vec<u8>, charset: Option<&str>, problems: &mut Vec<Problem>) -> String {
    let octets = match octets.strip_prefix(MARK) {
        Some(rest) => rest.to_vec(),
        None => octets,
    };
    let name = charset.map(|name| name.trim().to_ascii_lowercase());
    // Octets that begin as UTF-16 are that for browsers, whatever is said of them.
    let wide = octets.starts_with(b"\xff\xfe") || octets.starts_with(b"\xfe\xff");
    let either = name.as_deref().is_some_and(is_wide);
    let said = either || name.as_deref().is_some_and(|name| plain_name(name).contains("utf_16"));
    if wide && name.is_some() && !said {
        problems.push(Problem::Twice("charset"));
    }
    // RFC 2781 s4.3 has it in big endian where no mark tells, and browsers in little endian.
    let unmarked = !wide && either;
    if unmarked {
        problems.push(Problem::Twice("charset"));
    }
    if wide || unmarked {
        let order: &[u8] = match octets.as_slice() {
            [0xfe, 0xff, ..] => b"utf-16be",
            [0xff, 0xfe, ..] => b"utf-16le",
            octets if is_little_endian(octets) => b"utf-16le",
            _ => b"utf-16be",
        };
        if let Some(decode) = charset_decoder(order) {
            return decode(&octets).trim_start_matches('\u{feff}').to_owned();
        }
    }
    match name.as_deref() {
        None | Some("" | "us-ascii" | "ascii" | "unknown-8bit" | "utf-8" | "utf8") => {
            let guessed = !matches!(name.as_deref(), Some("utf-8" | "utf8"));
            String::from_utf8(octets).unwrap_or_else(|error| {
                let octets = error.as_bytes();
                match charset_decoder(b"windows-1252").filter(|_| guessed) {
                    Some(decode) => decode(octets),
                    None => String::from_utf8_lossy(octets).into_owned(),
                }
            })
        }
        Some(name) => labelled_text(&octets, name, problems),
    }
}

/// Names of wide letters in either order, for a mark to tell which.
pub(crate) fn is_wide(name: &str) -> bool {
    matches!(
        plain_name(name).as_str(),
        "utf_16" | "utf16" | "csutf16" | "unicode" | "csunicode" | "ucs_2" | "iso_10646_ucs_2"
    )
}

/// Whether more of the second octets are nought, as those of Western letters are.
fn is_little_endian(octets: &[u8]) -> bool {
    let noughts = |first: usize| octets.iter().skip(first).step_by(2).filter(|o| **o == 0).count();
    noughts(1) > noughts(0)
}

/// The charsets that an HTML document may be in whose header names none: what it names for
/// itself in the first kilobyte, as the standard has it for documents without a transport, in
/// a tag; and what who looks for the word finds there, in a comment too.
pub(super) fn of_html(octets: &[u8]) -> Vec<Option<String>> {
    let head = octets.get(..1024).unwrap_or(octets).to_ascii_lowercase();
    let anywhere =
        memchr::memmem::find(&head, b"<meta").and_then(|meta| named_in(head.get(meta..)?));
    if anywhere.is_none() {
        return vec![None];
    }
    let html = String::from_utf8_lossy(&head);
    let in_tag = Pieces::of(&html).find_map(|piece| {
        let Piece::Start(tag) = piece else { return None };
        if tag.name != "meta" {
            return None;
        }
        let says = |name: &str, value: &str| tag.get(name).is_some_and(|own| own.trim() == value);
        match tag.get("charset") {
            Some(charset) => Some(charset.trim().to_owned()),
            None if says("http-equiv", "content-type") => named_in(tag.get("content")?.as_bytes()),
            None => None,
        }
    });
    let mut all = vec![in_tag.filter(|name| is_possible(name)), anywhere];
    all.dedup();
    all
}

/// Behind the word: `charset = name`.
fn named_in(text: &[u8]) -> Option<String> {
    let at = memchr::memmem::find(text, b"charset")?;
    let value = text.get(at + b"charset".len()..)?.trim_ascii_start();
    let value = value.strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or(value.strip_prefix(b"'")).unwrap_or(value);
    let name = value.iter().take_while(|c| c.is_ascii_alphanumeric() || b"-_:.".contains(c));
    let name: String = name.map(|&c| char::from(c)).collect();
    is_possible(&name).then_some(name)
}

/// The octets were read as ASCII to find the name, so they are not of these.
fn is_possible(name: &str) -> bool {
    !name.is_empty() && !name.starts_with("utf-16") && !is_wide(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessed_and_said() {
        let cases: &[(&[u8], Option<&str>, &str)] = &[
            (b"caf\xe9", Some("ISO-8859-1"), "café"),
            (b"caf\xe9", None, "café"),
            (b"caf\xc3\xa9", Some("us-ascii"), "café"),
            (b"caf\xc3\xa9", Some("utf-8"), "café"),
            (b"\xef\xbb\xbfx", Some("utf-8"), "x"),
            (b"caf\xe9", Some("utf-8"), "caf\u{fffd}"),
            (b"\xc4\xe3\xba\xc3\x90\x30\x81\x30", Some("GB18030"), "你好\u{10000}"),
            (b"\x1b$B%O%m\x1b(B", Some("iso-2022-jp"), "ハロ"),
        ];
        for (octets, charset, expected) in cases {
            let mut problems = Vec::new();
            let text = text(octets.to_vec(), *charset, &mut problems);
            assert_eq!((text.as_str(), problems.len()), (*expected, 0), "{charset:?}");
        }
        let mut problems = Vec::new();
        assert_eq!(text(b"\xff\xfeh\0i\0".to_vec(), Some("us-ascii"), &mut problems), "hi");
        assert_eq!(text(b"\xfe\xff\0h\0i".to_vec(), None, &mut problems), "hi");
        assert_eq!(problems, [Problem::Twice("charset")]);
        let mut problems = Vec::new();
        assert_eq!(text(b"x".to_vec(), Some("klingon-1"), &mut problems), "x");
        assert_eq!(problems, [Problem::UnknownCharset]);
    }

    #[test]
    fn wide_letters_in_either_order() {
        let octets = |mark: bool, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
            let text = if mark { "\u{feff}project falcon" } else { "project falcon" };
            text.encode_utf16().flat_map(order).collect()
        };
        for order in [u16::to_be_bytes, u16::to_le_bytes] {
            for charset in [None, Some("utf-8"), Some("us-ascii"), Some("utf-16"), Some("utf-16le")]
            {
                let text = text(octets(true, order), charset, &mut Vec::new());
                assert_eq!(text, "project falcon", "{charset:?}");
            }
            let mut problems = Vec::new();
            let text = text(octets(false, order), Some("UTF-16"), &mut problems);
            assert_eq!((text.as_str(), problems.len()), ("project falcon", 1));
        }
    }

    #[test]
    fn named_by_the_document() {
        let html = b"<html><META http-equiv=Content-Type content=\"text/html; charset=gb2312\">";
        assert_eq!(of_html(html), [Some("gb2312".into())]);
        assert_eq!(of_html(b"<title>x</title><meta charset='koi8-r'>"), [Some("koi8-r".into())]);
        assert_eq!(of_html(b"<p>charset=x</p>"), [None]);
        let both = [None, Some("gb2312".into())];
        assert_eq!(of_html(b"<!-- <meta charset=gb2312> --><p>x</p>"), both);
        assert_eq!(of_html(b"<meta name=x content='charset=gb2312'><p>x</p>"), both);
    }
}
