//! How far a read has come, for a progress bar.

/// One of the three times a file is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Encoding and fingerprint.
    Examine,
    /// Every row is parsed and counted, nothing is handed out.
    Check,
    /// The rows are handed out.
    Read,
}

/// Bytes gone through in this phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Which time.
    pub phase: Phase,
    /// Bytes so far.
    pub done: u64,
    /// Bytes of the file.
    pub total: u64,
}
