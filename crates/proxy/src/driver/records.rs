//! The session's lines for the evidence, and when they are written.

/// Lines for the evidence, not yet written.
#[derive(Default)]
pub(super) struct Records {
    pub(super) lines: Vec<u8>,
    /// A refusal is among them: the client must not read its reference before it can
    /// be looked up.
    pub(super) before_reply: bool,
    /// An outcome is among them: it need not hold up the reply.
    pub(super) after_reply: bool,
}

/// Permitted recipients are written together with the intent, unless there are too
/// many lines to keep.
const LINES_MAX: usize = 16 * 1024;

impl Records {
    /// They must be written before the client is told more.
    pub(super) fn are_due(&self) -> bool {
        self.before_reply || self.lines.len() > LINES_MAX
    }
}
