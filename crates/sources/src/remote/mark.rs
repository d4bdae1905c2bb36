//! How far a list was read, and from where on it is read again.

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
