//! What the filters of a listener are.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::milter::Milter;

/// The filters of a listener, in the order in which they are asked.
#[derive(Clone)]
pub struct FilterSettings {
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

/// How a milter is reached, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilterSettings {
    /// What people call it.
    pub name: Arc<str>,
    /// Where it listens.
    pub address: MilterAddress,
    /// It may change content; if not, it is offered no such action.
    pub changes: bool,
    /// What becomes of a message that it cannot be asked about.
    pub on_failure: OnFailure,
    /// For all it is asked about one transaction.
    pub cap: Duration,
    /// For the connection to it.
    pub connect_timeout: Duration,
}

/// Where a milter listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MilterAddress {
    /// `host:port`, `1.2.3.4:25` or `[2001:db8::1]:25`.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for MilterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What becomes of a message that a milter cannot be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// 451: it comes again.
    #[default]
    Defer,
    /// It goes on without this milter, and the evidence says so.
    Permit,
}
