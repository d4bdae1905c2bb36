//! What a `[[gate]]` means.

use std::net::SocketAddr;
use std::time::Duration;

use policy::{ContentCheck, GateRule, GateVerdict, HeaderCheck};

/// A gate.
#[derive(Clone, Debug)]
pub struct GateSettings {
    /// What every gate has.
    pub rule: GateRule,
    /// The listeners whose mail it looks at; none: every one.
    pub listeners: Option<Vec<SocketAddr>>,
    /// What it looks for.
    pub check: GateCheck,
}

impl GateSettings {
    /// Whether it looks at the mail of a listener.
    pub fn is_for(&self, listener: SocketAddr) -> bool {
        self.listeners.as_ref().is_none_or(|all| all.contains(&listener))
    }
}

/// What a gate looks for, and in what.
#[derive(Clone, Debug)]
pub enum GateCheck {
    /// In the header.
    Header(HeaderCheck),
    /// In the decoded content.
    Content(ContentCheck, ContentJudging),
}

/// How a gate judges content: that takes time, and may not be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentJudging {
    /// How long it may take.
    pub cap: Duration,
    /// What is done when it takes longer.
    pub when_slow: GateVerdict,
    /// What is done about a message that cannot be read whole.
    pub when_unreadable: GateVerdict,
}
