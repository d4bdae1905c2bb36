//! What a read found, in figures, and the first bad rows with their lines.
//!
//! Rows are counted in a way that leaves none out:
//! `rows = accepted + without_address + bad`. The values of bad rows are personal data that may
//! end up in a log, so they are masked: their shape shows what is wrong, the line where it is.

use std::fmt;

use address::AddressError;
use suppression::{HashAlgorithm, Kind, Scope};

/// Bad rows kept with their details.
const KEPT: usize = 20;
/// Different pairs of kind and scope that are counted apart.
const TALLIES: usize = 200;
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
    /// A digest where an address should be; of which algorithm it seems to be.
    Hashed(HashAlgorithm),
    /// In a list of digests one of another length, that seems to be of this algorithm.
    OtherDigest(HashAlgorithm),
    /// In a list of digests something that is none.
    NoDigest,
    /// A pattern for many addresses.
    Pattern,
    /// A name at whatever domain (`bob@` of an access map), which cannot be said of a recipient.
    AnyDomain,
    /// The sub-domains of a domain (`.example.com` of an access map).
    SubDomains,
    /// An IP address or network, of an access map for clients.
    Network,
    /// An action of an access map that neither refuses mail nor lets it through.
    Action,
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
            Self::Hashed(algorithm) => {
                let word = word(*algorithm);
                write!(
                    f,
                    "a digest, not an e-mail address; a list of them needs hashed = \"{word}\""
                )
            }
            Self::OtherDigest(algorithm) => {
                let word = word(*algorithm);
                write!(f, "a digest of another length than the rest; it looks like {word}")
            }
            Self::NoDigest => f.write_str("neither a digest nor an e-mail address"),
            Self::Pattern => f.write_str("a pattern, not an e-mail address"),
            Self::AnyDomain => f.write_str(
                "a name at whatever domain; opt-outs are of addresses and of whole domains",
            ),
            Self::SubDomains => f.write_str(
                "all sub-domains of a domain, which cannot be an opt-out; name each of them",
            ),
            Self::Network => f.write_str("an IP address or network, not a recipient"),
            Self::Action => f.write_str(
                "no action that refuses mail (REJECT, DISCARD, 5nn) or lets it through (OK, DUNNO)",
            ),
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

/// The word for an algorithm, as `hashed` takes it.
pub(crate) fn word(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Md5 => "md5",
        HashAlgorithm::Sha1 => "sha1",
        HashAlgorithm::Sha256 => "sha256",
        HashAlgorithm::Sha512 => "sha512",
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

/// The rows of one file, or member of an archive, of a list that has several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRows {
    /// Its name.
    pub file: String,
    /// Rows it has.
    pub rows: u64,
    /// Of them, bad ones.
    pub bad: u64,
}

/// What a read found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows that are not blank; of XML, selected records.
    pub rows: u64,
    /// Rows with at least one address.
    pub accepted: u64,
    /// What they say: a cell may hold several addresses, and a row say several things of one.
    pub addresses: u64,
    /// The same by kind and scope.
    pub tallies: Vec<Tally>,
    /// Of them, about whole domains.
    pub domains: u64,
    /// Of them, about digests.
    pub digests: u64,
    /// Rows whose address is empty: of people who gave none.
    pub without_address: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them.
    pub bad_rows: Vec<BadRow>,
    /// Of a list of several files, the one with the largest share of bad rows, of those with more
    /// than one.
    pub worst_file: Option<FileRows>,
    /// Accepted rows whose time could not be read, which count as undated.
    pub odd_dates: u64,
    /// Line of the first of them.
    pub first_odd_date: Option<u64>,
    /// Accepted rows whose stated time lies in the future, which count as undated.
    pub future_dates: u64,
    /// Rows with a quote that opens and does not close as it should.
    pub broken_quotes: u64,
    /// Rows with a word for the kind that is not known, which count as the source says.
    pub odd_kinds: u64,
    /// Line of the first of them.
    pub first_odd_kind: Option<u64>,
    /// Rows of what never lapses with a time at which it would: that time is left out.
    pub dropped_ends: u64,
    /// Records that are no rows of the list: those that the condition of a record path left out,
    /// and those that say themselves that somebody may be mailed.
    pub unselected: u64,
    /// Of a list of several files or members, those without a row.
    pub empty: Vec<String>,
    /// Of the unselected, why, and how many.
    pub unselected_because: Vec<(&'static str, u64)>,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// How many entries there are of one kind and scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// Their kind.
    pub kind: Kind,
    /// Their scope; none: that of the source.
    pub scope: Option<Scope>,
    /// How many.
    pub entries: u64,
}

impl Report {
    /// Counts an entry. Of a list with very many scopes the last ones are counted as the
    /// source's.
    pub(crate) fn tally(&mut self, kind: Kind, scope: Option<&Scope>) {
        self.addresses += 1;
        let is = |tally: &&mut Tally| tally.kind == kind && tally.scope.as_ref() == scope;
        if let Some(tally) = self.tallies.iter_mut().find(is) {
            tally.entries += 1;
            return;
        }
        let scope = scope.filter(|_| self.tallies.len() < TALLIES);
        match self.tallies.iter_mut().find(|t| t.kind == kind && t.scope.as_ref() == scope) {
            Some(tally) => tally.entries += 1,
            None => self.tallies.push(Tally { kind, scope: scope.cloned(), entries: 1 }),
        }
    }

    /// Counts a file of several. A single bad row never decides.
    pub(crate) fn file(&mut self, file: String, rows: u64, bad: u64) {
        let is_worse = self.worst_file.as_ref().is_none_or(|worst| {
            u128::from(bad) * u128::from(worst.rows) > u128::from(worst.bad) * u128::from(rows)
        });
        if bad > 1 && is_worse {
            self.worst_file = Some(FileRows { file, rows, bad });
        }
    }

    /// Leaves a row out because of what it says.
    pub(crate) fn leave_out(&mut self, why: &'static str) {
        self.unselected += 1;
        match self.unselected_because.iter_mut().find(|(because, _)| *because == why) {
            Some((_, count)) => *count += 1,
            None => self.unselected_because.push((why, 1)),
        }
    }

    pub(crate) fn bad_row(&mut self, line: u64, fault: Fault, value: &str) {
        self.bad += 1;
        if self.bad_rows.len() < KEPT {
            self.bad_rows.push(BadRow { file: None, line, fault, masked: mask(value) });
        }
    }
}

/// The shape of a value without the value: every letter as `x`, every digit as `9`.
#[must_use]
pub fn mask(value: &str) -> String {
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
