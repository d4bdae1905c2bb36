//! The mailboxes in a `From` field, read so narrowly that there is one reading.
//!
//! RFC 5322 s3.4, with groups (RFC 6854), comments around a mailbox and dots in a display
//! name, because programs write those. Everything by which one program may come to see
//! another author than the next is unreadable instead: comments, white space and encoded words
//! (RFC 2047) inside an address, routes, angle brackets in a display name or a comment, in the
//! open or behind an encoded word, an address without a domain. Reading takes one pass.

mod charset;
mod hidden;

use address::{Domain, Mailbox};

use self::hidden::hidden;
use crate::sender_rules::AuthorDomain;

/// Octets of a field that is read; a longer one is unreadable.
const VALUE_MAX: usize = 16 * 1024;
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
    if value.len() > VALUE_MAX {
        return Err(AuthorFault::Unreadable);
    }
    let hidden = hidden(value).ok_or(AuthorFault::Unreadable)?;
    let mut reader = Reader { rest: value, found: Vec::new() };
    reader.list(false).ok_or(AuthorFault::Unreadable)?;
    let mut found = reader.found;
    // Whoever decodes before he parses may take an address in a name or a comment for one of
    // its own there.
    if hidden.divides && value.matches('@').count() > found.len() {
        return Err(AuthorFault::Unreadable);
    }
    found.extend(hidden.domains);
    Ok(found)
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
        // No encoded word may be here (RFC 2047 s5), and many decode it all the same.
        if mailbox.local().contains("=?") {
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

#[cfg(test)]
mod tests;
