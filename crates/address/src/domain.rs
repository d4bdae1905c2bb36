//! The domain: a name in lower-case A-labels, or an address literal.
//!
//! Names go through UTS 46, non-transitional and strict (STD 3 letters, hyphens
//! checked, joiners and direction checked), so `BÜCHER.example`, `bücher.example`
//! and `xn--bcher-kva.example` are one name, and only ASCII ever leaves. Full-width
//! letters and ideographic dots are mapped there to what they look like; characters
//! that the mapping would silently drop are refused before it.
//! One trailing dot is removed; any other empty label is refused, since programs
//! repair those in different ways.
//!
//! A plain ASCII name without `xn--` needs no tables: it is checked and lower-cased.

use std::borrow::Cow;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use crate::characters::{is_ignorable, is_joiner};
use crate::error::{self, AddressError};

/// The longest domain, in octets: RFC 5321 s4.5.3.1.2.
pub const DOMAIN_MAX: usize = 255;
/// The longest label of a domain name, in octets: RFC 1035 s2.3.4.
pub const LABEL_MAX: usize = 63;

/// What stands to the right of the at sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// A name in lower-case A-labels, without a trailing dot: `xn--bcher-kva.example`.
    Name(String),
    /// An address literal without its square brackets: `192.0.2.1`, `IPv6:2001:db8::1`.
    Literal(String),
}

impl Domain {
    /// Reads a domain name in any form, or an address literal in square brackets.
    ///
    /// # Errors
    /// [`AddressError`] when it is neither, or too long.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(error::CONTROL);
        }
        Self::parse_printable(text)
    }

    // Domain / address-literal
    /// Reads text that is known to have no control characters.
    pub(crate) fn parse_printable(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix('[') {
            Some(rest) => {
                let inside = rest.strip_suffix(']').ok_or(error::LITERAL_SYNTAX)?;
                address_literal(inside).map(Self::Literal)
            }
            None => domain_name(text).map(Self::Name),
        }
    }

    /// Whether a program may take the name for an IP address: its last label is a
    /// number, decimal or `0x…` (`10.1`, `2130706433`, `0x7f.1`). No top-level domain
    /// is.
    pub(crate) fn is_numeric(&self) -> bool {
        let Self::Name(name) = self else { return false };
        let last = name.rsplit('.').next().unwrap_or_default();
        match last.strip_prefix("0x") {
            Some(hex) => hex.bytes().all(|b| b.is_ascii_hexdigit()),
            None => last.bytes().all(|b| b.is_ascii_digit()),
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Literal(inside) => write!(f, "[{inside}]"),
        }
    }
}

/// The name with its A-labels as people write them; none where it has none.
pub(crate) fn in_unicode(name: &str) -> Option<String> {
    if !needs_tables(name) {
        return None;
    }
    let (unicode, sound) =
        Uts46::new().to_unicode(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Check);
    (sound.is_ok() && unicode != name).then(|| unicode.into_owned())
}

// Domain    = sub-domain *("." sub-domain)
// sub-domain = Let-dig [Ldh-str] / U-label        ; RFC 6531 s3.3
fn domain_name(text: &str) -> Result<String, AddressError> {
    // The last dot is not counted; a longer text is not worth looking at.
    if text.len() > DOMAIN_MAX + 1 {
        return Err(error::DOMAIN_TOO_LONG);
    }
    let ascii = if needs_tables(text) {
        if text.chars().any(|c| is_ignorable(c) && !is_joiner(c)) {
            return Err(error::INVISIBLE);
        }
        // Lengths are checked below, on what comes out.
        Uts46::new()
            .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Ignore)
            .map_err(|_| diagnose(text))?
    } else {
        Cow::Borrowed(text)
    };
    let name = ascii.strip_suffix('.').unwrap_or(&ascii);
    if name.len() > DOMAIN_MAX {
        return Err(error::DOMAIN_TOO_LONG);
    }
    for label in name.split('.') {
        if label.is_empty() {
            return Err(error::EMPTY_LABEL);
        }
        if !is_ldh(label) {
            return Err(diagnose(text));
        }
        if label.len() > LABEL_MAX {
            return Err(error::DOMAIN_TOO_LONG);
        }
    }
    Ok(name.to_ascii_lowercase())
}

// Let-dig = ALPHA / DIGIT
// Ldh-str = *( ALPHA / DIGIT / "-" ) Let-dig
fn is_ldh(label: &str) -> bool {
    !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether the name has to go through UTS 46: it is not ASCII, or has an A-label,
/// which must be checked to be one.
fn needs_tables(text: &str) -> bool {
    !text.is_ascii()
        || text.split('.').any(|label| {
            label.as_bytes().first_chunk::<4>().is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"))
        })
}

/// Says what is wrong with text that is no domain name.
fn diagnose(text: &str) -> AddressError {
    match text.chars().find(|c| matches!(c, '@' | '(' | ')' | ' ' | '<' | '>')) {
        Some('@') => error::TWO_AT,
        Some('(' | ')') => error::COMMENT,
        Some(' ') => error::WHITE_SPACE,
        Some(_) => error::BRACKETS,
        None => error::DOMAIN_NAME,
    }
}

// address-literal = "[" ( IPv4-address-literal / IPv6-address-literal /
//                   General-address-literal ) "]"           ; RFC 5321 s4.1.3
// IPv6-address-literal = "IPv6:" IPv6-addr
/// `General-address-literal` needs a tag from IANA's registry, and that holds no tag but
/// `IPv6`.
fn address_literal(inside: &str) -> Result<String, AddressError> {
    if let Ok(address) = inside.parse::<Ipv4Addr>() {
        return Ok(address.to_string());
    }
    match inside.split_once(':') {
        Some((tag, address)) if tag.eq_ignore_ascii_case("IPv6") => {
            let address = address.parse::<Ipv6Addr>().map_err(|_| error::LITERAL_SYNTAX)?;
            Ok(format!("IPv6:{address}"))
        }
        _ => Err(error::LITERAL_SYNTAX),
    }
}
