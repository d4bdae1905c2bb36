//! From the text of a cell to the addresses in it.
//!
//! What real lists put around an address is taken off: spaces, the apostrophe a spreadsheet sets
//! before text, `mailto:`, a display name, brackets, a trailing `.` `;` or `,`. What is left must
//! be one address, or several separated by `;` `,` or spaces, each of which counts: to leave out
//! the second would mail somebody who opted out. Whether it *is* an address, and which person's,
//! is for `address` alone to say.

use std::borrow::Cow;

use address::{AddressError, Canonical, Mailbox, PersonRules};

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

/// The addresses of a cell that is not blank. `found` is emptied first.
pub(crate) fn addresses(
    cell: &str,
    rules: &PersonRules,
    found: &mut Vec<Found>,
) -> Result<(), Fault> {
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
    let hex = text.len() >= 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if hex && matches!(text.len(), 32 | 40 | 56 | 64 | 96 | 128) {
        return Some(Fault::Hashed);
    }
    let domain = text.strip_prefix('*').unwrap_or(text).strip_prefix('@')?;
    (domain.contains('.') && !domain.contains('@')).then_some(Fault::WholeDomain)
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
            ("b58996c504c5638798eb6b511e6f49af", Fault::Hashed),
            ("@example.com", Fault::WholeDomain),
            ("*@example.com", Fault::WholeDomain),
        ] {
            assert_eq!(read(cell).unwrap_err(), fault, "{cell:?}");
        }
        for cell in ["bob@@example.com", "bob@", "@", "bob@exa mple.com", "b\u{200b}ob@example.com"]
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
}
