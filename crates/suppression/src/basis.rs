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

#[cfg(test)]
mod tests {
    use super::*;

    /// Month ends: the same day of the month, or its last one.
    #[test]
    fn months_are_calendar_months() {
        for (basis, given, lapses) in [
            (Basis::Purchase, "2024-06-15", "2026-06-15"),
            (Basis::Purchase, "2024-02-29", "2026-02-28"),
            (Basis::Purchase, "2022-02-28", "2024-02-28"),
            (Basis::Purchase, "2026-12-31", "2028-12-31"),
            (Basis::Inquiry, "2026-01-31", "2026-07-31"),
            (Basis::Inquiry, "2026-07-31", "2027-01-31"),
            (Basis::Inquiry, "2026-08-31", "2027-02-28"),
            (Basis::Inquiry, "2027-08-31", "2028-02-29"),
            (Basis::Inquiry, "2026-08-28", "2027-02-28"),
            (Basis::Inquiry, "2026-10-31", "2027-04-30"),
            (Basis::Inquiry, "2024-02-29", "2024-08-29"),
        ] {
            for time in ["T00:00:00Z", "T23:59:59.999999Z"] {
                let at = |date: &str| format!("{date}{time}").parse::<Timestamp>().unwrap();
                assert_eq!(basis.lapses(at(given)), Some(at(lapses)), "{basis} of {given}");
            }
            let given = given.parse().unwrap();
            assert_eq!(Basis::Express.lapses(given), None);
        }
    }

    #[test]
    fn beyond_the_calendar_there_is_no_later_moment() {
        let last: Timestamp = "9999-12-30T22:00:00Z".parse().unwrap();
        assert_eq!(Basis::Inquiry.lapses(last), Some(last));
    }

    #[test]
    fn words_go_both_ways_and_others_are_named() {
        for basis in Basis::ALL {
            assert_eq!(basis.as_str().parse(), Ok(basis));
        }
        let error = "implied".parse::<Basis>().unwrap_err();
        assert!(error.to_string().contains("\"implied\""), "{error}");
    }
}
