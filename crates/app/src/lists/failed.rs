//! Why a reading came to nothing.

use sources::{RemoteError, SourceError};

/// Why a reading came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Somebody writes to it.
    Unsteady,
    /// The gate stops.
    Stopped,
    /// It cannot be read, or is not believed.
    Wrong(String),
}

impl From<SourceError> for Failed {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Changed { .. } => Self::Unsteady,
            other => Self::Wrong(other.to_string()),
        }
    }
}

impl From<RemoteError> for Failed {
    fn from(error: RemoteError) -> Self {
        Self::Wrong(error.to_string())
    }
}
