//! The greeting of a listener, as the evidence knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use evidence::{NoticeText, greeting_digest};
use suppression::{Digest, Timestamp};

/// A greeting with the notice in it: what is written to each client of a listener, and under
/// which name the records have it.
///
/// Kept for as long as the process uses it, over changes of the settings too: what it says is
/// recorded once.
#[derive(Debug)]
pub struct Notice {
    text: Arc<str>,
    version: Option<Arc<str>>,
    digest: Digest,
    /// What it says is in the evidence of this process.
    recorded: AtomicBool,
}

impl Notice {
    /// Of a complete greeting, `220` lines with CRLF, and the version that its author gives to it.
    pub fn new(greeting: &str, version: Option<&str>) -> Self {
        Self {
            text: greeting.into(),
            version: version.map(Arc::from),
            digest: greeting_digest(greeting.as_bytes()),
            recorded: AtomicBool::new(false),
        }
    }

    /// The greeting.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its version.
    pub fn version(&self) -> Option<&Arc<str>> {
        self.version.as_ref()
    }

    /// The name under which the records have it.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The record of what it says, while that is still to be written.
    pub(crate) fn unrecorded(&self, time: Timestamp) -> Option<NoticeText> {
        let recorded = self.recorded.load(Ordering::Relaxed);
        (!recorded).then(|| NoticeText {
            time,
            greeting: self.digest,
            version: self.version.clone(),
            text: Arc::clone(&self.text),
        })
    }

    /// It is written.
    pub(crate) fn is_recorded(&self) {
        self.recorded.store(true, Ordering::Relaxed);
    }
}
