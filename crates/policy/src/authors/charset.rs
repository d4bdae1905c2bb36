//! Which octets of a text are ASCII for those who know its charset.
//!
//! Most charsets leave the octets below 128 as they are, and some of those use them as the second
//! half of a letter too. In the others any octet may be an angle bracket or an `@`: UTF-7,
//! UTF-16 and EBCDIC, what programs decode that is no charset at all, and the sets whose upper
//! half repeats signs of the lower one. Each has many names, so the ones that are read are listed.

/// The charsets that keep ASCII, without `-` and `_`: names from IANA's register and those that
/// mail programs write.
const PLAIN: &[&str] = &[
    "utf8",
    "usascii",
    "ascii",
    "latin1",
    "latin2",
    "latin9",
    "unknown8bit",
    "gb2312",
    "euccn",
    "eucjp",
    "euckr",
    "euctw",
    "ksc56011987",
    "uhc",
    "tis620",
    "macintosh",
    "xmacroman",
    "xmaccyrillic",
    "koi8r",
    "koi8u",
    "koi8ru",
];
/// The same of code pages, behind `windows`, `cp` or `ibm`. CP 037, 273, 500, 1140 and others are
/// EBCDIC, 864 is not quite ASCII.
const PLAIN_PAGES: &[&str] = &[
    "437", "737", "775", "850", "852", "855", "857", "858", "860", "861", "862", "863", "865",
    "866", "869", "874", "949", "1250", "1251", "1252", "1253", "1254", "1255", "1256", "1257",
    "1258",
];
/// Charsets whose letters of two octets may end in `@`.
const SHIFT_JIS: &[&str] = &["shiftjis", "sjis", "xsjis", "windows31j", "cp932"];
const GBK: &[&str] = &["gbk", "gb18030", "cp936"];
const BIG5: &[&str] = &["big5", "cp950"];

/// The octets of a text that may stand for themselves, those of letters beyond ASCII included;
/// `None`: it cannot be told.
pub(super) fn single_octets(charset: &str, text: Vec<u8>) -> Option<Vec<u8>> {
    let name = charset.to_ascii_lowercase();
    if name.starts_with("iso-2022-") {
        return Some(of_iso_2022(&name, &text));
    }
    let name: String = name.chars().filter(|letter| !matches!(letter, '-' | '_')).collect();
    let is = |names: &[&str]| names.contains(&name.as_str());
    if is(SHIFT_JIS) {
        return Some(of_pairs(&text, |lead| match lead {
            0x81 | 0x83 | 0x84 | 0x89..=0x9f | 0xe0..=0xea => Lead::OfAt,
            0x82 | 0x85..=0x88 | 0xeb..=0xfc => Lead::Other,
            _ => Lead::No,
        }));
    }
    if is(GBK) {
        return Some(of_pairs(&text, |lead| match lead {
            0x81..=0xa0 | 0xa8..=0xfd => Lead::OfAt,
            0xa1..=0xa7 | 0xfe => Lead::Other,
            _ => Lead::No,
        }));
    }
    if is(BIG5) {
        return Some(of_pairs(&text, |lead| match lead {
            0xa1..=0xc6 | 0xc9..=0xf9 => Lead::OfAt,
            0x81..=0xfe => Lead::Other,
            _ => Lead::No,
        }));
    }
    (is(PLAIN) || is_iso_8859(&name) || is_plain_page(&name)).then_some(text)
}

/// ISO 8859 has the parts 1 to 16, without 12; 6 and 8 may say the direction (RFC 1556).
fn is_iso_8859(name: &str) -> bool {
    let Some(part) = name.strip_prefix("iso8859") else { return false };
    let part = match part {
        "6e" | "6i" | "8e" | "8i" => return true,
        part => part,
    };
    !part.starts_with('0') && part.parse().is_ok_and(|part: u8| matches!(part, 1..=11 | 13..=16))
}

fn is_plain_page(name: &str) -> bool {
    let page = ["windows", "cp", "ibm"].iter().find_map(|kind| name.strip_prefix(kind));
    page.is_some_and(|page| PLAIN_PAGES.contains(&page))
}

/// What an octet begins.
enum Lead {
    /// A letter of two octets, of which there is one that ends in `@`.
    OfAt,
    /// A letter of two octets; with an `@` behind it, it is none, and many read on at the `@`.
    Other,
    /// Nothing.
    No,
}

/// Without each `@` that is half of a letter.
fn of_pairs(text: &[u8], lead: impl Fn(u8) -> Lead) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        out.push(*byte);
        if let (Lead::OfAt | Lead::Other, [half, after @ ..]) = (lead(*byte), behind) {
            if !matches!((lead(*byte), half), (Lead::OfAt, b'@')) {
                out.push(*half);
            }
            rest = after;
        }
    }
    out
}

/// The octets of ISO-2022 text that stand for themselves: all but those between an escape and the
/// next one, or a shift and its end, which are halves of other letters. An escape that is not of
/// this charset stays, because a program that does not know it goes on as before.
///
/// ISO-2022-JP (RFC 1468): ESC $ @ and ESC $ B begin two octets, ESC ( F ends them. ISO-2022-KR and
/// -CN (RFC 1557, RFC 1922): ESC $ ) F names a set of two octets, which SO begins and SI ends.
fn of_iso_2022(charset: &str, text: &[u8]) -> Vec<u8> {
    let japanese = charset.starts_with("iso-2022-jp");
    let (mut wide, mut named) = (false, false);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, behind @ ..] = rest {
        rest = behind;
        match (byte, behind) {
            (0x1b, [b'$', b'@' | b'B', after @ ..]) if japanese => (wide, rest) = (true, after),
            (0x1b, [b'(', b'@'..=b'Z', after @ ..]) if japanese => (wide, rest) = (false, after),
            (0x1b, [b'$', b')', b'A'..=b'Z', after @ ..]) if !japanese => {
                (named, rest) = (true, after);
            }
            (0x0e, _) if named => wide = true,
            (0x0f, _) if named => wide = false,
            _ if !wide || byte.is_ascii_control() => out.push(*byte),
            _ => {}
        }
    }
    out
}
