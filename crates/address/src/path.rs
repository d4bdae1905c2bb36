//! Forward-path and reverse-path: what stands within `<…>` in RCPT and MAIL.
//!
//! The two are read with different strictness. A recipient is looked up, so a
//! [`ForwardPath`] has only forms with a single reading. A sender is not looked up, so
//! a [`ReversePath`] may be whatever RFC 5321 s4.1.2 allows, address literals and
//! routing characters included, and may have a local part over 64 octets, since
//! bounce addresses that encode the recipient (VERP, SRS, BATV) often do; RFC 5321
//! s4.5.3.1 asks for no limits where possible. Source routes are refused in both, as
//! RFC 5321 s3.6.1 permits.

use std::fmt::{self, Write as _};

use crate::domain::Domain;
use crate::error::{self, AddressError};
use crate::fold;
use crate::mailbox::Mailbox;
use crate::narrow;

/// The longest path in octets, angle brackets included: RFC 5321 s4.5.3.1.3.
pub const PATH_MAX: usize = 256;

/// The recipient of RCPT. `Display` renders it with its angle brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardPath {
    /// `<postmaster>` without a domain, in any case: RFC 5321 s4.1.1.3.
    Postmaster,
    /// Any other recipient.
    Mailbox(Mailbox),
}

impl ForwardPath {
    /// Reads `<…>`, nothing around it.
    ///
    /// # Errors
    /// [`AddressError`]; `Ambiguous` where another program could read it differently.
    // Forward-path = Path
    // Path = "<" [ A-d-l ":" ] Mailbox ">"
    pub fn parse(path: &str) -> Result<Self, AddressError> {
        let inside = unbracket(path)?;
        if inside.eq_ignore_ascii_case("postmaster") {
            return Ok(Self::Postmaster);
        }
        let mailbox = Mailbox::parse(inside)?;
        narrow::check(&mailbox)?;
        if !mailbox.is_ascii() {
            fold::comparison_form(&fold::exact_form(mailbox.local())?)?;
        }
        let path = Self::Mailbox(mailbox);
        within_limit(&path)?;
        Ok(path)
    }

    /// The mailbox, unless it is the postmaster without a domain.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Postmaster => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it is the postmaster, without a domain or of one of the `own` domains
    /// (A-labels, any case): always to be accepted, RFC 5321 s4.5.1.
    #[must_use]
    pub fn is_postmaster(&self, own: &[String]) -> bool {
        match self {
            Self::Postmaster => true,
            Self::Mailbox(mailbox) => match mailbox.domain() {
                Domain::Name(name) => {
                    mailbox.local().eq_ignore_ascii_case("postmaster")
                        && own.iter().any(|domain| domain.eq_ignore_ascii_case(name))
                }
                Domain::Literal(_) => false,
            },
        }
    }

    /// Whether it can be sent without SMTPUTF8.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postmaster => f.write_str("<postmaster>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// The sender of MAIL. `Display` renders it with its angle brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ReversePath {
    /// `<>`: a notification that must not be answered.
    Null,
    /// Any other sender.
    Mailbox(Mailbox),
}

impl ReversePath {
    /// Reads `<…>`, nothing around it.
    ///
    /// # Errors
    /// [`AddressError`] saying what is wrong.
    // Reverse-path = Path / "<>"
    pub fn parse(path: &str) -> Result<Self, AddressError> {
        let inside = unbracket(path)?;
        if inside.is_empty() {
            return Ok(Self::Null);
        }
        let path = Self::Mailbox(Mailbox::parse_within(inside, PATH_MAX)?);
        within_limit(&path)?;
        Ok(path)
    }

    /// The mailbox, unless it is the null path.
    #[must_use]
    pub fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Whether it can be sent without SMTPUTF8.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }

    /// The domain as rendered: A-labels, or an address literal in its brackets.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        self.mailbox().map(|mailbox| mailbox.domain().to_string())
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("<>"),
            Self::Mailbox(mailbox) => write!(f, "<{mailbox}>"),
        }
    }
}

/// Cuts the path off the front of what follows `TO:` or `FROM:`, and gives it with its
/// brackets, and what stands behind it (the parameters). An angle bracket within
/// quotes does not end it.
///
/// # Errors
/// [`AddressError`] when the text does not begin with `<`, or the path does not end.
pub fn split_path(text: &str) -> Result<(&str, &str), AddressError> {
    if !text.starts_with('<') {
        return Err(error::BRACKETS);
    }
    let mut quoted = false;
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => {
                bytes.next();
            }
            b'>' if !quoted => return text.split_at_checked(at + 1).ok_or(error::BRACKETS),
            _ => {}
        }
    }
    Err(error::BRACKETS)
}

/// The text within the brackets of a path that is not too long.
fn unbracket(path: &str) -> Result<&str, AddressError> {
    if path.len() > PATH_MAX {
        return Err(error::PATH_TOO_LONG);
    }
    path.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).ok_or(error::BRACKETS)
}

/// A-labels may be longer than what was received: what is sent on must fit as well.
fn within_limit(path: &impl fmt::Display) -> Result<(), AddressError> {
    let mut room = Room(PATH_MAX);
    write!(room, "{path}").map_err(|_| error::PATH_TOO_LONG)
}

/// Octets that may still be written.
struct Room(usize);

impl fmt::Write for Room {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = self.0.checked_sub(text.len()).ok_or(fmt::Error)?;
        Ok(())
    }
}
