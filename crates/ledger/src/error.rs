//! What can go wrong with a ledger or its key file, in words that say what to do.
//!
//! No message holds an address, and no variant leaves the files changed: an error found while
//! opening is found before the first write, an error while appending rolls the whole batch
//! back. [`LedgerError::is_transient`] tells whether trying again can help.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ffi::ErrorCode;
use suppression::KeyId;
use thiserror::Error;

/// Why a ledger could not be opened, read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// There is no such file.
    #[error("there is no ledger at {}; create it (`optgate init`, `optgate serve`), or correct [ledger] path", path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file exists already and was to be created.
    #[error("{} exists already and was left as it is", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file belongs to something else.
    #[error("{} is not an optgate ledger: {what}. Nothing was changed; correct [ledger] path", path.display())]
    NotALedger {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// Written by a later version.
    #[error("{} has ledger format {found}, written by a newer optgate; this one knows formats up to {known}. Nothing was changed; install the newer version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The format in the file.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// Cut off, or damaged inside.
    #[error("the ledger {} is damaged: {what}. Nothing was changed; restore it from a backup together with its key file", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The file, its folder or the file system is read-only.
    #[error("the ledger {} cannot be written: it, its folder or the file system is read-only for this user. Give this user write permission to the folder and the files in it", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// No space, or a quota or size limit reached.
    #[error("the ledger {} cannot grow: the disk is full, or a quota or file-size limit is reached. Nothing of this batch was recorded; make room and try again", path.display())]
    Full {
        /// The file.
        path: PathBuf,
    },
    /// A write failed, and SQLite does not say why.
    #[error("the ledger {} cannot be written: the disk may be full, a quota or file-size limit reached, or the disk failing (the log of the system tells). Nothing of this batch was recorded; make room and try again", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
    },
    /// Another process held the write lock for longer than the busy timeout.
    #[error("the ledger {} is locked by another process; nothing of this batch was recorded. Try again", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// Anything else SQLite said.
    #[error("the ledger {}: {source}", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
    /// The ledger has entries, and the key file is away.
    #[error("the key file {} is missing, and without it nobody can tell whose addresses the ledger {} holds. Restore the key file from a backup, or correct [ledger] key_file", key.display(), ledger.display())]
    KeyMissing {
        /// The key file.
        key: PathBuf,
        /// The ledger that needs it.
        ledger: PathBuf,
    },
    /// The key file is there, and the ledger is away.
    #[error("the ledger {} is missing, although its key file {} is there. Restore the ledger from a backup or correct [ledger] path; for a new, empty ledger move the key file away", ledger.display(), key.display())]
    LedgerMissing {
        /// The ledger.
        ledger: PathBuf,
        /// The key file that is there.
        key: PathBuf,
    },
    /// A valid key, but of another ledger.
    #[error("the key file {} (key {found}) is not the key of the ledger {} ({expected}). Restore the key file that belongs to this ledger, or correct [ledger] key_file", key.display(), ledger.display())]
    KeyWrong {
        /// The key file.
        key: PathBuf,
        /// The ledger.
        ledger: PathBuf,
        /// The id in the key file.
        found: String,
        /// The ids the ledger knows.
        expected: String,
    },
    /// The key file cannot be understood.
    #[error("the key file {} is damaged: {what}. Restore it from a backup; without it the ledger beside it cannot be read", key.display())]
    KeyGarbled {
        /// The key file.
        key: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// An entry was made under a key this ledger does not know.
    #[error("an entry was hashed under key {}, which the ledger {} does not know; nothing was recorded", crate::digits::show(*id), path.display())]
    UnknownKey {
        /// The ledger.
        path: PathBuf,
        /// The key of the entry.
        id: KeyId,
    },
    /// The ledger knows a key that the key file lacks.
    #[error("the key file {} lacks key {missing}, under which entries of the ledger {} were made; without it nobody can tell whose they are. Restore the newest copy of the key file from a backup", key.display(), ledger.display())]
    KeyLacking {
        /// The key file.
        key: PathBuf,
        /// The ledger.
        ledger: PathBuf,
        /// The ids of the keys that are not there.
        missing: String,
    },
    /// An entry that no ledger takes.
    #[error("entry {} of the batch cannot be recorded: {what}; nothing of the batch was recorded", place + 1)]
    Unfit {
        /// Its place among the entries given, from 0.
        place: usize,
        /// Why.
        what: &'static str,
    },
    /// A row that cannot be taken back.
    #[error("row {position} cannot be withdrawn: {what}; nothing was withdrawn")]
    NotWithdrawable {
        /// The row.
        position: u64,
        /// Why.
        what: String,
    },
    /// An import that cannot be undone.
    #[error(
        "import {id:?} cannot be undone: {what}; `optgate optout imports` lists those there are"
    )]
    NotUndoable {
        /// The name that was given.
        id: String,
        /// Why.
        what: String,
    },
    /// A change without author, reason or readable details.
    #[error("not recorded: {0}")]
    Unaccountable(&'static str),
    /// A text that is kept for ever and names somebody.
    #[error(
        "the {what} names an address, and it is kept for ever: what `optgate ledger erase` blanks does not reach it. Say it without the address, for instance with the number of a ticket. Nothing was recorded"
    )]
    NamesAddress {
        /// Which text.
        what: &'static str,
    },
    /// A checkpoint, its signature or the key for it.
    #[error("{0}")]
    Checkpoint(String),
    /// The rules of address equality are not those of the entries.
    #[error("the entries of the ledger {} were made with the rules `{kept}` for which addresses are one person, and the configuration says `{wanted}`; under those rules stored opt-outs would not be found. Set [ledger] person back", path.display())]
    RulesChanged {
        /// The ledger.
        path: PathBuf,
        /// The rules of the entries.
        kept: String,
        /// The rules asked for.
        wanted: String,
    },
    /// No random numbers to be had.
    #[error("the operating system gives no random numbers: {0}")]
    Entropy(String),
}

impl LedgerError {
    /// Whether the same call may succeed later without anybody's help but time or space.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. } | Self::Full { .. } | Self::Unwritable { .. } | Self::Io { .. }
        )
    }

    /// Tells one failure of SQLite from another.
    pub(crate) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        let Some(code) = source.sqlite_error_code() else {
            return match source {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::Utf8Error(..) => {
                    Self::Damaged { path, what: source.to_string() }
                }
                _ => Self::Sqlite { path, source },
            };
        };
        match code {
            ErrorCode::SystemIoFailure if is_write(&source) => Self::Unwritable { path },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy { path },
            ErrorCode::DiskFull => Self::Full { path },
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly { path },
            ErrorCode::DatabaseCorrupt => Self::Damaged { path, what: source.to_string() },
            ErrorCode::NotADatabase => {
                Self::NotALedger { path, what: "it is not a SQLite file".into() }
            }
            _ => Self::Sqlite { path, source },
        }
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path: path.to_owned() },
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::Full { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), source },
        }
    }
}

/// EFBIG and EDQUOT reach us as a failed write, only ENOSPC as a full disk.
fn is_write(error: &rusqlite::Error) -> bool {
    use rusqlite::ffi::{SQLITE_IOERR_FSYNC, SQLITE_IOERR_SHMSIZE, SQLITE_IOERR_WRITE};
    let code = error.sqlite_error().map(|error| error.extended_code);
    matches!(code, Some(SQLITE_IOERR_WRITE | SQLITE_IOERR_FSYNC | SQLITE_IOERR_SHMSIZE))
}
