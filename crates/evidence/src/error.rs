//! What can go wrong while evidence is looked for. Writing speaks `std::io::Error`: whatever
//! the reason, the answer to the client is 451 and the text of it goes to the log.

use std::io;
use std::path::PathBuf;

/// Why a search gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The beginning of several references.
    #[error("{count}{} references begin with {prefix}; give more of it", if *more { " or more" } else { "" })]
    Ambiguous {
        /// What was asked for.
        prefix: String,
        /// How many different references begin with it.
        count: usize,
        /// There are more than were counted.
        more: bool,
    },
    /// More was found than can be kept.
    #[error("more than {megabytes} MB of evidence were found; ask for fewer days or a lower limit")]
    TooMuch {
        /// What can be kept.
        megabytes: usize,
    },
    /// A file could not be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the operating system said, or what is wrong with a packed one.
        source: io::Error,
    },
}

impl EvidenceError {
    pub(crate) fn file(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::File { path: path.into(), source }
    }
}
