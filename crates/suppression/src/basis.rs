//! On what a consent rests, and how long it lasts. Express consent stands until it is
//! withdrawn; consent implied by a business relationship lapses: S.C. 2010 c. 23 (CASL)
//! s10(10) gives it 2 years from a purchase, 6 months from an inquiry.

use std::fmt;
use std::str::FromStr;

use crate::error::SuppressionError;
use crate::text::serde_by_text;
use crate::time::Timestamp;

/// What a consent rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Basis {
    /// The person said so.
    #[default]
    Express,
    /// The person bought something, or made a contract.
    Purchase,
    /// The person asked about something.
    Inquiry,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Basis; 3] = [Basis::Express, Basis::Purchase, Basis::Inquiry];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Express => "express",
            Basis::Purchase => "purchase",
            Basis::Inquiry => "inquiry",
        }
    }

    /// When a consent that was given then lapses; none for one that does not. Calendar months:
    /// the same day of the month, or the last one where there is no such day.
    #[must_use]
    pub fn lapses(self, given: Timestamp) -> Option<Timestamp> {
        match self {
            Basis::Express => None,
            Basis::Purchase => Some(given.plus_months(24)),
            Basis::Inquiry => Some(given.plus_months(6)),
        }
    }
}

impl fmt::Display for Basis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Basis {
    type Err = SuppressionError;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|basis| basis.as_str() == word)
            .ok_or_else(|| SuppressionError::UnknownBasis(word.chars().take(40).collect()))
    }
}

serde_by_text!(Basis, "\"express\", \"purchase\" or \"inquiry\"");
