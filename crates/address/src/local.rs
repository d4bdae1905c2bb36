//! The local part: `Dot-string / Quoted-string` of RFC 5321 s4.1.2, with the
//! UTF8-non-ascii of RFC 6531 s3.3.
//!
//! Kept unquoted: all quoted forms of one local part are equivalent (RFC 5321
//! s4.1.2), and what is sent on is quoted only as far as needed. A local part that
//! is quoted in parts (`"vic"tim`, an RFC 822 form) is refused, because programs
//! disagree about it. One pass, no recursion, nothing is allocated unless a
//! backslash has to be taken out.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use crate::characters::is_atext;
use crate::error::{self, AddressError};

/// The longest local part, in octets as written: RFC 5321 s4.5.3.1.1.
pub const LOCAL_PART_MAX: usize = 64;

// Local-part = Dot-string / Quoted-string ; MAY be case-sensitive
/// Reads a local part; gives it unquoted, and what stands behind it, beginning with
/// the at sign.
pub(crate) fn local_part(text: &str) -> Result<(Cow<'_, str>, &str), AddressError> {
    let Some(inside) = text.strip_prefix('"') else {
        let (local, rest) = dot_string(text)?;
        return Ok((Cow::Borrowed(local), rest));
    };
    let (local, rest) = quoted_string(inside)?;
    match rest.chars().next() {
        Some('@') => Ok((local, rest)),
        Some(_) => Err(error::PARTLY_QUOTED),
        None => Err(error::NO_DOMAIN),
    }
}

// Dot-string = Atom *("." Atom)
// Atom = 1*atext
fn dot_string(text: &str) -> Result<(&str, &str), AddressError> {
    let end = text.find(|c| !(is_atext(c) || c == '.')).unwrap_or(text.len());
    let (local, rest) = text.split_at(end);
    match rest.chars().next() {
        Some('@') if local.is_empty() => Err(error::LEADING_AT),
        Some('@') if has_empty_atom(local) => Err(error::DOTS),
        Some('@') => Ok((local, rest)),
        None => Err(error::NO_DOMAIN),
        Some('"') => Err(error::PARTLY_QUOTED),
        Some('\\') => Err(error::BACKSLASH),
        Some('(' | ')') => Err(error::COMMENT),
        Some(' ') => Err(error::WHITE_SPACE),
        Some('<' | '>') => Err(error::BRACKETS),
        Some(_) => Err(error::SPECIAL),
    }
}

// Quoted-string = DQUOTE *QcontentSMTP DQUOTE
// QcontentSMTP  = qtextSMTP / quoted-pairSMTP
// qtextSMTP     = %d32-33 / %d35-91 / %d93-126 / UTF8-non-ascii
// quoted-pairSMTP = %d92 %d32-126
fn quoted_string(inside: &str) -> Result<(Cow<'_, str>, &str), AddressError> {
    let mut content = Cow::Borrowed("");
    let mut span = 0; // where the text not yet copied to `content` begins
    let mut chars = inside.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                let (head, rest) = inside.split_at(at);
                content += head.get(span..).unwrap_or_default();
                return Ok((content, rest.get(1..).unwrap_or_default()));
            }
            '\\' => {
                content += inside.get(span..at).unwrap_or_default();
                span = match chars.next() {
                    Some((next, ' '..='~')) => next,
                    Some(_) => return Err(error::QUOTED_PAIR),
                    None => return Err(error::OPEN_QUOTE),
                };
            }
            _ => {}
        }
    }
    Err(error::OPEN_QUOTE)
}

/// Whether the local part is a `Dot-string`, and so needs no quotes.
fn is_dot_string(local: &str) -> bool {
    !has_empty_atom(local) && local.chars().all(|c| is_atext(c) || c == '.')
}

/// Whether a dot stands at an end, or beside another: only quotes allow that.
pub(crate) fn has_empty_atom(local: &str) -> bool {
    local.split('.').any(str::is_empty)
}

/// Writes a local part with no more quotes than needed.
pub(crate) fn render(local: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if is_dot_string(local) {
        return f.write_str(local);
    }
    f.write_char('"')?;
    for c in local.chars() {
        if matches!(c, '"' | '\\') {
            f.write_char('\\')?;
        }
        f.write_char(c)?;
    }
    f.write_char('"')
}
