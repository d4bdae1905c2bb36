//! What a look at a source brought.

use sources::Inputs;

use super::failed::Failed;

/// What a look at a source brought.
#[derive(Debug)]
pub(super) enum Brought {
    /// Nothing has happened to it since it was last tried.
    Untouched,
    /// It says that it is as it was when it was last read well: that makes it fresh.
    Same {
        /// What its age counts from now, in microseconds since the epoch; none: as before.
        written: Option<i64>,
    },
    /// All of it.
    Whole(Content),
    /// What may be new of it.
    Part(Content),
    /// Nothing of it is new. What is to be noted of how far it was read.
    NothingNew(Option<String>),
}

/// What is to be read.
#[derive(Debug)]
pub(super) struct Content {
    /// The rows.
    pub(super) inputs: Inputs,
    /// What its age counts from, in microseconds since the epoch.
    pub(super) written: i64,
    /// Somebody may still be at it: it was written this very moment.
    pub(super) unsettled: bool,
    /// In bytes.
    pub(super) length: u64,
    /// What is to be noted of how far it was read, once it is in the ledger.
    pub(super) cursor: Option<String>,
    /// The names of the columns of a table.
    pub(super) columns: Vec<String>,
}

/// How much is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// What is due.
    Due,
    /// What is new, now.
    New,
    /// All of it, now, even if nothing has changed.
    All,
}

/// What came of looking.
pub(super) type Bringing = Result<Brought, Failed>;
