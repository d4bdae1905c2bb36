//! How far a long piece of work has come, for whoever waits.

use serde::{Deserialize, Serialize};

/// How far a long piece of work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Work done, in parts of a byte.
    pub done: u64,
    /// Work in all.
    pub total: u64,
    /// Rows seen.
    pub rows: u64,
}
