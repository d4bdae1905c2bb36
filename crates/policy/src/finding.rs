//! What a rule over a message has found, and what is done about it.

use std::sync::Arc;

/// What is done about a message in which a gate found what it looks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateVerdict {
    /// It passes, and the gates behind this one are not asked.
    Permit,
    /// 5yz at the client's dot.
    Refuse,
    /// 4yz at the client's dot.
    Defer,
    /// It passes, and the finding is written down.
    Shadow,
}

impl GateVerdict {
    /// The word in the configuration and in evidence.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Refuse => "refuse",
            Self::Defer => "defer",
            Self::Shadow => "shadow",
        }
    }
}

/// What one gate has found in one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The gate, by its name in the configuration.
    pub gate: Arc<str>,
    /// What is done about it.
    pub verdict: GateVerdict,
    /// What was found, for the record and, where the rule has no text of its own, for the
    /// client. Printable ASCII, nothing of the message but names of fields and of types.
    pub found: String,
    /// The rule's own text for the client.
    pub text: Option<Arc<str>>,
}
