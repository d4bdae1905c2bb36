//! The scope of an entry (DESIGN s4): `all` contains `commercial`, which contains each named
//! list, brand or line of business. The two words are read in any case and without the blanks
//! around them: `ALL ` taken for a list of that name would let mail through. Names are kept as
//! written and compared as canonical caseless matching does (Unicode D145), so that an opt-out
//! from `FRÜHLING`, written by a program that puts letter and accent apart, stops `Frühling`.
//! A name that is a keyword with a colon is a class of solicitation ([`Scope::is_class`]).

use std::fmt;
use std::str::FromStr;

use icu_casemap::CaseMapper;
use icu_normalizer::DecomposingNormalizerBorrowed;

use crate::error::SuppressionError;
use crate::text::serde_by_text;

/// Longest name of a list, in bytes.
const NAME_MAX: usize = 200;

/// What part of the mail an entry is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Nothing at all may be sent.
    All,
    /// All commercial mail: the default for an opt-out.
    #[default]
    Commercial,
    /// One list, brand or line of business.
    Named(String),
}

impl Scope {
    /// The text of it: `all`, `commercial`, else the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Scope::All => "all",
            Scope::Commercial => "commercial",
            Scope::Named(name) => name,
        }
    }

    /// Whether it is the scope of the list of that name and of no more. Case, blanks around it
    /// and how an accent is encoded do not count.
    #[must_use]
    pub fn names(&self, list: &str) -> bool {
        match self {
            Scope::All | Scope::Commercial => false,
            Scope::Named(name) => same_name(name.trim(), list.trim()),
        }
    }

    /// Whether it is a class of solicitation (RFC 3865 s2.2): a keyword with a colon in it, such
    /// as `net.example:ADV`. An objection with such a name is about messages that say themselves
    /// that they are of this class, and about the streams that name it, and about no other.
    #[must_use]
    pub fn is_class(&self) -> bool {
        match self {
            Scope::All | Scope::Commercial => false,
            Scope::Named(name) => is_class(name.trim()),
        }
    }

    /// 0 for the widest. Orders findings, so that the widest reason is the one reported.
    pub(crate) fn narrowness(&self) -> u8 {
        match self {
            Scope::All => 0,
            Scope::Commercial => 1,
            Scope::Named(_) => 2,
        }
    }
}

/// `word = ALPHA 0*(wordchar)`, `wordchar = "." / "-" / "_" / ":" / ALPHA / DIGIT`; by
/// convention a domain name with its labels reversed, a colon, and whatever its owner put behind.
fn is_class(name: &str) -> bool {
    name.contains(':')
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b))
}

fn same_name(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    caseless(one) == caseless(other)
}

/// Unicode D145: NFD, full case folding, NFD.
fn caseless(name: &str) -> String {
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    nfd.normalize(&CaseMapper::new().fold_string(&nfd.normalize(name))).into_owned()
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = SuppressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = text.trim();
        if name.eq_ignore_ascii_case("all") {
            Ok(Scope::All)
        } else if name.eq_ignore_ascii_case("commercial") {
            Ok(Scope::Commercial)
        } else if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
            Err(SuppressionError::BadScope)
        } else {
            Ok(Scope::Named(name.to_owned()))
        }
    }
}

serde_by_text!(Scope, "\"all\", \"commercial\", or the name of a list");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_words_are_read_in_any_case_and_the_rest_is_a_name() {
        assert_eq!("all".parse(), Ok(Scope::All));
        assert_eq!(" Commercial ".parse(), Ok(Scope::Commercial));
        assert_eq!("ALL".parse(), Ok(Scope::All));
        assert_eq!("Spring offers".parse(), Ok(Scope::Named("Spring offers".into())));
    }

    #[test]
    fn a_list_is_the_same_in_any_case_and_encoding() {
        for (one, other) in [
            ("Spring offers", "SPRING OFFERS"),
            ("Spring offers", " spring offers "),
            ("Frühling", "FRU\u{308}HLING"),
            ("STRASSE", "Straße"),
            ("\u{1f80}", "\u{1f88}"),
        ] {
            for (one, other) in [(one, other), (other, one)] {
                assert!(Scope::Named(one.into()).names(other), "{one} {other}");
            }
        }
        for (one, other) in [("Spring", "Spring offers"), ("Fruhling", "Frühling"), ("a", "")] {
            for (one, other) in [(one, other), (other, one)] {
                assert!(!Scope::Named(one.into()).names(other), "{one} {other}");
            }
        }
        assert!(!Scope::All.names("all") && !Scope::Commercial.names("commercial"));
    }

    #[test]
    fn a_keyword_with_a_colon_is_a_class() {
        let named = |name: &str| Scope::Named(name.to_owned());
        for class in ["net.example:ADV", "a:b", " org.example:ADV:ADLT ", "a:"] {
            assert!(named(class).is_class(), "{class}");
        }
        for name in ["net.example", "News: spring", ":a", "1x:y", "a:b,c:d", "fr\u{fc}h:x"] {
            assert!(!named(name).is_class(), "{name}");
        }
        assert!(!Scope::All.is_class() && !Scope::Commercial.is_class());
    }

    #[test]
    fn names_that_cannot_be_shown_on_one_line_are_refused() {
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(201)] {
            assert_eq!(bad.parse::<Scope>(), Err(SuppressionError::BadScope), "{bad:?}");
        }
        assert!("x".repeat(200).parse::<Scope>().is_ok());
    }
}
