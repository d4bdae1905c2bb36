//! Exit codes: those of sysexits.h, and 1 for an answer that is no.

use std::process::ExitCode;

use app::{AppError, Blame};

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Yes, or done.
    Ok = 0,
    /// No: opted out, a mistake was found.
    No = 1,
    /// Wrong words.
    Usage = 64,
    /// Bad data.
    Data = 65,
    /// Something is not there.
    Unavailable = 69,
    /// An internal fault.
    Software = 70,
    /// Try again.
    Temporary = 75,
    /// Not permitted.
    Permission = 77,
    /// Wrong configuration.
    Configuration = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error that knows its exit code.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Ended {
    pub(crate) fn error(exit: Exit, message: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { exit, message: message.into() })
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Ended {}

impl Exit {
    /// The code for an error.
    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if let Some(ended) = error.downcast_ref::<Ended>() {
            return ended.exit;
        }
        if let Some(error) = error.downcast_ref::<AppError>() {
            return match error.blame() {
                Blame::Data => Self::Data,
                Blame::Unavailable => Self::Unavailable,
                Blame::Temporary => Self::Temporary,
                Blame::Permission => Self::Permission,
                Blame::Configuration => Self::Configuration,
                Blame::Internal => Self::Software,
            };
        }
        match error.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(std::io::ErrorKind::PermissionDenied) => Self::Permission,
            Some(_) => Self::Unavailable,
            None => Self::Software,
        }
    }
}
