//! The mailboxes in a `From` field, read so narrowly that there is one reading.
//!
//! RFC 5322 s3.4, with groups (RFC 6854), comments around a mailbox and dots in a display
//! name, because programs write those. Everything by which one program may come to see
//! another author than the next is unreadable instead: comments and white space inside an
//! address, routes, angle brackets in a display name or a comment, in the open or behind an
//! encoded word (RFC 2047), an address without a domain. Reading takes one pass.

use address::{Domain, Mailbox};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::sender_rules::AuthorDomain;

/// Octets of a field that is read; a longer one is unreadable.
const VALUE_MAX: usize = 16 * 1024;
/// Octets of one encoded word's text that are decoded. RFC 2047 s2 allows 75 for all of it, and
/// what begins many times before one end would be decoded as often.
const ENCODED_MAX: usize = 2000;
/// Comments within comments.
const DEPTH_MAX: usize = 4;

/// What is wrong with the authors of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthorFault {
    /// There is none.
    Missing,
    /// It cannot be told for certain who they are.
    Unreadable,
    /// One is at a domain that this client may not use.
    Foreign,
}

/// Whether every mailbox in the value of a `From` field is at one of `domains`; the value
/// without the ends of its lines.
///
/// # Errors
/// What is wrong, the unreadable first.
pub fn check_authors(value: &str, domains: &[AuthorDomain]) -> Result<(), AuthorFault> {
    let authors = authors(value)?;
    if authors.is_empty() {
        return Err(AuthorFault::Missing);
    }
    let permitted = |domain: &Domain| domains.iter().any(|one| one.matches(domain));
    if authors.iter().all(permitted) { Ok(()) } else { Err(AuthorFault::Foreign) }
}

fn authors(value: &str) -> Result<Vec<Domain>, AuthorFault> {
    if value.len() > VALUE_MAX || hides_brackets(value) {
        return Err(AuthorFault::Unreadable);
    }
    let mut reader = Reader { rest: value, found: Vec::new() };
    reader.list(false).map(|()| reader.found).ok_or(AuthorFault::Unreadable)
}

/// Each method is `None` where the text is not what it should be.
struct Reader<'a> {
    rest: &'a str,
    found: Vec<Domain>,
}

impl<'a> Reader<'a> {
    // address-list = address *("," address) ; group-list = mailbox-list / CFWS, up to ";"
    fn list(&mut self, in_group: bool) -> Option<()> {
        let end = if in_group { Some(';') } else { None };
        self.gap()?;
        if self.peek() == end {
            // Nobody: an empty group, or an empty field.
            return Some(());
        }
        loop {
            self.address(in_group)?;
            self.gap()?;
            match self.peek() {
                Some(',') => self.skip(),
                other => return (other == end).then_some(()),
            }
            self.gap()?;
        }
    }

    // address = mailbox / group ; mailbox = name-addr / addr-spec
    fn address(&mut self, in_group: bool) -> Option<()> {
        let start = self.rest;
        let mut words = 0_usize;
        let mut whole = true;
        loop {
            match self.peek()? {
                '"' => self.quoted()?,
                '<' => {
                    self.skip();
                    return self.mailbox_until('>');
                }
                ':' if !in_group && words > 0 => {
                    self.skip();
                    self.list(true)?;
                    self.skip();
                    return Some(());
                }
                // Only what stands together is one local part.
                '@' if words > 0 && whole => {
                    self.rest = start;
                    return self.bare_mailbox();
                }
                letter if is_atom(letter) => {
                    self.rest = self.rest.trim_start_matches(is_atom);
                }
                _ => return None,
            }
            words += 1;
            let before = self.rest.len();
            self.gap()?;
            whole &= before == self.rest.len();
        }
    }

    /// `local@domain` up to `end`, which may stand in the quoted local part as well.
    fn mailbox_until(&mut self, end: char) -> Option<()> {
        let start = self.rest;
        if self.peek() == Some('"') {
            self.quoted()?;
        }
        let behind = self.rest.find(end)?;
        let length = start.len() - self.rest.len() + behind;
        let (mailbox, rest) = start.split_at_checked(length)?;
        self.rest = rest;
        self.skip();
        self.keep(mailbox)
    }

    /// `local@domain` up to white space, a comment, a comma or a semicolon.
    fn bare_mailbox(&mut self) -> Option<()> {
        let start = self.rest;
        if self.peek() == Some('"') {
            self.quoted()?;
        }
        let ends = |letter| matches!(letter, ' ' | '\t' | '(' | ',' | ';' | '<' | '>' | '"');
        self.rest = self.rest.trim_start_matches(|letter| !ends(letter));
        self.keep(start.get(..start.len() - self.rest.len())?)
    }

    fn keep(&mut self, mailbox: &str) -> Option<()> {
        let mailbox = Mailbox::parse(mailbox).ok()?;
        // Quotes make them letters, and not every program looks at quotes.
        if mailbox.local().contains(['@', '<', '>', '(', ')', ',', ';', '"', '\\']) {
            return None;
        }
        self.found.push(mailbox.domain().clone());
        Some(())
    }

    // quoted-string, RFC 5322 s3.2.4
    fn quoted(&mut self) -> Option<()> {
        self.skip();
        loop {
            match self.next()? {
                '"' => return Some(()),
                '\\' => {
                    self.next().filter(|letter| !matches!(letter, '<' | '>'))?;
                }
                '<' | '>' => return None,
                _ => {}
            }
        }
    }

    // CFWS, RFC 5322 s3.2.2
    fn gap(&mut self) -> Option<()> {
        let mut depth = 0;
        loop {
            match (self.peek(), depth) {
                (Some(' ' | '\t'), _) => {}
                (Some('('), ..DEPTH_MAX) => depth += 1,
                (Some(')'), 1..) => depth -= 1,
                (Some('(' | '<' | '>') | None, 1..) => return None,
                (Some('\\'), 1..) => {
                    self.skip();
                    self.peek().filter(|letter| !matches!(letter, '<' | '>'))?;
                }
                (Some(_), 1..) => {}
                (_, 0) => return Some(()),
            }
            self.skip();
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let letter = self.peek();
        self.skip();
        letter
    }

    fn skip(&mut self) {
        let mut letters = self.rest.chars();
        letters.next();
        self.rest = letters.as_str();
    }
}

/// `atext` (RFC 5322 s3.2.3, RFC 6532 s3.2), and the dot.
fn is_atom(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~.".contains(letter)
        || (!letter.is_ascii() && !letter.is_control())
}

/// Base64 as programs write it, with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Whether an encoded word (RFC 2047) hides an angle bracket or a control character: a
/// program that decodes before it parses would see an address of its own there.
///
/// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
fn hides_brackets(value: &str) -> bool {
    let mut rest = value;
    while let Some((_, behind)) = rest.split_once("=?") {
        rest = behind;
        let mut parts = behind.splitn(3, '?');
        let (Some(charset), Some(encoding), Some(tail)) =
            (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        // Without an end there is no word behind this one either.
        let Some((text, after)) = tail.split_once("?=") else { return false };
        if text.len() > ENCODED_MAX {
            return true;
        }
        let charset = charset.to_ascii_lowercase();
        let mut decoded = match encoding {
            "q" | "Q" => from_q(text),
            // What is cut within a group of four is put together by some programs.
            "b" | "B" if text.len() % 4 != 0 && after.contains("=?") => return true,
            // Some skip what is no base64, and go on behind it.
            "b" | "B" => match LENIENT.decode(text) {
                Ok(decoded) => decoded,
                Err(_) => return true,
            },
            _ => continue,
        };
        if charset.starts_with("iso-2022") {
            decoded = single_octets(&charset, &decoded);
        }
        let hidden = |byte: &u8| matches!(byte, b'<' | b'>' | 0..=31 | 127);
        if charset.starts_with("utf-7") || decoded.iter().any(hidden) {
            return true;
        }
    }
    false
}

/// The octets of ISO-2022 text that stand for themselves: all but those between an escape and the
/// next one, or a shift and its end, which are halves of other letters. An escape that is not of
/// this charset stays, because a program that does not know it goes on as before.
///
/// ISO-2022-JP (RFC 1468): ESC $ @ and ESC $ B begin two octets, ESC ( F ends them. ISO-2022-KR and
/// -CN (RFC 1557, RFC 1922): ESC $ ) F names a set of two octets, which SO begins and SI ends.
fn single_octets(charset: &str, text: &[u8]) -> Vec<u8> {
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

/// RFC 2047 s4.2.
fn from_q(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        let hex = behind.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (byte, hex.and_then(|two| u8::from_str_radix(two, 16).ok())) {
            (b'=', Some(value)) => {
                out.push(value);
                rest = behind.get(2..).unwrap_or_default();
            }
            _ => out.push(*byte),
        }
    }
    out
}

#[cfg(test)]
mod tests;
