//! Regular expressions over texts of a message: in time that grows with the text alone, whatever
//! the expression, and of a size that is bounded when it is loaded.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use regex::{Regex, RegexBuilder};

/// Octets that a compiled expression may have.
const SIZE_MAX: usize = 1 << 20;
/// Octets of the tables that it fills while it searches.
const TABLES_MAX: usize = 1 << 20;
/// Groups within groups.
const DEPTH_MAX: u32 = 50;

/// A regular expression, as the `regex` crate has them: without look-around and backreferences.
#[derive(Debug, Clone)]
pub struct Expression(Regex);

impl Expression {
    /// Whether it is found anywhere in the text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// What is wrong with an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpressionError {
    what: String,
    /// Where in it, in octets; `None`: it as a whole.
    pub place: Option<Range<usize>>,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for ExpressionError {}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let built = RegexBuilder::new(text)
            .size_limit(SIZE_MAX)
            .dfa_size_limit(TABLES_MAX)
            .nest_limit(DEPTH_MAX)
            .build();
        built.map(Self).map_err(|error| told(&error, text))
    }
}

/// The message of the crate draws the expression, marks the place by carets below it, and says
/// behind `error:` what is wrong there.
fn told(error: &regex::Error, text: &str) -> ExpressionError {
    let regex::Error::Syntax(drawn) = error else {
        let what = format!("it needs more than {} KiB of memory", SIZE_MAX >> 10);
        return ExpressionError { what, place: None };
    };
    let what = drawn.rsplit("error: ").next().unwrap_or_default().trim().to_owned();
    let mut lines = drawn.lines();
    let line = lines.find(|line| line.trim_start() == text.trim_start() && !text.is_empty());
    let place = line.zip(lines.next()).and_then(|(line, carets)| {
        let indent = line.len() - line.trim_start().len();
        let lead = text.len() - text.trim_start().len();
        let start = carets.find('^')? + lead;
        let count = carets.matches('^').count();
        // Carets count characters, a range counts octets.
        let octet = |column: usize| {
            text.char_indices().nth(column - indent).map_or(text.len(), |(at, _)| at)
        };
        (start >= indent).then(|| octet(start)..octet(start + count))
    });
    ExpressionError { what, place }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_expression_says_what_and_where() {
        for (text, what, place) in [
            ("a(b", "unclosed group", Some(1..2)),
            ("é[z-a]", "invalid character class range, the start must be <= the end", Some(3..6)),
            (
                "(?=x)",
                "look-around, including look-ahead and look-behind, is not supported",
                Some(0..3),
            ),
            ("*", "repetition operator missing expression", Some(0..1)),
            (r"(\w{500}){500}", "it needs more than 1024 KiB of memory", None),
        ] {
            let error = text.parse::<Expression>().unwrap_err();
            assert_eq!((error.to_string().as_str(), error.place), (what, place), "{text}");
        }
    }

    #[test]
    fn a_text_that_hurts_others_takes_no_time() {
        let expression: Expression = "(a+)+$".parse().unwrap();
        assert!(!expression.matches(&("a".repeat(100_000) + "b")));
    }
}
