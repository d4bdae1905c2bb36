//! Why a file was not taken at all. One bad row never is such a reason; it goes into the report.
//!
//! The messages name file, line and column, and the setting that helps. They hold names of
//! columns and elements, never the value of a cell: those are personal data.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::shown::shown;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Line.
    pub line: u64,
    /// Byte within the line.
    pub column: u64,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Why a file was not taken.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It could not be read.
    #[error("{}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is no text at all.
    #[error("{}: this is {what}, not a text file; export the list as CSV, XML, JSON or XLSX", file.display())]
    NotText {
        /// The file.
        file: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// A byte that the encoding does not have.
    #[error("{}:{place}: this is not {encoding}; set `encoding` to what the file is in, such as encoding = \"latin-1\"", file.display())]
    Encoding {
        /// The file.
        file: PathBuf,
        /// Where the first such byte is.
        place: Place,
        /// What it was read as, and why.
        encoding: String,
    },
    /// It was written to while it was read.
    #[error("{}: it was changed while it was read; it will be right when whoever writes it is done. Write to another name and rename", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
    },
    /// No column holds addresses, or the one that was named is missing.
    #[error("{}:1: {what}. The columns are {}; set `{setting}` to the right name or number", file.display(), list(columns))]
    Column {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        what: String,
        /// The setting that helps.
        setting: &'static str,
        /// Names of the columns there are.
        columns: Vec<String>,
    },
    /// It looks like a list of people who may be mailed.
    #[error("{}: {why}. To take it as a list of opt-outs would block people who did not ask for that. Export only those who opted out, or set allow_subscribed = true", file.display())]
    Subscribed {
        /// The file.
        file: PathBuf,
        /// What shows it.
        why: String,
    },
    /// It is a list of people who may be mailed, whatever is set.
    #[error("{}: {why}. It is no list of opt-outs; as a list of people who agreed it is read with kind = \"consent\"", file.display())]
    NotOptOuts {
        /// The file.
        file: PathBuf,
        /// What shows it.
        why: String,
    },
    /// It holds digests, and nothing says so.
    #[error("{}: this holds digests in the place of addresses, {algorithm} by their length; set hashed = \"{algorithm}\", and `normalise` and `salt_file` if they were made in another way than of the address in lower case", file.display())]
    Digests {
        /// The file.
        file: PathBuf,
        /// The word for what they look like.
        algorithm: &'static str,
    },
    /// The XML is broken.
    #[error("{}:{place}: {what}", file.display())]
    Xml {
        /// The file.
        file: PathBuf,
        /// Where it was noticed.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// The JSON is broken, or where its records are is not clear.
    #[error("{}:{place}: {what}", file.display())]
    Json {
        /// The file.
        file: PathBuf,
        /// Where it was noticed.
        place: Place,
        /// What is wrong.
        what: String,
    },
    /// A document type declaration, which could define entities.
    #[error("{}:{place}: document type declarations with definitions are refused, because they can make a small file unfold into a huge one; export without DTD", file.display())]
    DocumentType {
        /// The file.
        file: PathBuf,
        /// Where.
        place: Place,
    },
}

/// Names in quotes; the first twenty, as exports can have hundreds.
fn list(columns: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut text: Vec<_> = columns.iter().take(SHOWN).map(|name| shown(name)).collect();
    if columns.len() > SHOWN {
        text.push(format!("and {} more", columns.len() - SHOWN));
    }
    if text.is_empty() { "unnamed".to_owned() } else { text.join(", ") }
}
