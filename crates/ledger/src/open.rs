//! Opening a ledger that exists: what can be wrong is found before anything is written.
//!
//! SQLite itself would take an empty file for a new database and would find a cut-off one only
//! when it reads the missing page, so the file's first hundred bytes are looked at beforehand.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::error::LedgerError;
use crate::keyfile::KeyFile;
use crate::ledger::{Ledger, Memory, counters, last_row};
use crate::schema::{APPLICATION_ID, FORMAT};

/// How long to wait for another process's commit: many times the longest one there should be.
const BUSY: Duration = Duration::from_secs(10);
/// The write-ahead log is brought into the file after this many pages (8 MB), within a commit.
const CHECKPOINT_PAGES: u32 = 1000;
/// Page cache, in KiB (negative is SQLite's way of saying KiB).
const CACHE: i64 = -8192;

impl Ledger {
    /// Opens a ledger to read and append, checking that `key` has its keys.
    ///
    /// # Errors
    /// Each says what to do; nothing was changed.
    pub fn open(path: &Path, key: &KeyFile) -> Result<Self, LedgerError> {
        let ledger = Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        ledger.keys(key)?;
        Ok(ledger)
    }

    /// Opens a ledger only to read it, with no need of its key: to verify or to list.
    ///
    /// # Errors
    /// Each says what to do.
    pub fn open_read_only(path: &Path) -> Result<Self, LedgerError> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// Opens a ledger to verify it, even where the end that it should have is missing: that is
    /// what is to be found then.
    ///
    /// # Errors
    /// Each says what to do.
    pub fn open_to_verify(path: &Path) -> Result<Self, LedgerError> {
        Self::open_file(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    pub(crate) fn open_with(path: &Path, access: OpenFlags) -> Result<Self, LedgerError> {
        let ledger = Self::open_file(path, access)?;
        ledger.check_end()?;
        Ok(ledger)
    }

    fn open_file(path: &Path, access: OpenFlags) -> Result<Self, LedgerError> {
        let whole = look(path)?;
        let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let fault = |error| match LedgerError::from_sqlite(path, error) {
            LedgerError::Sqlite { source, .. }
                if source.sqlite_error_code() == Some(rusqlite::ffi::ErrorCode::CannotOpen) =>
            {
                LedgerError::ReadOnly { path: path.to_owned() }
            }
            other => other,
        };
        let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
        let ledger = Self { path: path.to_owned(), connection, memory: Memory::default() };
        ledger.connection.busy_timeout(BUSY).map_err(fault)?;
        ledger.check_format(fault)?;
        if let Some(what) = whole.cut_off(path) {
            return Err(LedgerError::Damaged { path: path.to_owned(), what });
        }
        if access.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
            // Where the file may not be written, SQLite opens it to read and says nothing.
            if ledger.connection.is_readonly("main").map_err(fault)? {
                return Err(LedgerError::ReadOnly { path: path.to_owned() });
            }
            ledger.configure().map_err(fault)?;
        }
        Ok(ledger)
    }

    fn configure(&self) -> rusqlite::Result<()> {
        let set = |name, value: &dyn rusqlite::ToSql| {
            // Some pragmas answer with a row, some do not.
            self.connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(
                |error| match error {
                    rusqlite::Error::QueryReturnedNoRows => Ok(()),
                    error => Err(error),
                },
            )
        };
        set("journal_mode", &"wal")?;
        set("synchronous", &"full")?;
        set("wal_autocheckpoint", &CHECKPOINT_PAGES)?;
        set("cache_size", &CACHE)?;
        set("temp_store", &"memory")?;
        // We check them by ourselves, and the chain does: three look-ups a row are saved.
        set("foreign_keys", &"off")?;
        // What is erased is overwritten.
        set("secure_delete", &"on")?;
        set("trusted_schema", &"off")
    }

    fn check_format(
        &self,
        fault: impl Fn(rusqlite::Error) -> LedgerError,
    ) -> Result<(), LedgerError> {
        let number = |name| -> rusqlite::Result<i64> {
            self.connection.pragma_query_value(None, name, |row| row.get(0))
        };
        let path = self.path.clone();
        if number("application_id").map_err(&fault)? != APPLICATION_ID {
            let what = "it is a SQLite file of another program".to_owned();
            return Err(LedgerError::NotALedger { path, what });
        }
        let found = number("user_version").map_err(&fault)?;
        if found > FORMAT {
            return Err(LedgerError::Newer { path, found, known: FORMAT });
        }
        if found < 1 {
            return Err(LedgerError::Damaged { path, what: "it has no format number".to_owned() });
        }
        Ok(())
    }

    /// The rows end where the ledger says they do.
    fn check_end(&self) -> Result<(), LedgerError> {
        let read = || {
            let snapshot = self.connection.unchecked_transaction()?;
            Ok((counters(&snapshot)?.head.position, last_row(&snapshot)?))
        };
        let (noted, found) = read().map_err(|error| self.fault(error))?;
        if noted == found {
            return Ok(());
        }
        let what = format!("it should end at row {noted} and ends at row {found}");
        Err(LedgerError::Damaged { path: self.path.clone(), what })
    }
}

/// What the first bytes of the file say about its length.
struct Whole {
    length: u64,
    promised: u64,
}

impl Whole {
    /// With a write-ahead log beside it the file may rightly be shorter than it says.
    fn cut_off(&self, path: &Path) -> Option<String> {
        let log = std::fs::metadata(with_suffix(path, "-wal")).map_or(0, |log| log.len());
        (log == 0 && self.length < self.promised)
            .then(|| format!("it is cut off, {} bytes of {} are there", self.length, self.promised))
    }
}

/// A file name with something behind it, as SQLite names its companions.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Looks at the file's head without SQLite.
fn look(path: &Path) -> Result<Whole, LedgerError> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => LedgerError::NotFound { path: path.to_owned() },
        _ => LedgerError::io(path, error),
    })?;
    let io = |error| LedgerError::io(path, error);
    let not = |what: &str| LedgerError::NotALedger { path: path.to_owned(), what: what.to_owned() };
    if !metadata.is_file() {
        return Err(not("it is not a file"));
    }
    let length = metadata.len();
    if length == 0 {
        let what = "it is empty (cut off?)".to_owned();
        return Err(LedgerError::Damaged { path: path.to_owned(), what });
    }
    let mut head = [0; 100];
    if length < head.len() as u64 {
        return Err(not("it is not a SQLite file"));
    }
    File::open(path).map_err(io)?.read_exact(&mut head).map_err(io)?;
    if !head.starts_with(b"SQLite format 3\0") {
        return Err(not("it is not a SQLite file"));
    }
    // https://sqlite.org/fileformat.html s1.3: page size at 16 (1 means 65536), pages at 28.
    let [.., size_high, size_low] = *head.first_chunk::<18>().unwrap_or(&[0; 18]);
    let [.., a, b, c, d] = *head.first_chunk::<32>().unwrap_or(&[0; 32]);
    let page = match u16::from_be_bytes([size_high, size_low]) {
        1 => 65536,
        page => u64::from(page),
    };
    Ok(Whole { length, promised: page * u64::from(u32::from_be_bytes([a, b, c, d])) })
}
