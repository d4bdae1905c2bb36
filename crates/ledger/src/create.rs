//! A new ledger, and a ledger together with its key file.
//!
//! The tables are made in a file of another name, which is then linked into place: another
//! process sees the whole ledger or none, and no existing file is ever replaced. The order at a
//! first start is ledger, key file, fingerprint into the ledger; a crash between any two is put
//! right by the next start, because a ledger without a key has no entries yet.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};
use suppression::Timestamp;

use crate::digits::hex;
use crate::entropy::random;
use crate::error::LedgerError;
use crate::keyfile::{KeyFile, beside, sync_folder};
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::open::with_suffix;
use crate::schema;

/// What to do where there is neither ledger nor key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Make both: a first start.
    Create,
    /// Say so.
    Refuse,
}

/// Opens a ledger and its key file together, so that an error can name both.
///
/// One without the other is never made good silently: a ledger whose key is lost, or a key whose
/// ledger is lost, means opt-outs that are no longer known.
///
/// # Errors
/// Each says what to do; nothing was changed.
pub fn open_pair(
    ledger: &Path,
    key: &Path,
    if_missing: IfMissing,
    now: Timestamp,
) -> Result<(Ledger, Keys), LedgerError> {
    let open = || Ledger::open_with(ledger, OpenFlags::SQLITE_OPEN_READ_WRITE);
    let mut open = match open() {
        // A key file is made after its ledger, so where there is one, there is a ledger by now.
        Err(LedgerError::NotFound { .. }) if key.symlink_metadata().is_ok() => match open() {
            Err(LedgerError::NotFound { .. }) => {
                return Err(LedgerError::LedgerMissing { ledger: ledger.into(), key: key.into() });
            }
            other => other?,
        },
        Err(LedgerError::NotFound { .. }) => {
            no_remains(ledger)?;
            if if_missing == IfMissing::Refuse {
                return Err(LedgerError::NotFound { path: ledger.to_owned() });
            }
            create_file(ledger, now)?;
            open()?
        }
        other => other?,
    };
    let virgin = open.current_key()?.is_none();
    let key = match KeyFile::load(key) {
        Err(LedgerError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if !virgin {
                return Err(LedgerError::KeyMissing { key: key.into(), ledger: ledger.into() });
            }
            match KeyFile::create(key) {
                // Another process was faster.
                Err(LedgerError::Exists { .. }) => KeyFile::load(key)?,
                other => other?,
            }
        }
        other => other?,
    };
    if virgin {
        open.adopt(&key, now)?;
    }
    let keys = open.keys(&key)?;
    Ok((open, keys))
}

/// A ledger that is gone while SQLite's log of it is there was not meant to be replaced.
fn no_remains(ledger: &Path) -> Result<(), LedgerError> {
    let log = with_suffix(ledger, "-wal");
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
        let what = format!("the file is gone and only {} is left of it", log.display());
        return Err(LedgerError::Damaged { path: ledger.into(), what });
    }
    Ok(())
}

impl Ledger {
    /// Makes a new ledger for a key that exists.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] when there is a file already; what the operating system says.
    pub fn create(path: &Path, key: &KeyFile, now: Timestamp) -> Result<Self, LedgerError> {
        if path.symlink_metadata().is_ok() || !create_file(path, now)? {
            return Err(LedgerError::Exists { path: path.to_owned() });
        }
        let mut ledger = Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        ledger.adopt(key, now)?;
        Ok(ledger)
    }

    /// Notes the fingerprint of the key that entries will be hashed under.
    fn adopt(&mut self, key: &KeyFile, now: Timestamp) -> Result<(), LedgerError> {
        self.connection
            .execute(
                // Where two processes make the first start at once, the one key file wins.
                "INSERT INTO hash_key (id, fingerprint, added) SELECT ?1, ?2, ?3
                 WHERE NOT EXISTS (SELECT 1 FROM hash_key)",
                (key.id().0, &key.fingerprint().0[..], now.micros()),
            )
            .map(|_| ())
            .map_err(|error| self.fault(error))
    }
}

/// Makes the file with its tables. False when another process was faster.
fn create_file(path: &Path, now: Timestamp) -> Result<bool, LedgerError> {
    let temporary = beside(path, &hex(&random::<6>()?));
    let io = |error| LedgerError::io(path, error);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
    file.map_err(io)?;
    let made = fill(&temporary, now);
    let linked = made.and_then(|()| match fs::hard_link(&temporary, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(io(error)),
    });
    fs::remove_file(&temporary).map_err(io)?;
    sync_folder(path)?;
    linked
}

fn fill(temporary: &Path, now: Timestamp) -> Result<(), LedgerError> {
    let fault = |error| LedgerError::from_sqlite(temporary, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(temporary, flags).map_err(fault)?;
    schema::create(&mut connection, &random()?, now.micros()).map_err(fault)?;
    connection.close().map_err(|(_, error)| fault(error))
}
