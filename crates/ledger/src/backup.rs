//! A copy of the ledger while others write it (SQLite's online backup,
//! <https://sqlite.org/backup.html>). The copy is the ledger as of one commit: a read transaction
//! held for its whole duration keeps a writer from making it begin again, and with a write-ahead
//! log no writer waits for it.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use crate::digits::hex;
use crate::entropy::random;
use crate::error::LedgerError;
use crate::keyfile::{beside, sync_folder};
use crate::ledger::{Head, Ledger, counters};

/// Pages copied between two reports of progress (1 MB).
const STEP: i32 = 256;

impl Ledger {
    /// Copies the ledger into a new file, which appears whole or not at all and is on disk when
    /// this returns. `progress` is told how many of how many pages are copied. Returns where the
    /// copy ends. Its key file goes with it, copied afterwards: [`KeyFile::copy_to`](crate::KeyFile::copy_to).
    ///
    /// # Errors
    /// [`LedgerError::Exists`] when there is a file already; what the operating system says.
    pub fn backup_to(
        &self,
        path: &Path,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Head, LedgerError> {
        if path.symlink_metadata().is_ok() {
            return Err(LedgerError::Exists { path: path.to_owned() });
        }
        let temporary = beside(path, &hex(&random::<6>()?));
        let io = |error| LedgerError::io(path, error);
        let new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary);
        drop(new.map_err(io)?);
        let copied = self.copy(&temporary, path, &mut progress).and_then(|head| {
            File::open(&temporary).and_then(|file| file.sync_all()).map_err(io)?;
            match fs::hard_link(&temporary, path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    Err(LedgerError::Exists { path: path.to_owned() })
                }
                linked => linked.map(|()| head).map_err(io),
            }
        });
        fs::remove_file(&temporary).map_err(io)?;
        let head = copied?;
        sync_folder(path)?;
        Ok(head)
    }

    fn copy(
        &self,
        temporary: &Path,
        path: &Path,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Head, LedgerError> {
        // A connection of its own, so that the caller's can go on writing in between.
        let from = Self::open_read_only(&self.path)?;
        let held = from.connection.unchecked_transaction().map_err(|error| self.fault(error))?;
        let head = counters(&held).map_err(|error| self.fault(error))?.head;
        let fault = |error| LedgerError::from_sqlite(path, error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut to = Connection::open_with_flags(temporary, flags).map_err(fault)?;
        {
            let backup = Backup::new(&held, &mut to).map_err(fault)?;
            let mut done = false;
            while !done {
                done = match backup.step(STEP).map_err(fault)? {
                    StepResult::Done => true,
                    StepResult::More => false,
                    _ => return Err(LedgerError::Busy { path: self.path.clone() }),
                };
                let at = backup.progress();
                let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
                let total = count(at.pagecount);
                progress(total.saturating_sub(count(at.remaining)), total);
            }
        }
        // One file that can be read where nothing can be written; the next owner sets it back.
        to.query_row("PRAGMA journal_mode = delete", (), |_| Ok(())).map_err(fault)?;
        to.close().map_err(|(_, error)| fault(error))?;
        Ok(head)
    }
}
