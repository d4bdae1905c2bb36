//! What a list that is asked live counts.

use observe::Counter;
use serde::{Deserialize, Serialize};

/// Counted without a lock.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Recipients it was to be asked about.
    pub(super) asked: Counter,
    /// Of those, answered from what it had said a moment ago.
    pub(super) remembered: Counter,
    /// Of those, found.
    pub(super) found: Counter,
    /// Of those, without an answer.
    pub(super) failed: Counter,
    /// Questions that were put to it, each about one recipient or several.
    pub(super) questions: Counter,
}

/// How a list that is asked live fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveLine {
    /// Its name.
    pub name: String,
    /// `closed`: it is asked; `open`: it is not asked for a while, because it kept failing;
    /// `trying`: one question is out, to see whether it answers again.
    pub breaker: String,
    /// Connections at rest.
    pub idle: u64,
    /// Connections in use, or being opened.
    pub busy: u64,
    /// Recipients it was to be asked about.
    pub asked: u64,
    /// Of those, answered from what it had said a moment ago.
    pub remembered: u64,
    /// Of those, found.
    pub found: u64,
    /// Of those, without an answer: deferred, if it could have changed anything.
    pub failed: u64,
    /// Questions that were put to it, each about one recipient or several.
    pub questions: u64,
    /// What was wrong the last time it failed.
    pub last_error: Option<String>,
    /// The last question got no answer, or none that can be used.
    #[serde(default)]
    pub failing: bool,
}

impl LiveLine {
    /// Why recipients are deferred at present, should that be so.
    #[must_use]
    pub fn unknown(&self) -> Option<String> {
        let last = self.last_error.as_deref().unwrap_or("it failed");
        match self.breaker.as_str() {
            "closed" => self.failing.then(|| format!("it fails: {last}")),
            _ => Some(format!("it keeps failing and is not asked for a while; the last: {last}")),
        }
    }
}
