//! The greeting of a listener, as the evidence knows it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use evidence::{NoticeText, greeting_digest};
use suppression::{Digest, Timestamp};

/// A greeting with the notice in it: what is written to each client of a listener, and under
/// which name the records have it.
///
/// Kept for as long as the process uses it, over changes of the settings too: what it says is
/// recorded once in each file of the evidence, so that the files can be read by themselves.
#[derive(Debug)]
pub struct Notice {
    text: Arc<str>,
    version: Option<Arc<str>>,
    digest: Digest,
    /// One more than the number of the file that has what it says; 0: none of this process.
    recorded: AtomicU64,
}

impl Notice {
    /// Of a complete greeting, `220` lines with CRLF, and the version that its author gives to it.
    pub fn new(greeting: &str, version: Option<&str>) -> Self {
        Self {
            text: greeting.into(),
            version: version.map(Arc::from),
            digest: greeting_digest(greeting.as_bytes()),
            recorded: AtomicU64::new(0),
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

    /// The record of what it says, while this file lacks it.
    pub(crate) fn unrecorded(&self, time: Timestamp, file: u64) -> Option<NoticeText> {
        let recorded = self.recorded.load(Ordering::Relaxed);
        (recorded <= file).then(|| NoticeText {
            time,
            greeting: self.digest,
            version: self.version.clone(),
            text: Arc::clone(&self.text),
        })
    }

    /// It is written, to this file or a later one.
    pub(crate) fn is_recorded(&self, file: u64) {
        self.recorded.fetch_max(file.saturating_add(1), Ordering::Relaxed);
    }
}
