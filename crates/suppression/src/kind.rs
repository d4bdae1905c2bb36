//! The kinds of entry (DESIGN s4). Opt-outs, complaints and blocks never expire; an
//! undeliverable address is no objection, only a bounce; consent and withdrawal are the two
//! that can ever re-open anything, and their rules live in `decide` alone.

use std::fmt;
use std::str::FromStr;

use crate::error::SuppressionError;
use crate::text::serde_by_text;

/// What an entry says about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The person asked not to be mailed.
    OptOut,
    /// The person reported a message as unwanted.
    Complaint,
    /// Somebody in the company blocked the address; no consent of the person ends it.
    Manual,
    /// Mail to the address bounced for good.
    Undeliverable,
    /// The person agreed to be mailed.
    Consent,
    /// Takes back earlier entries, with author and reason.
    Withdrawn,
}

impl Kind {
    /// Every kind, in the order of their byte codes.
    pub const ALL: [Kind; 6] = [
        Kind::OptOut,
        Kind::Complaint,
        Kind::Manual,
        Kind::Undeliverable,
        Kind::Consent,
        Kind::Withdrawn,
    ];

    /// The word for it in files, tables and replies.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::OptOut => "opt-out",
            Kind::Complaint => "complaint",
            Kind::Manual => "manual",
            Kind::Undeliverable => "undeliverable",
            Kind::Consent => "consent",
            Kind::Withdrawn => "withdrawn",
        }
    }

    /// The byte for it in snapshots. Never renumber.
    pub(crate) fn code(self) -> u8 {
        match self {
            Kind::OptOut => 0,
            Kind::Complaint => 1,
            Kind::Manual => 2,
            Kind::Undeliverable => 3,
            Kind::Consent => 4,
            Kind::Withdrawn => 5,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = SuppressionError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == word)
            .ok_or_else(|| SuppressionError::UnknownKind(word.chars().take(40).collect()))
    }
}

serde_by_text!(Kind, "a kind of entry such as \"opt-out\"");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_codes_go_both_ways() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
            assert_eq!(Kind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(Kind::from_code(6), None);
    }

    #[test]
    fn an_unknown_word_is_an_error_that_names_it() {
        let error = "optout".parse::<Kind>().unwrap_err();
        assert!(error.to_string().contains("\"optout\""), "{error}");
        assert!("OPT-OUT".parse::<Kind>().is_err());
    }
}
