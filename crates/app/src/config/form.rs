//! The forms a value may have: how each is read from the file, what a wrong one
//! is told, and how it is written back.
//!
//! A form knows its name and an example; every message that refuses a value shows
//! one that would be right. Nothing here knows which key it is for.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::DeValue;

use super::fault::Fault;

/// A value as it stands in the file.
pub(crate) struct Given<'a> {
    pub(crate) value: &'a DeValue<'a>,
    pub(crate) span: Range<usize>,
    /// The whole text of the file, for faults inside a string.
    pub(crate) text: &'a str,
}

/// One form of value.
pub(crate) trait Form: Sized {
    /// What it is, for messages and the reference: "a duration".
    const NAME: &'static str;
    /// A right value in TOML.
    const EXAMPLE: &'static str;
    /// The value, or faults.
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self>;
    /// The value in TOML, as it would be written in a file.
    fn show(&self) -> String;
}

impl<'a> Given<'a> {
    /// The text of a string value; another type is a fault.
    pub(crate) fn string<F: Form>(&self, faults: &mut Vec<Fault>) -> Option<&'a str> {
        match self.value {
            DeValue::String(s) => Some(s),
            DeValue::Integer(n) => {
                faults.push(self.wrong_type::<F>().help(format!("put it in quotes: \"{n}\"")));
                None
            }
            _ => {
                faults.push(self.wrong_type::<F>());
                None
            }
        }
    }

    /// The elements of an array; another type is a fault.
    pub(crate) fn elements<F: Form>(&self, faults: &mut Vec<Fault>) -> Option<Vec<Given<'a>>> {
        match self.value {
            DeValue::Array(items) => Some(
                items
                    .iter()
                    .map(|item| Given { value: item.get_ref(), span: item.span(), text: self.text })
                    .collect(),
            ),
            DeValue::String(s) => {
                let help = format!("put it in brackets: [\"{}\"]", shortened(s));
                faults.push(self.wrong_type::<F>().help(help));
                None
            }
            _ => {
                faults.push(self.wrong_type::<F>());
                None
            }
        }
    }

    pub(crate) fn wrong_type<F: Form>(&self) -> Fault {
        Fault::at(self.span.clone(), format!("expected {}, found {}", F::NAME, kind_of(self.value)))
            .label(format!("for example {}", F::EXAMPLE))
    }

    pub(crate) fn wrong<F: Form>(&self, why: &str) -> Fault {
        let shown = shortened(self.text.get(self.span.clone()).unwrap_or_default());
        Fault::at(self.span.clone(), format!("{shown} is not {}: {why}", F::NAME))
            .help(format!("for example {}", F::EXAMPLE))
    }
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// Characters of a value that a message repeats: so many tell which one it is, and its line is shown.
const SHOWN_MAX: usize = 60;

/// A value as a message repeats it: its beginning, where it is long.
pub(crate) fn shortened(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN_MAX).and_then(|(end, _)| text.get(..end)) {
        Some(begin) => Cow::Owned(format!("{begin}...")),
        None => Cow::Borrowed(text),
    }
}

/// A TOML basic string.
pub(crate) fn quoted(s: &str) -> String {
    toml::Value::from(s).to_string()
}

/// Any text on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl Form for Text {
    const NAME: &'static str = "a text";
    const EXAMPLE: &'static str = "\"a text\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if text.trim().is_empty() {
            faults.push(given.wrong::<Self>("it is empty"));
            return None;
        }
        Some(Self(text.to_owned()))
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

/// A path of a file, relative to the configuration file's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilePath(pub(crate) PathBuf);

impl Form for FilePath {
    const NAME: &'static str = "a path";
    const EXAMPLE: &'static str = "\"/srv/lists/optouts.csv\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if text.is_empty() || text.contains('\0') {
            faults.push(given.wrong::<Self>("it is empty, or holds a NUL"));
            return None;
        }
        Some(Self(PathBuf::from(text)))
    }
    fn show(&self) -> String {
        quoted(&self.0.display().to_string())
    }
}

/// true or false.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl Form for Flag {
    const NAME: &'static str = "true or false";
    const EXAMPLE: &'static str = "true";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        if let DeValue::Boolean(b) = given.value {
            return Some(Self(*b));
        }
        let mut fault = given.wrong_type::<Self>();
        if let DeValue::String(s) = given.value
            && matches!(s.as_ref(), "true" | "false")
        {
            fault = fault.help(format!("without the quotes: {s}"));
        }
        faults.push(fault);
        None
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Count<const MIN: u64, const MAX: u64>(pub(crate) u64);

impl<const MIN: u64, const MAX: u64> Form for Count<MIN, MAX> {
    const NAME: &'static str = "a whole number";
    const EXAMPLE: &'static str = "1000";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let DeValue::Integer(n) = given.value else {
            faults.push(given.wrong_type::<Self>());
            return None;
        };
        match u64::from_str_radix(n.as_str(), n.radix()) {
            Ok(n) if (MIN..=MAX).contains(&n) => Some(Self(n)),
            _ => {
                faults.push(
                    Fault::at(given.span.clone(), format!("{n} is out of range"))
                        .label(format!("from {MIN} to {MAX}")),
                );
                None
            }
        }
    }
    fn show(&self) -> String {
        self.0.to_string()
    }
}
