//! What a read found, in figures, and the first bad rows with their lines.
//!
//! Rows are counted in a way that leaves none out:
//! `rows = accepted + without_address + bad`. The values of bad rows are personal data that may
//! end up in a log, so they are masked: their shape shows what is wrong, the line where it is.

use std::fmt;

use address::AddressError;

/// Bad rows kept with their details.
const KEPT: usize = 20;
/// Characters of a value that are shown.
const SHOWN: usize = 40;

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The cell is no address, and has no `@`.
    NoAtSign,
    /// The cell has an `@` and is no address that mail could go to.
    Address(AddressError),
    /// Several names and addresses in one cell with nothing between them.
    SeveralNames,
    /// A digest where an address should be.
    Hashed,
    /// A whole domain where an address should be.
    WholeDomain,
    /// Over one of the limits.
    TooLong,
    /// A cell with characters that are not valid in the file's encoding.
    Encoding,
    /// An element whose text cannot be read: an entity that is not defined.
    Entity,
    /// A text or number among objects, where the others are told apart by their members.
    NoMembers,
    /// A consent without a time that can be read, or with one in the future: it proves nothing.
    Date,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAtSign => f.write_str("not an e-mail address"),
            Self::Address(error) => write!(f, "not an e-mail address: {}", error.reason()),
            Self::SeveralNames => {
                f.write_str("several names with addresses, and nothing such as `;` between them")
            }
            Self::Hashed => {
                f.write_str("a digest, not an e-mail address (hashed lists cannot be read yet)")
            }
            Self::WholeDomain => f.write_str("a whole domain, not an e-mail address"),
            Self::TooLong => f.write_str("the row or its address is too long"),
            Self::Encoding => f.write_str("not valid in the file's encoding"),
            Self::Entity => f.write_str("an entity that is not defined"),
            Self::NoMembers => f.write_str("not an object, as the other records are"),
            Self::Date => {
                f.write_str("a consent needs the time it was given, and not one in the future")
            }
        }
    }
}

/// A row that could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadRow {
    /// The file or member of an archive it is in, of a list that has several.
    pub file: Option<String>,
    /// Line of the file it begins in.
    pub line: u64,
    /// What is wrong.
    pub fault: Fault,
    /// The value, with every letter as `x` and every digit as `9`.
    pub masked: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}, ", file.escape_debug())?;
        }
        write!(f, "line {}: {}", self.line, self.fault)?;
        if self.masked.is_empty() { Ok(()) } else { write!(f, " ({})", self.masked) }
    }
}

/// What a read found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are not blank; of XML, selected records.
    pub rows: u64,
    /// Rows with at least one address.
    pub accepted: u64,
    /// Addresses in them: a cell may hold several.
    pub addresses: u64,
    /// Rows whose address is empty: of people who gave none.
    pub without_address: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them.
    pub bad_rows: Vec<BadRow>,
    /// Accepted rows whose time could not be read, which count as undated.
    pub odd_dates: u64,
    /// Line of the first of them.
    pub first_odd_date: Option<u64>,
    /// Accepted rows whose stated time lies in the future, which count as undated.
    pub future_dates: u64,
    /// Rows with a quote that opens and does not close as it should.
    pub broken_quotes: u64,
    /// Of XML: records that the condition of the record path left out.
    pub unselected: u64,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

impl Report {
    pub(crate) fn bad_row(&mut self, line: u64, fault: Fault, value: &str) {
        self.bad += 1;
        if self.bad_rows.len() < KEPT {
            self.bad_rows.push(BadRow { file: None, line, fault, masked: mask(value) });
        }
    }
}

/// The shape of a value without the value.
pub(crate) fn mask(value: &str) -> String {
    let mut masked: String = value
        .trim()
        .chars()
        .take(SHOWN)
        .map(|c| match c {
            '0'..='9' => '9',
            c if c.is_control() => '?',
            c if c.is_ascii_punctuation() || c == ' ' => c,
            _ => 'x',
        })
        .collect();
    if value.trim().chars().nth(SHOWN).is_some() {
        masked.push('…');
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_shows_the_shape_and_nothing_else() {
        for (value, masked) in [
            ("8/27/2015", "9/99/9999"),
            ("#02232014", "#99999999"),
            (" Bob@@Example.com\n", "xxx@@xxxxxxx.xxx"),
            ("müller\u{0}", "xxxxxx?"),
            ("", ""),
        ] {
            assert_eq!(mask(value), masked);
        }
        assert_eq!(mask(&"b".repeat(100)), format!("{}…", "x".repeat(40)));
    }

    #[test]
    fn only_the_first_bad_rows_are_kept_and_all_are_counted() {
        let mut report = Report::default();
        for line in 1..=1000 {
            report.bad_row(line, Fault::NoAtSign, "bob");
        }
        assert_eq!((report.bad, report.bad_rows.len()), (1000, KEPT));
        assert_eq!(report.bad_rows[0].to_string(), "line 1: not an e-mail address (xxx)");
    }
}
