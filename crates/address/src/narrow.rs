//! One reading only: the narrow grammar of a recipient.
//!
//! RFC 5321 allows far more than any two programs agree on. Mail servers crack open
//! `u%d@relay`, `d!u@relay` and `"u@d"@relay`, drop comments, decode `=?…?=` and
//! `IMCEASMTP-u+40d`, and take `10.1` for an IP address (DESIGN s6, threats s3). A
//! recipient with any of these is refused as ambiguous, whoever is listed.

use crate::characters::is_plain;
use crate::domain::Domain;
use crate::error::{self, AddressError};
use crate::mailbox::Mailbox;

/// Refuses a mailbox that another program could read in another way.
pub(crate) fn check(mailbox: &Mailbox) -> Result<(), AddressError> {
    match mailbox.domain() {
        Domain::Literal(_) => return Err(error::LITERAL),
        name if name.is_numeric() => return Err(error::NUMERIC),
        Domain::Name(_) => {}
    }
    one_reading(mailbox.local())
}

/// Refuses a local part, unquoted, that another program could read in another way.
pub(crate) fn one_reading(local: &str) -> Result<(), AddressError> {
    if local.chars().all(|c| c == '.') {
        return Err(error::EMPTY_LOCAL);
    }
    for c in local.chars() {
        match c {
            '@' | '%' | '!' => return Err(error::ROUTING),
            '"' | '\\' => return Err(error::QUOTE_INSIDE),
            '(' | ')' => return Err(error::COMMENT),
            c if is_plain(c) || c == ' ' || !c.is_ascii() => {}
            _ => return Err(error::SPECIAL_INSIDE),
        }
    }
    // `"victim "` and `"victim .x"`: programs that drop quotes drop such spaces as well.
    if local.contains(' ') && !local.split(' ').all(is_word) {
        return Err(error::SPACES);
    }
    if local.contains("=?") {
        return Err(error::ENCODED_WORD);
    }
    if is_encapsulated(local) {
        return Err(error::GATEWAY);
    }
    Ok(())
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && !word.starts_with('.') && !word.ends_with('.')
}

/// `IMCEASMTP-user+40dom`: Exchange's encapsulation of another kind of address; any
/// type between `IMCEA` and the hyphen.
fn is_encapsulated(local: &str) -> bool {
    let Some((prefix, rest)) = local.split_at_checked("IMCEA".len()) else { return false };
    prefix.eq_ignore_ascii_case("IMCEA")
        && rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).starts_with('-')
}
