//! The mailbox: a local part and a domain, `Local-part "@" ( Domain / address-literal )`.
//!
//! What is kept is what was understood (local part unquoted and with its case, domain
//! in A-labels), so that what is sent on is written anew and has one reading.
//! `parse(render(m)) == m` for every mailbox.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::domain::Domain;
use crate::error::{self, AddressError};
use crate::local::{self, LOCAL_PART_MAX};

/// A mailbox as RFC 5321 s4.1.2 and RFC 6531 s3.3 write it. `Display` quotes the local
/// part no more than needed. Two are equal if they are understood alike, however written.
#[derive(Clone, Debug)]
pub struct Mailbox {
    local: String,
    domain: Domain,
    /// The text it was read from; none where that is the exact form, letter by letter.
    written: Option<Box<str>>,
}

impl PartialEq for Mailbox {
    fn eq(&self, other: &Self) -> bool {
        (&self.local, &self.domain) == (&other.local, &other.domain)
    }
}

impl Eq for Mailbox {}

impl Hash for Mailbox {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.local, &self.domain).hash(state);
    }
}

impl Mailbox {
    /// Reads `local@domain`, nothing around it.
    ///
    /// # Errors
    /// [`AddressError`] saying what is wrong.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::parse_within(text, LOCAL_PART_MAX)
    }

    // Mailbox = Local-part "@" ( Domain / address-literal )
    /// Reads a mailbox whose local part, as written, has at most `local_max` octets.
    pub(crate) fn parse_within(text: &str, local_max: usize) -> Result<Self, AddressError> {
        if text.chars().any(char::is_control) {
            return Err(error::CONTROL);
        }
        let (local, rest) = local::local_part(text)?;
        if text.len() - rest.len() > local_max {
            return Err(error::LOCAL_TOO_LONG);
        }
        let domain = Domain::parse_printable(rest.strip_prefix('@').unwrap_or(rest))?;
        let is_exact = match &domain {
            // Nothing of it was unquoted, mapped or cut off, and nothing will be folded.
            Domain::Name(name) => {
                text.len() == local.len() + 1 + name.len()
                    && text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase())
            }
            Domain::Literal(_) => false,
        };
        let written = (!is_exact).then(|| text.into());
        Ok(Self { local: local.into_owned(), domain, written })
    }

    /// The text it was read from; none where that is its exact form.
    pub(crate) fn unlike_exact(&self) -> Option<&str> {
        self.written.as_deref()
    }

    /// The local part, unquoted, in the case it came in.
    #[must_use]
    pub fn local(&self) -> &str {
        &self.local
    }

    /// The domain.
    #[must_use]
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// Whether the local part is ASCII. The domain always is, as it is rendered.
    #[must_use]
    pub fn is_ascii(&self) -> bool {
        self.local.is_ascii()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        local::render(&self.local, f)?;
        write!(f, "@{}", self.domain)
    }
}
