//! What can go wrong while evidence is looked for. Writing speaks `std::io::Error`: whatever
//! the reason, the answer to the client is 451 and the text of it goes to the log.

use std::io;

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
    /// The file could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}
