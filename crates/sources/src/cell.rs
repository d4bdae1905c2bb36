//! From the text of a cell to whom it is about.
//!
//! What real lists put around an address is taken off: spaces, the apostrophe a spreadsheet sets
//! before text, `mailto:`, a display name, brackets, a trailing `.` `;` or `,`. What is left must
//! be one address, or several separated by `;` `,` or spaces, each of which counts: to leave out
//! the second would mail somebody who opted out. Whether it *is* an address, and which person's,
//! is for `address` alone to say.

use std::borrow::Cow;

use address::{AddressError, Canonical, Mailbox, PersonRules};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use suppression::HashAlgorithm;

use crate::report::Fault;

/// Longest cell that is looked at, and most addresses of one: a list pasted from a mail program
/// is a single line.
const CELL_MAX: usize = 64 * 1024;
const ADDRESSES_MAX: usize = 2000;

/// One address of a cell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) mailbox: Mailbox,
    pub(crate) canonical: Canonical,
}

/// Whom a cell is about.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Address(Found),
    /// Everybody at the domain of this address.
    Domain(Canonical),
    /// The digest of an address.
    Digest(Vec<u8>),
}

/// Where a domain may stand for everybody there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Domains {
    /// Nowhere: it is half an address.
    #[default]
    Never,
    /// With an at sign before it.
    WithAt,
    /// Also alone.
    Bare,
}

/// How cells are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub(crate) rules: &'a PersonRules,
    pub(crate) domains: Domains,
    /// Cells hold digests of this kind, or addresses all the same.
    pub(crate) hashed: Option<HashAlgorithm>,
}

/// Whom a cell that is not blank is about, added to `subjects`; nothing is added with an error.
/// `room` is for what is found on the way.
pub(crate) fn subjects(
    cell: &str,
    reading: Reading<'_>,
    room: &mut Vec<Found>,
    subjects: &mut Vec<Subject>,
) -> Result<(), Fault> {
    if let Some(algorithm) = reading.hashed
        && !cell.contains('@')
    {
        subjects.push(Subject::Digest(digest(cell, algorithm)?));
        return Ok(());
    }
    if let Some(domain) = whole_domain(cell, reading.domains) {
        let postmaster = one(&format!("postmaster@{domain}"), reading.rules);
        subjects.push(Subject::Domain(postmaster.map_err(Fault::Address)?.canonical));
        return Ok(());
    }
    addresses(cell, reading.rules, room)?;
    subjects.extend(room.drain(..).map(Subject::Address));
    Ok(())
}

/// The domain that a cell stands for.
fn whole_domain(cell: &str, domains: Domains) -> Option<&str> {
    if domains == Domains::Never {
        return None;
    }
    let text = strip(cell);
    if let Some(domain) = text.strip_prefix('*').unwrap_or(text).strip_prefix('@') {
        return (!domain.contains('@')).then_some(domain);
    }
    (domains == Domains::Bare && is_domain(text)).then_some(text)
}

/// Whether a cell is the name of a domain and nothing else.
pub(crate) fn is_domain(cell: &str) -> bool {
    let text = strip(cell);
    let name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-');
    // A last label of digits is an IP address, a date or an amount.
    let top = text.rsplit('.').next().unwrap_or_default();
    text.contains('.')
        && text.chars().all(name)
        && top.chars().any(char::is_alphabetic)
        && Mailbox::parse(&format!("postmaster@{text}")).is_ok()
}

/// The digest in a cell, in hexadecimal of any case or in base64.
fn digest(cell: &str, algorithm: HashAlgorithm) -> Result<Vec<u8>, Fault> {
    let text = strip(cell).trim_matches('"');
    match decoded(text) {
        Some(bytes) if bytes.len() == length(algorithm) => Ok(bytes),
        Some(bytes) => Err(by_length(bytes.len()).map_or(Fault::NoDigest, Fault::OtherDigest)),
        None => Err(Fault::NoDigest),
    }
}

/// Of which algorithm the digest in a cell seems to be, by its length.
pub(crate) fn looks_like_digest(cell: &str) -> Option<HashAlgorithm> {
    let text = strip(cell).trim_matches('"');
    // Of base64 only what has signs of it: 24 letters may be a word of some code.
    let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let coded = text.ends_with('=') || text.contains(['+', '/']) || text.len() > 80;
    let mixed = text.bytes().any(|b| b.is_ascii_uppercase())
        && text.bytes().any(|b| b.is_ascii_lowercase())
        && text.bytes().any(|b| b.is_ascii_digit());
    if !(hex || coded && mixed) {
        return None;
    }
    by_length(decoded(text)?.len())
}

/// Whether a cell could be a digest, as one of many that look like it: nothing else is as long.
pub(crate) fn may_be_digest(cell: &str) -> bool {
    let text = strip(cell).trim_matches('"');
    decoded(text).is_some_and(|bytes| by_length(bytes.len()).is_some())
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let lengths = [16, 20, 32, 64];
    if text.len().is_multiple_of(2)
        && lengths.contains(&(text.len() / 2))
        && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    {
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|n| u8::try_from(n).ok());
        let (pairs, _) = text.as_bytes().as_chunks::<2>();
        return pairs.iter().map(|[a, b]| Some(digit(*a)? << 4 | digit(*b)?)).collect();
    }
    [STANDARD, URL_SAFE, STANDARD_NO_PAD, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|engine| engine.decode(text).ok())
}

fn length(algorithm: HashAlgorithm) -> usize {
    match algorithm {
        HashAlgorithm::Md5 => 16,
        HashAlgorithm::Sha1 => 20,
        HashAlgorithm::Sha256 => 32,
        HashAlgorithm::Sha512 => 64,
    }
}

fn by_length(bytes: usize) -> Option<HashAlgorithm> {
    use HashAlgorithm::{Md5, Sha1, Sha256, Sha512};
    [Md5, Sha1, Sha256, Sha512].into_iter().find(|algorithm| length(*algorithm) == bytes)
}

/// The addresses of a cell that is not blank. `found` is emptied first.
fn addresses(cell: &str, rules: &PersonRules, found: &mut Vec<Found>) -> Result<(), Fault> {
    found.clear();
    let text = strip(cell);
    if text.len() > CELL_MAX {
        return Err(Fault::TooLong);
    }
    if let Some(fault) = other_than_address(text) {
        return Err(fault);
    }
    // A display name may hide an address of its own: `A <a@b.example>; C <c@b.example>`.
    let hides = display_name(text).filter(|name| name.contains(['@', '<']));
    let alone = match (one(text, rules), hides) {
        (Ok(address), None) => {
            found.push(address);
            return Ok(());
        }
        (alone, _) => alone,
    };
    if several(text, rules, found).is_some() {
        return Ok(());
    }
    found.clear();
    match (alone, hides) {
        (Ok(address), Some(name)) if !name.contains('<') => {
            // `bob@home.example <bob@example.com>`: both are that person's.
            found.extend(one(strip(name), rules).ok().filter(|hidden| *hidden != address));
            found.push(address);
            Ok(())
        }
        (Err(error), _) if text.contains('@') => Err(Fault::Address(error)),
        _ if text.contains('@') => Err(Fault::SeveralNames),
        _ => Err(Fault::NoAtSign),
    }
}

/// Whether a cell holds something like an address: for finding the column.
pub(crate) fn looks_like_address(cell: &str) -> bool {
    let text = strip(cell);
    text.len() <= CELL_MAX && Mailbox::parse(&bare(text)).is_ok()
}

fn one(text: &str, rules: &PersonRules) -> Result<Found, AddressError> {
    let mailbox = Mailbox::parse(&bare(text))?;
    let canonical = mailbox.canonical(rules)?;
    Ok(Found { mailbox, canonical })
}

/// All parts must be addresses: half of a cell understood is a cell not understood.
fn several(text: &str, rules: &PersonRules, found: &mut Vec<Found>) -> Option<()> {
    let parts = || text.split([';', ',']).map(strip).filter(|part| !part.is_empty());
    let by_space = || text.split_whitespace().map(strip).filter(|part| !part.is_empty());
    let mut take = |part: &str| {
        let address = one(part, rules).ok()?;
        if !found.contains(&address) {
            found.push(address);
        }
        (found.len() <= ADDRESSES_MAX).then_some(())
    };
    if parts().nth(1).is_some() {
        return parts().try_for_each(&mut take);
    }
    by_space().nth(1)?;
    by_space().try_for_each(take)
}

/// Takes white space and invisible characters off both ends, and what lists put behind.
fn strip(text: &str) -> &str {
    let outside = |c: char| {
        c.is_whitespace()
            || c.is_control()
            // Zero-width characters and the byte order mark, as copied from web pages.
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let text = text.trim_matches(outside);
    let text = text.trim_end_matches(|c| outside(c) || matches!(c, '.' | ';' | ','));
    // `'bob@example.com` of a spreadsheet, and the same on both sides.
    match text.strip_prefix('\'') {
        Some(rest) => rest.strip_suffix('\'').unwrap_or(rest).trim_matches(outside),
        None => text,
    }
}

/// What stands before the brackets.
fn display_name(text: &str) -> Option<&str> {
    text.strip_suffix('>')?;
    text.get(..text.rfind('<')?)
}

/// The address without a name, brackets, quotes around all of it, or `mailto:`.
fn bare(text: &str) -> Cow<'_, str> {
    let text = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(open), Some(upto)) => strip(upto.get(open + 1..).unwrap_or_default()),
        _ => text,
    };
    let text = match text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inside) if !inside.contains('"') => strip(inside),
        _ => text,
    };
    match text.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("mailto:") => {
            let rest = text.get(7..).unwrap_or_default();
            decode(strip(rest.split('?').next().unwrap_or_default()))
        }
        _ => Cow::Borrowed(text),
    }
}

/// Percent-encoding of a `mailto:` URL (RFC 6068 s2).
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let digit = |byte: &u8| char::from(*byte).to_digit(16);
        match (first, after) {
            (b'%', [high, low, tail @ ..]) => {
                let (Some(high), Some(low)) = (digit(high), digit(low)) else {
                    return Cow::Borrowed(text);
                };
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What a cell shows itself to be instead of an address.
fn other_than_address(text: &str) -> Option<Fault> {
    if let Some(algorithm) = looks_like_digest(text).filter(|_| !text.contains('@')) {
        return Some(Fault::Hashed(algorithm));
    }
    // What Halon's lists have besides.
    if (text.starts_with('/') && text.ends_with('/') && text.len() > 2) || is_anywhere(text) {
        return Some(Fault::Pattern);
    }
    let domain = text.strip_prefix('*').unwrap_or(text).strip_prefix('@')?;
    (domain.contains('.') && !domain.contains('@')).then_some(Fault::WholeDomain)
}

/// `bob@`: that person at any domain.
fn is_anywhere(text: &str) -> bool {
    text.strip_suffix('@').is_some_and(|local| {
        !local.is_empty() && !local.contains(|c: char| c == '@' || c.is_whitespace())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cell: &str) -> Result<Vec<String>, Fault> {
        let mut found = Vec::new();
        addresses(cell, &PersonRules::default(), &mut found)?;
        Ok(found.iter().map(|found| found.mailbox.to_string()).collect())
    }

    #[test]
    fn dirt_around_an_address_is_taken_off() {
        for cell in [
            "bob@example.com",
            "  bob@example.com\t",
            "\u{feff}bob@example.com",
            "\u{a0}bob@example.com\u{200b}",
            "bob@example.com.",
            "bob@example.com;",
            "bob@example.com ; ",
            "bob@EXAMPLE.com,",
            "'bob@example.com",
            "'bob@example.com'",
            "mailto:bob@example.com",
            "MAILTO:bob@example.com?subject=unsubscribe",
            "mailto:bob%40example.com",
            "<bob@example.com>",
            "Bob <bob@example.com>",
            "Bob S. <bob@example.com>;",
            "\"Smith, Bob\" <bob@example.com>",
            "Smith, Bob <mailto:bob@example.com>",
            "\"bob@example.com\"",
            "\" bob@example.com \"",
            "bob@example.com\r\n",
        ] {
            assert_eq!(read(cell).unwrap(), ["bob@example.com"], "{cell:?}");
        }
    }

    #[test]
    fn what_belongs_to_an_address_stays() {
        for (cell, address) in [
            ("O'Brien@example.com", "O'Brien@example.com"),
            ("Bob+Tag@Example.COM", "Bob+Tag@example.com"),
            ("\"bob smith\"@example.com", "\"bob smith\"@example.com"),
            ("#hash@example.com", "#hash@example.com"),
            ("bob@bücher.example", "bob@xn--bcher-kva.example"),
            ("bob@XN--BCHER-KVA.example", "bob@xn--bcher-kva.example"),
            ("müller@example.com", "müller@example.com"),
        ] {
            assert_eq!(read(cell).unwrap(), [address], "{cell:?}");
        }
    }

    #[test]
    fn every_address_of_a_cell_counts() {
        let both = ["a@example.com", "b@example.com"];
        for cell in [
            "a@example.com;b@example.com",
            "a@example.com, b@example.com",
            "a@example.com b@example.com",
            "A <a@example.com>; B <b@example.com>;",
            ";a@example.com;;b@example.com",
            "a@example.com\nb@example.com",
        ] {
            assert_eq!(read(cell).unwrap(), both, "{cell:?}");
        }
        assert!(read("a@example.com; nothing").is_err(), "half a cell is not enough");
        assert_eq!(read("A <a@example.com> B <b@example.com>").unwrap_err(), Fault::SeveralNames);
        assert_eq!(
            read("b@example.com <a@example.com>").unwrap(),
            ["b@example.com", "a@example.com"]
        );
        assert_eq!(read("\"a@example.com\" <a@example.com>").unwrap(), ["a@example.com"]);
        assert_eq!(read("Bob @ Work <a@example.com>").unwrap(), ["a@example.com"]);
        assert!(read(&(0..2001).map(|n| format!("a{n}@b.example ")).collect::<String>()).is_err());
        assert_eq!(read(&"a@b.example ".repeat(17)).unwrap().len(), 1);
    }

    #[test]
    fn what_is_no_address_is_named() {
        for (cell, fault) in [
            ("#02232014", Fault::NoAtSign),
            ("8/27/2015", Fault::NoAtSign),
            ("bob", Fault::NoAtSign),
            ("b58996c504c5638798eb6b511e6f49af", Fault::Hashed(HashAlgorithm::Md5)),
            ("bob@", Fault::Pattern),
            ("/^bob.*@example\\.com$/", Fault::Pattern),
            ("@example.com", Fault::WholeDomain),
            ("*@example.com", Fault::WholeDomain),
        ] {
            assert_eq!(read(cell).unwrap_err(), fault, "{cell:?}");
        }
        for cell in
            ["bob@@example.com", "bob @", "@", "bob@exa mple.com", "b\u{200b}ob@example.com"]
        {
            let error = read(cell).unwrap_err();
            assert!(matches!(error, Fault::Address(_)), "{cell:?}: {error:?}");
        }
        assert_eq!(read(&"x".repeat(70_000)).unwrap_err(), Fault::TooLong);
    }

    #[test]
    fn no_cell_is_too_odd() {
        for cell in
            ["", "'", "\"", "<", ">", "<>", "mailto:", "mailto:%", "mailto:%4", "%", "é", "''"]
        {
            assert!(read(cell).is_err(), "{cell:?}");
        }
    }

    fn as_hashed(cell: &str, algorithm: HashAlgorithm) -> Result<Subject, Fault> {
        let rules = PersonRules::default();
        let reading = Reading { rules: &rules, domains: Domains::Never, hashed: Some(algorithm) };
        let mut found = Vec::new();
        subjects(cell, reading, &mut Vec::new(), &mut found)?;
        Ok(found.remove(0))
    }

    #[test]
    fn digests_in_every_spelling_are_the_same_bytes() {
        let bytes = vec![
            0xb5, 0x89, 0x96, 0xc5, 0x04, 0xc5, 0x63, 0x87, 0x98, 0xeb, 0x6b, 0x51, 0x1e, 0x6f,
            0x49, 0xaf,
        ];
        for cell in [
            "b58996c504c5638798eb6b511e6f49af",
            " B58996C504C5638798EB6B511E6F49AF\r",
            "\"b58996c504c5638798eb6b511e6f49af\"",
            "tYmWxQTFY4eY62tRHm9Jrw==",
            "tYmWxQTFY4eY62tRHm9Jrw",
        ] {
            assert_eq!(as_hashed(cell, HashAlgorithm::Md5), Ok(Subject::Digest(bytes.clone())));
        }
        let address = as_hashed("bob@example.com", HashAlgorithm::Md5).unwrap();
        assert!(matches!(address, Subject::Address(_)), "an address is one all the same");
    }

    #[test]
    fn a_digest_of_another_length_names_its_algorithm() {
        let md5 = "b58996c504c5638798eb6b511e6f49af";
        let wrong = as_hashed(md5, HashAlgorithm::Sha256).unwrap_err();
        assert_eq!(wrong, Fault::OtherDigest(HashAlgorithm::Md5));
        assert!(wrong.to_string().contains("md5"), "{wrong}");
        let sha512 = STANDARD.encode([7; 64]);
        assert_eq!(looks_like_digest(&sha512), None, "nothing but letters");
        let sha512 = STANDARD.encode((0..64).collect::<Vec<u8>>());
        assert_eq!(sha512.len(), 88);
        assert_eq!(looks_like_digest(&sha512), Some(HashAlgorithm::Sha512));
        assert_eq!(as_hashed("gone", HashAlgorithm::Md5), Err(Fault::NoDigest));
        assert_eq!(as_hashed(&md5[1..], HashAlgorithm::Md5), Err(Fault::NoDigest));
    }

    #[test]
    fn a_domain_is_one_only_where_the_list_means_it() {
        let rules = PersonRules::default();
        let read = |cell: &str, domains| {
            let reading = Reading { rules: &rules, domains, hashed: None };
            let mut found = Vec::new();
            subjects(cell, reading, &mut Vec::new(), &mut found).map(|()| match found.as_slice() {
                [Subject::Domain(postmaster)] => postmaster.domain().to_owned(),
                other => panic!("{other:?}"),
            })
        };
        let domain = Ok("example.com".to_owned());
        for cell in ["@example.com", "*@Example.COM", " @example.com;"] {
            assert_eq!(read(cell, Domains::WithAt), domain, "{cell}");
            assert_eq!(read(cell, Domains::Bare), domain, "{cell}");
            assert_eq!(read(cell, Domains::Never), Err(Fault::WholeDomain), "{cell}");
        }
        assert_eq!(read("example.com", Domains::Bare), domain);
        assert_eq!(read("example.com", Domains::WithAt), Err(Fault::NoAtSign));
        assert_eq!(read("bücher.example", Domains::Bare), Ok("xn--bcher-kva.example".into()));
        for cell in ["8.27.2015", "1.5", "192.0.2.1", "a b.example", "#x.example", "localhost"] {
            assert!(read(cell, Domains::Bare).is_err(), "{cell}");
        }
    }
}
