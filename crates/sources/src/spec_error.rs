//! What a setting should have been.

use thiserror::Error;

/// A setting that cannot be understood; `Display` says what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SpecError(pub(crate) String);
