//! What is configured about one source: the words of a `[[source]]` table as values.
//! Everything that is left out is found by looking at the file.

use std::fmt;
use std::str::FromStr;

use address::PersonRules;
use encoding_rs::Encoding;
use sha2::{Digest as _, Sha256};
use suppression::Kind;

use crate::path::{FieldPath, RecordPath};
use crate::spec_error::SpecError;

/// One source, as configured.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, for messages.
    pub name: String,
    /// What kind of file it is and where in it things are.
    pub format: Format,
    /// What its rows say.
    pub kind: Kind,
    /// Which addresses are one person.
    pub rules: PersonRules,
    /// Take the file even when it looks like a list of people who may be mailed.
    pub allow_subscribed: bool,
}

impl Spec {
    /// A source of opt-outs with nothing set.
    #[must_use]
    pub fn new(name: &str, format: Format) -> Self {
        Self {
            name: name.to_owned(),
            format,
            kind: Kind::OptOut,
            rules: PersonRules::default(),
            allow_subscribed: false,
        }
    }

    /// Changes when any setting does that changes what the file says: an unchanged file read with
    /// other settings is to be read again. `Debug` of all parts is deterministic.
    pub(crate) fn digest(&self) -> [u8; 32] {
        Sha256::digest(format!("{:?}", (&self.format, self.kind, &self.rules)).as_bytes()).into()
    }
}

/// The kind of file.
#[derive(Debug, Clone)]
pub enum Format {
    /// Lines of cells, or one address a line.
    Csv(CsvSpec),
    /// Elements.
    Xml(XmlSpec),
}

/// Where things are in a CSV file. `Default` finds all of it by itself.
#[derive(Debug, Clone, Default)]
pub struct CsvSpec {
    /// The column with the address.
    pub email: Option<Column>,
    /// The column with the time the person asked.
    pub date: Option<Column>,
    /// The column with the reason.
    pub reason: Option<Column>,
    /// What stands between two cells.
    pub delimiter: Option<Delimiter>,
    /// The character encoding.
    pub encoding: Option<Charset>,
    /// Whether the first record names the columns.
    pub header: Option<bool>,
}

/// Where things are in an XML file.
#[derive(Debug, Clone)]
pub struct XmlSpec {
    /// Which elements are one row each. There is no good guess: of a customer file it would block
    /// everybody.
    pub record: RecordPath,
    /// The address, within the record.
    pub email: Option<FieldPath>,
    /// The time the person asked, within the record.
    pub date: Option<FieldPath>,
    /// The reason, within the record.
    pub reason: Option<FieldPath>,
    /// The character encoding, instead of the declared one.
    pub encoding: Option<Charset>,
}

/// A column, by its name in the header or by its number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Compared without regard to case and surrounding spaces.
    Name(String),
    /// From 1.
    Number(usize),
}

impl FromStr for Column {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let text = text.trim();
        match text.parse() {
            Ok(0) => Err(SpecError("columns are numbered from 1".to_owned())),
            Ok(number) => Ok(Self::Number(number)),
            Err(_) if text.is_empty() => {
                Err(SpecError("give the name of a column, or its number from 1".to_owned()))
            }
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "\"{name}\""),
            Self::Number(number) => write!(f, "number {number}"),
        }
    }
}

/// What stands between two cells: one ASCII character.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Delimiter(pub(crate) u8);

impl Delimiter {
    /// Splits nothing: a byte that no UTF-8 text holds. For lists of one address a line.
    pub(crate) const NONE: Self = Self(0xff);
    pub(crate) const USUAL: [Self; 4] = [Self(b','), Self(b';'), Self(b'\t'), Self(b'|')];
}

impl FromStr for Delimiter {
    type Err = SpecError;

    fn from_str(text: &str) -> Result<Self, SpecError> {
        let byte = match (text.to_ascii_lowercase().as_str(), text.as_bytes()) {
            ("tab" | "\\t", _) => b'\t',
            ("comma", _) => b',',
            ("semicolon", _) => b';',
            ("pipe", _) => b'|',
            ("none", _) => return Ok(Self::NONE),
            (_, [byte]) => *byte,
            _ => 0,
        };
        if byte.is_ascii_punctuation() && byte != b'"' && byte != b'@' || b"\t ".contains(&byte) {
            return Ok(Self(byte));
        }
        let right = "one character such as \",\" or \";\", or \"tab\", or \"none\"";
        Err(SpecError(format!("a delimiter is {right}")))
    }
}

impl fmt::Display for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.write_str("none"),
            Self(b'\t') => f.write_str("tab"),
            Self(byte) => write!(f, "{}", char::from(byte)),
        }
    }
}

impl fmt::Debug for Delimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A character encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(pub(crate) &'static Encoding);

impl FromStr for Charset {
    type Err = SpecError;

    /// Reads a label of the WHATWG Encoding Standard, or a usual other spelling of one.
    /// "ISO-8859-1" means windows-1252 there, which is what such files really are in.
    fn from_str(text: &str) -> Result<Self, SpecError> {
        let label = text.trim().to_ascii_lowercase();
        let plain = label.replace(['-', '_', ' '], "");
        let plain = plain.replace("utf16", "utf-16").replace("windows", "windows-");
        Encoding::for_label_no_replacement(label.as_bytes())
            .or_else(|| Encoding::for_label_no_replacement(plain.as_bytes()))
            .map(Self)
            .ok_or_else(|| {
                let right = "utf-8, utf-16le, utf-16be, latin-1, windows-1252";
                SpecError(format!("no such encoding is known; usual ones are {right}"))
            })
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_names_or_numbers_from_one() {
        assert_eq!(" Email Address ".parse(), Ok(Column::Name("Email Address".into())));
        assert_eq!("3".parse(), Ok(Column::Number(3)));
        assert!("0".parse::<Column>().is_err());
        assert!(" ".parse::<Column>().is_err());
    }

    #[test]
    fn delimiters_by_character_and_by_word() {
        for (text, byte) in [(",", b','), (";", b';'), ("|", b'|'), ("tab", b'\t'), ("\t", b'\t')] {
            assert_eq!(text.parse(), Ok(Delimiter(byte)));
        }
        assert_eq!("none".parse(), Ok(Delimiter::NONE));
        for bad in ["", "a", "\"", "@", ",,", "ü", "\n", "7"] {
            assert!(bad.parse::<Delimiter>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn encodings_by_their_usual_names() {
        for (text, name) in [
            ("UTF-8", "UTF-8"),
            ("utf8", "UTF-8"),
            ("latin-1", "windows-1252"),
            ("Latin1", "windows-1252"),
            ("ISO-8859-1", "windows-1252"),
            ("UTF-16LE", "UTF-16LE"),
            ("utf16be", "UTF-16BE"),
            ("iso-8859-15", "ISO-8859-15"),
        ] {
            assert_eq!(text.parse::<Charset>().unwrap().to_string(), name, "{text}");
        }
        for bad in ["", "utf-9", "hz-gb-2312", "utf-7"] {
            assert!(bad.parse::<Charset>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_digest_changes_with_what_changes_the_rows() {
        let spec = |csv| Spec::new("a", Format::Csv(csv));
        let base = spec(CsvSpec::default());
        assert_eq!(base.digest(), Spec { name: "b".into(), ..base.clone() }.digest());
        let other = CsvSpec { email: Some(Column::Number(2)), ..Default::default() };
        assert_ne!(base.digest(), spec(other).digest());
        assert_ne!(base.digest(), Spec { rules: PersonRules::none(), ..base.clone() }.digest());
        assert_ne!(base.digest(), Spec { kind: Kind::Complaint, ..base.clone() }.digest());
    }
}
