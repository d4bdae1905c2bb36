//! What the filters of a listener are.

use std::fmt;
use std::sync::Arc;

use policy::ContentGates;

use super::milter::Milter;

/// The filters of a listener, in the order in which they are asked.
#[derive(Clone)]
pub struct FilterSettings {
    /// Gates over decoded content, which are asked first.
    pub content: Arc<ContentGates>,
    /// Each over what the one before left.
    pub milters: Vec<Arc<Milter>>,
    /// The last of all.
    pub signer: Option<Arc<dyn Signer>>,
    /// Octets that a message may have when milters have changed it.
    pub content_max: usize,
}

impl fmt::Debug for FilterSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilterSettings")
            .field("content", &self.content)
            .field("milters", &self.milters)
            .field("signer", &self.signer.is_some())
            .finish_non_exhaustive()
    }
}

/// Signs messages. It may take its time: it is called where that keeps nobody waiting.
pub trait Signer: Send + Sync {
    /// The header fields to put in front of a message, each with its CRLF; none: there is nothing
    /// to sign.
    ///
    /// `content`: header and body as they go upstream, below this gate's Received, lines with
    /// CRLF, dots not stuffed.
    ///
    /// # Errors
    /// Why it cannot be signed, for the log; the message is deferred.
    fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String>;
}
