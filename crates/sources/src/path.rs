//! Where records and their fields are in an XML file: a small part of XPath.
//!
//! ```text
//! record    = 1*( "/" step )                        ; from the root, each element named
//! step      = name *( "[" condition "]" )
//! condition = operand [ ( "=" / "!=" ) literal ]    ; several must all hold
//! operand   = "@" name / field                      ; a field only in the last step
//! literal   = "'" *char "'" / DQUOTE *char DQUOTE
//! field     = "." / "@" name / name *( "/" name ) [ "/@" name ]
//! name      = "*" / XML name, with or without its prefix
//! ```
//!
//! A name without a prefix fits the element whatever its prefix. What is not understood is an
//! error, with the place in the text: a condition left out silently would take in everybody.

use std::fmt;
use std::str::FromStr;

use crate::spec_error::SpecError;

/// Which elements are one row each, such as `/customers/customer[@optout='1']`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPath {
    pub(crate) steps: Vec<Step>,
    text: String,
}

/// Where a value is within a record, such as `contact/email`, `@email` or `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    pub(crate) elements: Vec<Name>,
    pub(crate) attribute: Option<Name>,
    text: String,
}

/// One element on the way to a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) name: Name,
    pub(crate) conditions: Vec<Condition>,
}

/// What must hold of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    /// In all but the last step an attribute.
    pub(crate) operand: FieldPath,
    pub(crate) test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    /// It is there.
    Present,
    Equal(String),
    /// It is not there with this value, or not there at all.
    NotEqual(String),
}

/// The name of an element or attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(pub(crate) String);

impl Name {
    /// Whether `name`, as written in the file, is meant.
    pub(crate) fn fits(&self, name: &str) -> bool {
        if self.0 == "*" || self.0 == name {
            return true;
        }
        !self.0.contains(':') && name.rsplit(':').next() == Some(self.0.as_str())
    }
}

impl FromStr for RecordPath {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let mut parser = Parser { text, at: 0 };
        let mut steps = Vec::new();
        while !parser.rest().is_empty() {
            if !parser.skip("/") {
                return Err(
                    parser.error("a `/`, as a record path names every element from the root")
                );
            }
            if parser.rest().starts_with('/') {
                return Err(parser.error("a name; `//` cannot be used, name every element"));
            }
            steps.push(parser.step()?);
        }
        let Some((_, before)) = steps.split_last() else {
            return Err(parser.error("a path such as /customers/customer"));
        };
        let of_attribute = |condition: &Condition| condition.operand.is_own_attribute();
        if !before.iter().flat_map(|step| &step.conditions).all(of_attribute) {
            let what = "only the last element may have a condition on what is in it; \
                        before it, conditions are on attributes, such as [@name='value']";
            return Err(SpecError(what.to_owned()));
        }
        Ok(Self { steps, text: text.to_owned() })
    }
}

impl FromStr for FieldPath {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        let mut parser = Parser { text, at: 0 };
        let field = parser.field()?;
        if !parser.rest().is_empty() {
            return Err(parser.error("`/`, `/@` or the end"));
        }
        Ok(field)
    }
}

impl FieldPath {
    /// An attribute of the element itself.
    pub(crate) fn is_own_attribute(&self) -> bool {
        self.elements.is_empty() && self.attribute.is_some()
    }
}

impl fmt::Display for RecordPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn skip_spaces(&mut self) {
        while self.skip(" ") {}
    }

    fn error(&self, expected: &str) -> SpecError {
        let at = self.text.get(..self.at).unwrap_or_default().chars().count() + 1;
        SpecError(format!("expected at character {at}: {expected}"))
    }

    // step = name *( "[" condition "]" )
    fn step(&mut self) -> Result<Step, SpecError> {
        let name = self.name()?;
        let mut conditions = Vec::new();
        while self.skip("[") {
            conditions.push(self.condition()?);
            self.skip_spaces();
            if !self.skip("]") {
                return Err(self.error("`]`"));
            }
        }
        Ok(Step { name, conditions })
    }

    // condition = operand [ ( "=" / "!=" ) literal ]
    fn condition(&mut self) -> Result<Condition, SpecError> {
        self.skip_spaces();
        let operand = self.field()?;
        self.skip_spaces();
        let test = if self.skip("!=") {
            Test::NotEqual(self.literal()?)
        } else if self.skip("=") {
            Test::Equal(self.literal()?)
        } else {
            Test::Present
        };
        Ok(Condition { operand, test })
    }

    // literal = "'" *char "'" / DQUOTE *char DQUOTE
    fn literal(&mut self) -> Result<String, SpecError> {
        self.skip_spaces();
        for quote in ["'", "\""] {
            if self.skip(quote) {
                let Some((value, _)) = self.rest().split_once(quote) else {
                    return Err(self.error("a closing quote"));
                };
                self.at += value.len() + 1;
                return Ok(value.to_owned());
            }
        }
        Err(self.error("a value in quotes, such as '1'"))
    }

    // field = "." / "@" name / name *( "/" name ) [ "/@" name ]
    fn field(&mut self) -> Result<FieldPath, SpecError> {
        let start = self.at;
        let (mut elements, mut attribute) = (Vec::new(), None);
        if !self.skip(".") {
            loop {
                if self.skip("@") {
                    attribute = Some(self.name()?);
                    break;
                }
                elements.push(self.name()?);
                if !self.skip("/") {
                    break;
                }
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Ok(FieldPath { elements, attribute, text })
    }

    fn name(&mut self) -> Result<Name, SpecError> {
        if self.skip("*") {
            return Ok(Name("*".to_owned()));
        }
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '\u{b7}');
        let rest = self.rest();
        let name = rest.get(..rest.find(|c| !part(c)).unwrap_or(rest.len())).unwrap_or_default();
        if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Err(self.error("the name of an element, an @attribute, or `*`"));
        }
        self.at += name.len();
        Ok(Name(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn record_paths() {
        let path: RecordPath = "/customers/customer[@optout='1']".parse().unwrap();
        assert_eq!(path.steps.len(), 2);
        let [condition] = path.steps[1].conditions.as_slice() else { panic!() };
        assert_eq!(condition.operand.attribute, Some(Name("optout".into())));
        assert_eq!(condition.test, Test::Equal("1".into()));
        for good in [
            "/a",
            "/a/b/c",
            "/a[@x]/b",
            "/ns:a/*/b[ @x != \"it's\" ][c/d='2'][e]",
            " /a/b[flags/@out=\"yes\"] ",
        ] {
            let path: RecordPath = good.parse().unwrap();
            assert_eq!(path.to_string(), good.trim());
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_its_place() {
        for (bad, part) in [
            ("", "a path such as"),
            ("customers/customer", "character 1: a `/`"),
            ("//customer", "`//` cannot be used"),
            ("/a//b", "`//` cannot be used"),
            ("/a/", "character 4: the name"),
            ("/a[1]", "character 4: the name"),
            ("/a[@x=1]", "a value in quotes"),
            ("/a[@x='1]", "closing quote"),
            ("/a[@x='1'", "`]`"),
            ("/a[@x='1' and @y]", "`]`"),
            ("/a[b='1']/c", "only the last element"),
            ("/a/text()", "character 8"),
        ] {
            let error = bad.parse::<RecordPath>().unwrap_err().to_string();
            assert!(error.contains(part), "{bad}: {error}");
        }
    }

    #[test]
    fn field_paths() {
        let parts = |text: &str| {
            let path: FieldPath = text.parse().unwrap();
            let elements: Vec<_> = path.elements.into_iter().map(|name| name.0).collect();
            (elements.join("/"), path.attribute.map(|name| name.0))
        };
        assert_eq!(parts("contact/email"), ("contact/email".into(), None));
        assert_eq!(parts("@email"), (String::new(), Some("email".into())));
        assert_eq!(parts("mail/@address"), ("mail".into(), Some("address".into())));
        assert_eq!(parts("."), (String::new(), None));
        for bad in ["", "/email", "email/", "@", "a b", "a[1]", "..", "email/text()"] {
            assert!(bad.parse::<FieldPath>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_without_prefix_fits_any_prefix() {
        assert!(Name("a".into()).fits("a") && Name("a".into()).fits("x:a"));
        assert!(Name("*".into()).fits("x:a"));
        assert!(Name("x:a".into()).fits("x:a"));
        assert!(!Name("x:a".into()).fits("a") && !Name("x:a".into()).fits("y:a"));
        assert!(!Name("a".into()).fits("A"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[/@a*\\[\\]='\" .:!é]{0,20}") {
            if let Ok(path) = text.parse::<RecordPath>() {
                prop_assert_eq!(path.to_string().parse::<RecordPath>(), Ok(path));
            }
            let _ = text.parse::<FieldPath>();
        }
    }
}
