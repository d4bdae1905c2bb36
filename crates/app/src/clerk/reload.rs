//! The configuration of a running gate: which it is, and having it read anew.

use serde::{Deserialize, Serialize};
use suppression::Timestamp;

use crate::error::AppError;

/// What a reload did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The file that was read.
    pub file: String,
    /// The keys that differ from what was in force, such as `[limits] recipients`; none: the
    /// configuration is as it was, and only what it names was read again.
    pub changed: Vec<String>,
    /// Where clients come in now.
    pub listeners: Vec<String>,
    /// What a person should look at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The configuration of a running gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationLine {
    /// The file.
    pub file: String,
    /// When the one in force was read.
    pub loaded: Timestamp,
    /// How often another one took its place since the start.
    pub reloads: u64,
    /// How often one was refused.
    pub failures: u64,
    /// The last one that was refused; none since one was loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<ReloadFailure>,
}

/// A configuration that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadFailure {
    /// When.
    pub at: Timestamp,
    /// Why, as `check` says it.
    pub why: String,
}

/// A gate whose configuration can be read anew.
pub trait Reload: Send + Sync {
    /// Reads it anew, whole, and goes by it if all of it can be done. Blocks.
    ///
    /// # Errors
    /// Then nothing has changed.
    fn reload(&self) -> Result<Reloaded, AppError>;

    /// The one in force.
    fn configuration(&self) -> ConfigurationLine;
}
