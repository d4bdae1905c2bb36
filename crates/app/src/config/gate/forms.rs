//! Forms of the keys of a gate.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use policy::{Expression, FieldName, GateVerdict};
use toml::de::DeValue;

use crate::config::choice::{choice, word};
use crate::config::fault::Fault;
use crate::config::form::{Form, Given, quoted};
use crate::config::naming::{SourceName, show_list};
use crate::config::pattern::{Patterns, patterns};

choice! {
    /// What a gate looks for.
    pub(crate) CheckWord, "a check",
    r#""from", "required", "forbidden", "field", "one-click", "received", "subject", "advertisement", "postal-address", "opt-out-notice", "text" or "attachments""# {
        /// Authors who are missing, not to be told, or elsewhere.
        From = "from",
        /// A field that is missing.
        Required = "required",
        /// A field that is there.
        Forbidden = "forbidden",
        /// A field whose text fits.
        Field = "field",
        /// No one-click unsubscribe.
        OneClick = "one-click",
        /// Too many Received fields.
        Received = "received",
        /// A subject that may mislead.
        Subject = "subject",
        /// A subject without a mark.
        Advertisement = "advertisement",
        /// No postal address.
        PostalAddress = "postal-address",
        /// No notice of how to opt out.
        OptOutNotice = "opt-out-notice",
        /// A text that fits.
        Text = "text",
        /// An attachment that fits.
        Attachments = "attachments",
    }
}

impl CheckWord {
    /// Whether it finds what should be otherwise. The others find what is there, good or bad.
    pub(super) fn finds_a_fault(self) -> bool {
        match self {
            Self::From
            | Self::Required
            | Self::OneClick
            | Self::Received
            | Self::Subject
            | Self::Advertisement
            | Self::PostalAddress
            | Self::OptOutNotice => true,
            Self::Forbidden | Self::Field | Self::Text | Self::Attachments => false,
        }
    }
}

choice! {
    /// What is done about a finding.
    pub(crate) VerdictWord, "a verdict", r#""permit", "refuse", "defer" or "shadow""# {
        /// It passes, past the other gates.
        Permit = "permit",
        /// 550.
        Refuse = "refuse",
        /// 451.
        Defer = "defer",
        /// It passes, and is written down.
        Shadow = "shadow",
    }
}

impl From<VerdictWord> for GateVerdict {
    fn from(word: VerdictWord) -> Self {
        match word {
            VerdictWord::Permit => Self::Permit,
            VerdictWord::Refuse => Self::Refuse,
            VerdictWord::Defer => Self::Defer,
            VerdictWord::Shadow => Self::Shadow,
        }
    }
}

/// The name of a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateName(pub(crate) String);

impl Form for GateName {
    const NAME: &'static str = "a name";
    const EXAMPLE: &'static str = "\"one-click\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        SourceName::read(given, faults).map(|name| Self(name.0))
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// Octets of a text for the client: with the reference it fits into one line of a reply (RFC 5321
/// s4.5.3.1.5).
const TEXT_MAX: usize = 400;

/// What a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateText(pub(crate) String);

impl Form for GateText {
    const NAME: &'static str = "a text for clients";
    const EXAMPLE: &'static str = "\"this is not permitted here, see https://intra.corp.example\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let why = match text {
            text if text.trim().is_empty() => "it is empty".to_owned(),
            text if text.len() > TEXT_MAX => format!("it has more than {TEXT_MAX} octets"),
            text => match text.chars().find(|letter| !matches!(letter, ' '..='~')) {
                None => return Some(Self(text.trim().to_owned())),
                Some(letter) => {
                    let at = text.find(letter).unwrap_or_default();
                    let place = inside(given, text, &(at..at + letter.len_utf8()));
                    let letter = letter.escape_debug();
                    faults.push(
                        Fault::at(place, format!("`{letter}` cannot stand in a reply"))
                            .label("only printable ASCII, in one line (RFC 5321 s4.2)")
                            .help("write it in ASCII"),
                    );
                    return None;
                }
            },
        };
        faults.push(given.wrong::<Self>(&why));
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A part of a string in the file when it is written without escapes, else the whole string.
fn inside(given: &Given<'_>, text: &str, part: &Range<usize>) -> Range<usize> {
    let whole = given.span.clone();
    if whole.len() == text.len() + 2 {
        let start = whole.start + 1;
        return start + part.start..start + part.end;
    }
    whole
}

/// A regular expression.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Regex(pub(crate) Expression);

impl Form for Regex {
    const NAME: &'static str = "a regular expression";
    const EXAMPLE: &'static str = "'(?i)lottery'";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if text.is_empty() {
            faults.push(given.wrong::<Self>("it is empty, and fits everything"));
            return None;
        }
        match text.parse::<Expression>() {
            Ok(expression) => Some(Self(expression)),
            Err(error) => {
                let place = match &error.place {
                    Some(part) => inside(given, text, part),
                    None => given.span.clone(),
                };
                faults.push(
                    Fault::at(place, format!("not a regular expression: {error}"))
                        .help("between single quotes a backslash is one: '\\d+'"),
                );
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(self.0.as_str())
    }
}

/// The name of a header field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldNameSaid(pub(crate) FieldName);

impl Form for FieldNameSaid {
    const NAME: &'static str = "the name of a header field";
    const EXAMPLE: &'static str = "\"Subject\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match text.parse() {
            Ok(name) => Some(Self(name)),
            Err(_) => {
                faults.push(
                    given.wrong::<Self>("printable ASCII without spaces and colon (RFC 5322 s2.2)"),
                );
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(self.0.as_str())
    }
}

/// Names of streams, each with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StreamNames(pub(crate) Vec<(String, Range<usize>)>);

impl Form for StreamNames {
    const NAME: &'static str = "a list of streams";
    const EXAMPLE: &'static str = "[\"newsletter\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let items = given.elements::<Self>(faults)?;
        if items.is_empty() {
            faults.push(given.wrong::<Self>("nothing would match").help("leave the key out"));
        }
        let mut names = Vec::new();
        for item in items {
            match item.value {
                DeValue::String(name) => names.push((name.to_string(), item.span)),
                _ => faults.push(item.wrong_type::<Self>()),
            }
        }
        (faults.len() == before).then_some(Self(names))
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
    }
}

/// What a subject begins with.
#[derive(Clone, Debug)]
pub(crate) struct Marks(Patterns<Mark>);

#[derive(Clone, Debug)]
struct Mark(String);

impl Marks {
    /// The marks.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.0.meant.iter().map(|mark| mark.0.clone()).collect()
    }
}

/// Why a text is no mark.
#[derive(Debug)]
struct NoMark;

impl fmt::Display for NoMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no mark: 1 to 40 printable ASCII characters, no space in front or behind")
    }
}

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let fits = (1..=40).contains(&text.len())
            && text.trim() == text
            && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if fits { Ok(Self(text.to_owned())) } else { Err(NoMark) }
    }
}

impl Form for Marks {
    const NAME: &'static str = "a list of marks";
    const EXAMPLE: &'static str = "[\"ADV\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        patterns::<Self, Mark>(given, faults).map(Self)
    }
    fn show(&self) -> String {
        show_list(&self.texts())
    }
}
