//! Reading a list out of a database.

use super::access::{Access, Question};
use super::error::RemoteError;
use crate::spool::SpoolWriter;

/// How far a list was read: the greatest value of its watermark column, with its type, as text
/// that only this module understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark(pub String);

/// Which rows are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Since {
    /// The column whose values grow with each change: a number, a time, a ROWVERSION.
    pub column: String,
    /// Rows at this mark and behind it; none: all.
    pub from: Option<Mark>,
}

/// What a reading came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Rows put down.
    pub rows: u64,
    /// The greatest mark among them; none where there is no watermark or no row.
    pub mark: Option<Mark>,
}

/// Reads a list and puts its rows down, the names of the columns first. In bounded memory.
///
/// # Errors
/// Why it could not be read to its end; what was put down until then is not the list.
pub async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let _ = (question, since, rows);
    Err(RemoteError::Setting { what: format!("{:?} is not read yet", access.engine) })
}
