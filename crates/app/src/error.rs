//! What can go wrong in this crate, whose fault it was, and whether it passes.

use std::path::PathBuf;

use ledger::LedgerError;
use suppression::SuppressionError;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppError {
    /// The ledger or its key.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The index.
    #[error("the index: {0}")]
    Index(#[from] SuppressionError),
    /// The operating system, about a file or socket.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What it said. Not a source of its own: it is in the words already.
        error: std::io::Error,
    },
    /// Another process holds the ledger for itself.
    #[error("{holder} is working on the ledger {}. One gate at a time; to stop it: kill {pid}", ledger.display())]
    Taken {
        /// The ledger.
        ledger: PathBuf,
        /// Who.
        holder: String,
        /// Its process.
        pid: u32,
    },
    /// The thread that owns the ledger is gone.
    #[error("the ledger was closed")]
    Stopped,
    /// The ledger is not open: a restore failed half way.
    #[error(
        "the ledger is not open, because a restore failed half way: mail is deferred. See the log for what is wrong, and start the gate again"
    )]
    Away,
    /// The file was taken away from under a running gate.
    #[error("the ledger {} was removed or replaced while it was open; nothing is recorded and mail is deferred. Put the file back, or start the gate again to use the one that is there now; to put a backup in its place: optgate restore FOLDER", .0.display())]
    Displaced(PathBuf),
    /// Entries of the ledger were made under a key that nobody has.
    #[error(
        "the ledger has entries under key {0}, which its key file lacks; restore the newest copy of the key file from a backup"
    )]
    StrangeKey(String),
    /// A list could not be read or is not believed; the last good one stays in force.
    #[error("{0}")]
    List(String),
    /// The user's own words make no sense.
    #[error("{0}")]
    Input(String),
    /// The configuration cannot be used; the words are those of `check`.
    #[error("{0}")]
    Configuration(String),
    /// No gate answers.
    #[error("{0}")]
    Unavailable(String),
    /// The running gate said no.
    #[error("the running gate: {message}")]
    Gate {
        /// Its words.
        message: String,
        /// What kind of error it had.
        fault: Blame,
    },
}

/// Whose fault an error is: what the exit code of a command tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Blame {
    /// The data given: a list, an address.
    Data,
    /// Something that is not there now.
    Unavailable,
    /// It may pass; try again.
    Temporary,
    /// Not allowed to.
    Permission,
    /// The configuration.
    Configuration,
    /// This program or this machine.
    Internal,
}

impl AppError {
    /// An operating system's error about a path.
    pub fn io(path: impl Into<PathBuf>, error: std::io::Error) -> Self {
        Self::Io { path: path.into(), error }
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Ledger(error) if error.is_transient() => Blame::Temporary,
            Self::Ledger(error) => match error {
                LedgerError::NotFound { .. } | LedgerError::KeyMissing { .. } => Blame::Unavailable,
                LedgerError::ReadOnly { .. } => Blame::Permission,
                LedgerError::Io { source, .. } => of_io(source),
                LedgerError::KeyWrong { .. }
                | LedgerError::KeyLacking { .. }
                | LedgerError::Newer { .. }
                | LedgerError::LedgerMissing { .. }
                | LedgerError::RulesChanged { .. } => Blame::Configuration,
                LedgerError::Damaged { .. }
                | LedgerError::NotALedger { .. }
                | LedgerError::KeyGarbled { .. }
                | LedgerError::Unfit { .. }
                | LedgerError::NotWithdrawable { .. }
                | LedgerError::NotUndoable { .. }
                | LedgerError::Unaccountable(_)
                | LedgerError::NamesAddress { .. }
                | LedgerError::Checkpoint(_)
                | LedgerError::Exists { .. } => Blame::Data,
                _ => Blame::Internal,
            },
            Self::Index(_) => Blame::Internal,
            Self::Io { error, .. } => of_io(error),
            Self::Taken { .. } | Self::Stopped => Blame::Temporary,
            Self::Away | Self::Displaced(_) => Blame::Unavailable,
            Self::StrangeKey(_) | Self::Configuration(_) => Blame::Configuration,
            Self::List(_) | Self::Input(_) => Blame::Data,
            Self::Unavailable(_) => Blame::Unavailable,
            Self::Gate { fault, .. } => *fault,
        }
    }
}

fn of_io(error: &std::io::Error) -> Blame {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => Blame::Permission,
        std::io::ErrorKind::NotFound
        | std::io::ErrorKind::AddrInUse
        | std::io::ErrorKind::AddrNotAvailable
        | std::io::ErrorKind::ConnectionRefused => Blame::Unavailable,
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => Blame::Temporary,
        _ => Blame::Internal,
    }
}
