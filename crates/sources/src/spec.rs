//! What is configured about one source: the words of a `[[source]]` table as values.
//! Everything that is left out is found by looking at the file.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use address::PersonRules;
use encoding_rs::Encoding;
use sha2::{Digest as _, Sha256};
use suppression::{HashedForm, Kind};

use crate::path::{FieldPath, RecordPath};
use crate::spec_error::SpecError;

/// One source, as configured.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Its name, for messages.
    pub name: String,
    /// What kind of file it is and where in it things are.
    pub format: Format,
    /// What its rows say, where they do not say it themselves; none: as the list is recognised,
    /// else opt-outs.
    pub kind: Option<Kind>,
    /// What is in the place of addresses, in a list of digests; none: addresses.
    pub hashed: Option<Arc<HashedForm>>,
    /// Which addresses are one person.
    pub rules: PersonRules,
    /// Take the file even when it looks like a list of people who may be mailed.
    pub allow_subscribed: bool,
}

impl Spec {
    /// A source with nothing set.
    #[must_use]
    pub fn new(name: &str, format: Format) -> Self {
        Self {
            name: name.to_owned(),
            format,
            kind: None,
            hashed: None,
            rules: PersonRules::default(),
            allow_subscribed: false,
        }
    }

    /// Changes when any setting does that changes what the file says: an unchanged file read with
    /// other settings is to be read again. `Debug` of all parts is deterministic, but has no
    /// salt, with which the same digests are other people: the form is written out.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let parts = (&self.format, self.kind, &self.rules);
        let form = self.hashed.as_ref().map(ToString::to_string);
        Sha256::digest(format!("{parts:?} {form:?}").as_bytes()).into()
    }
}

/// The kind of file.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one for each source, made once at the start")]
pub enum Format {
    /// Lines of cells, or one address a line.
    Csv(CsvSpec),
    /// Elements.
    Xml(XmlSpec),
    /// Objects of JSON: an array of them, one a line, or an array inside of an object.
    Json(JsonSpec),
    /// A workbook.
    Xlsx(XlsxSpec),
    /// A Postfix access map (access(5)): a pattern and an action a line.
    AccessMap(AccessMapSpec),
    /// Rows of a database, as [`Spool`](crate::Spool) holds them.
    Table(Columns),
    /// Whatever it is: found out by its content.
    Detect(CsvSpec),
}

/// Which column is which, in everything that has columns: by the name or the number of a column
/// of a table, by the path of a member in JSON. What is none is found by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// With the address, or its digest.
    pub email: Option<Column>,
    /// With the time the person asked.
    pub date: Option<Column>,
    /// With the reason.
    pub reason: Option<Column>,
    /// With the kind of the entry; see `docs/sources.md` for the words it may hold.
    pub kind: Option<Column>,
    /// With the scope of the entry: `all`, `commercial`, or a name.
    pub scope: Option<Column>,
    /// With the time it lapses at.
    pub until: Option<Column>,
}

/// Where things are in a JSON file.
#[derive(Debug, Clone, Default)]
pub struct JsonSpec {
    /// Where the array of records is, as names parted by dots: `items`, `data.rows`. None: the
    /// file is the array, or an object with one array of objects, or one object a line.
    pub records: Option<String>,
    /// Which member is which.
    pub columns: Columns,
    /// The character encoding.
    pub encoding: Option<Charset>,
}

/// Where things are in a workbook.
#[derive(Debug, Clone, Default)]
pub struct XlsxSpec {
    /// Name of the sheet; none: the first.
    pub sheet: Option<String>,
    /// Which column is which.
    pub columns: Columns,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
}

/// What an access map is.
#[derive(Debug, Clone, Default)]
pub struct AccessMapSpec {
    /// The character encoding.
    pub encoding: Option<Charset>,
}

/// Where things are in a CSV file. `Default` finds all of it by itself.
#[derive(Debug, Clone, Default)]
pub struct CsvSpec {
    /// Which column is which.
    pub columns: Columns,
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
    /// The kind of the entry, within the record.
    pub kind: Option<FieldPath>,
    /// The scope of the entry, within the record.
    pub scope: Option<FieldPath>,
    /// The time it lapses at, within the record.
    pub until: Option<FieldPath>,
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
        let columns = Columns { email: Some(Column::Number(2)), ..Columns::default() };
        let other = CsvSpec { columns, ..CsvSpec::default() };
        assert_ne!(base.digest(), spec(other).digest());
        assert_ne!(base.digest(), Spec { rules: PersonRules::none(), ..base.clone() }.digest());
        assert_ne!(base.digest(), Spec { kind: Some(Kind::Complaint), ..base.clone() }.digest());
    }

    #[test]
    fn the_digest_changes_with_the_salt() {
        let salted = |form: &str| {
            let hashed = Some(Arc::new(form.parse().unwrap()));
            Spec { hashed, ..Spec::new("a", Format::Csv(CsvSpec::default())) }.digest()
        };
        let wrong = salted("md5 lower before=70");
        assert_eq!(wrong, salted("md5 lower before=70"));
        for other in ["md5 lower before=71", "md5 lower behind=70", "md5 lower", "sha1 lower"] {
            assert_ne!(wrong, salted(other), "{other}");
        }
    }
}
