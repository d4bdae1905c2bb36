//! Everything that can be wrong with an address: one table.
//!
//! An error carries no byte of the address, so that its text may go into a reply,
//! a log line or a report of bad rows without leaking personal data or control
//! characters. The fault decides the reply code: RFC 5321 s4.1.2 (last paragraph)
//! and s4.2.3 ask for 501 where the syntax is wrong and 553 where the mailbox name
//! is not allowed.

use thiserror::Error;

/// Which kind of reply an address earns. `Display` is the beginning of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum AddressFault {
    /// Cannot be parsed at all: 501.
    #[error("not an address")]
    Syntax,
    /// Another program could read it in another way: 553.
    #[error("ambiguous address")]
    Ambiguous,
    /// Longer than RFC 5321 s4.5.3.1 demands to be accepted: 501.
    #[error("address too long")]
    TooLong,
}

/// Why an address was refused. `Display` is one short ASCII line without any byte of
/// the address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[error("{fault}: {reason}")]
pub struct AddressError {
    /// The kind of reply it earns.
    pub fault: AddressFault,
    reason: &'static str,
}

impl AddressError {
    /// What is wrong, without the kind.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason
    }

    const fn syntax(reason: &'static str) -> Self {
        Self { fault: AddressFault::Syntax, reason }
    }

    const fn ambiguous(reason: &'static str) -> Self {
        Self { fault: AddressFault::Ambiguous, reason }
    }

    const fn too_long(reason: &'static str) -> Self {
        Self { fault: AddressFault::TooLong, reason }
    }
}

// 501: not an address.
pub(crate) const BRACKETS: AddressError =
    AddressError::syntax("a path is one address within one pair of angle brackets");
pub(crate) const CONTROL: AddressError = AddressError::syntax("a control character");
pub(crate) const WHITE_SPACE: AddressError =
    AddressError::syntax("white space outside a quoted local part");
pub(crate) const DOTS: AddressError =
    AddressError::syntax("a dot at the start or end of the local part, or two in a row");
pub(crate) const SPECIAL: AddressError =
    AddressError::syntax("a character that must be quoted in the local part");
pub(crate) const OPEN_QUOTE: AddressError =
    AddressError::syntax("a quoted local part that does not end");
pub(crate) const QUOTED_PAIR: AddressError =
    AddressError::syntax("a backslash before something that cannot be quoted");
pub(crate) const DOMAIN_NAME: AddressError = AddressError::syntax("not a valid domain name");
pub(crate) const LITERAL_SYNTAX: AddressError = AddressError::syntax("not a valid address literal");

// 553: an address that can be read in two ways, or by nobody.
pub(crate) const NO_DOMAIN: AddressError = AddressError::ambiguous("no domain");
pub(crate) const LEADING_AT: AddressError =
    AddressError::ambiguous("a source route, or nothing before the at sign");
pub(crate) const TWO_AT: AddressError = AddressError::ambiguous("more than one at sign");
pub(crate) const COMMENT: AddressError = AddressError::ambiguous("a parenthesis, as of a comment");
pub(crate) const PARTLY_QUOTED: AddressError =
    AddressError::ambiguous("a local part that is only partly quoted");
pub(crate) const BACKSLASH: AddressError =
    AddressError::ambiguous("a backslash outside a quoted local part");
pub(crate) const EMPTY_LABEL: AddressError =
    AddressError::ambiguous("a domain with an empty label");
pub(crate) const LITERAL: AddressError =
    AddressError::ambiguous("an address literal in place of a domain name");
pub(crate) const NUMERIC: AddressError =
    AddressError::ambiguous("a domain that could be read as an IP address");
pub(crate) const EMPTY_LOCAL: AddressError =
    AddressError::ambiguous("a local part that is empty, or nothing but dots");
pub(crate) const ROUTING: AddressError =
    AddressError::ambiguous("routing in the local part: an at sign, a percent sign or a bang");
pub(crate) const QUOTE_INSIDE: AddressError =
    AddressError::ambiguous("a quotation mark or backslash within the local part");
pub(crate) const SPECIAL_INSIDE: AddressError =
    AddressError::ambiguous("punctuation of address lists or comments within the local part");
pub(crate) const SPACES: AddressError =
    AddressError::ambiguous("a space in the local part that is not between two words");
pub(crate) const ENCODED_WORD: AddressError =
    AddressError::ambiguous("an encoded word in the local part");
pub(crate) const GATEWAY: AddressError =
    AddressError::ambiguous("an encapsulated address in the local part");
pub(crate) const INVISIBLE: AddressError =
    AddressError::ambiguous("an invisible, private or unassigned character");
pub(crate) const STRAY_MARK: AddressError =
    AddressError::ambiguous("a combining mark that follows no letter");
pub(crate) const COMPATIBILITY: AddressError =
    AddressError::ambiguous("a character that turns into punctuation when it is normalised");
pub(crate) const UNSTABLE: AddressError =
    AddressError::ambiguous("text that does not come to rest when it is normalised");

// 501: longer than need be accepted.
pub(crate) const LOCAL_TOO_LONG: AddressError =
    AddressError::too_long("a local part of more than 64 octets");
pub(crate) const DOMAIN_TOO_LONG: AddressError =
    AddressError::too_long("a domain of more than 255 octets, or a label of more than 63");
pub(crate) const PATH_TOO_LONG: AddressError =
    AddressError::too_long("a path of more than 256 octets");
