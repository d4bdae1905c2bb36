//! A file, and what goes wrong with it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Error, ErrorCode, InterruptHandle, OpenFlags, Statement};

use super::super::access::Access;
use super::super::error::RemoteError;
use super::super::said;

/// Where the file is, and how long somebody who writes may keep it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    path: PathBuf,
    limit: Duration,
}

/// Which file it is: a new one may have been put in the place of the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity(u64, u64);

/// Interrupts what runs on a connection when nobody waits for it any more.
pub(super) struct Interrupt(pub(super) InterruptHandle);

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.0.interrupt();
    }
}

impl Place {
    pub(super) fn of(access: &Access) -> Self {
        Self { path: Path::new(&access.url).to_owned(), limit: access.timeout }
    }

    /// The path, as errors call it.
    pub(super) fn name(&self) -> String {
        self.path.display().to_string()
    }

    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Opens what is there now.
    pub(super) fn open(&self) -> Result<(Connection, Identity), RemoteError> {
        let identity = self.identity()?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(&self.path, flags).and_then(|connection| {
            connection.busy_timeout(self.limit)?;
            Ok(connection)
        });
        Ok((opened.map_err(|error| self.fault(&error, said::whole))?, identity))
    }

    /// Which file is there now.
    pub(super) fn identity(&self) -> Result<Identity, RemoteError> {
        let fault = |what: String| RemoteError::Unreachable { server: self.name(), what };
        let data = std::fs::metadata(&self.path).map_err(|error| fault(error.to_string()))?;
        // A pipe would keep whoever opens it for ever.
        if !data.is_file() {
            return Err(fault("this is no file".to_owned()));
        }
        Ok(Identity(data.dev(), data.ino()))
    }

    /// Prepares a query that reads and does nothing else.
    pub(super) fn prepared<'a>(
        &self,
        connection: &'a Connection,
        query: &str,
    ) -> Result<Statement<'a>, RemoteError> {
        let statement =
            connection.prepare(query).map_err(|error| self.fault(&error, said::whole))?;
        if !statement.readonly() || statement.column_count() == 0 {
            let what = "the query does not read, or gives no columns".to_owned();
            return Err(RemoteError::Setting { what });
        }
        Ok(statement)
    }

    /// Of a query that runs.
    pub(super) fn while_asking(&self, error: &Error) -> RemoteError {
        self.fault(error, said::without_values)
    }

    fn fault(&self, error: &Error, words: fn(&str) -> String) -> RemoteError {
        let server = self.name();
        let (code, what) = match error {
            Error::SqliteFailure(code, message) => {
                let text = message.clone().unwrap_or_else(|| code.to_string());
                (Some(code), words(&text))
            }
            Error::SqlInputError { error, msg, .. } => (Some(error), words(msg)),
            // The library's own: a value of an unexpected type, and it may quote it.
            other => (None, said::without_values(&other.to_string())),
        };
        match code.map(|code| code.code) {
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OperationInterrupted,
            ) => RemoteError::Timeout { server, limit: self.limit },
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::PermissionDenied
                | ErrorCode::NotADatabase
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::ReadOnly,
            ) => RemoteError::Unreachable { server, what },
            Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt) => {
                RemoteError::Cut { server, what }
            }
            _ => RemoteError::Query { server, what },
        }
    }
}
