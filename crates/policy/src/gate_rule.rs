//! What every rule over messages has, whatever it looks for (`[[gate]]`).

use std::sync::Arc;

use crate::finding::{Finding, GateVerdict};
use crate::streams::{Possible, StreamId};

/// The part of a gate that does not depend on what it looks for.
#[derive(Debug, Clone)]
pub struct GateRule {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// The streams whose messages it looks at; `None`: all.
    pub streams: Option<Vec<StreamId>>,
    /// What is done about a message in which it finds something.
    pub verdict: GateVerdict,
    /// What the client is told then; `None`: what was found.
    pub text: Option<Arc<str>>,
}

impl GateRule {
    /// Whether it looks at a message that may be on any of these streams.
    pub fn is_for(&self, possible: &Possible) -> bool {
        self.streams.as_ref().is_none_or(|own| possible.iter().any(|id| own.contains(&id)))
    }

    /// Whether its finding counts for a message that may be on any of these streams. Where the
    /// stream was not decided, nobody is let past other gates by a rule of one that it may not be on.
    pub fn judges(&self, possible: &Possible) -> bool {
        match (&self.streams, self.verdict) {
            (Some(own), GateVerdict::Permit) => possible.iter().all(|id| own.contains(&id)),
            _ => self.is_for(possible),
        }
    }

    /// Its finding.
    pub fn finding(&self, found: String) -> Finding {
        Finding {
            gate: Arc::clone(&self.name),
            verdict: self.verdict,
            found,
            text: self.text.clone(),
        }
    }
}
