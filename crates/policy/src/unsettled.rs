//! Messages of which nobody knows whether the smarthost took them.

use std::fmt;

/// Remembers their Message-IDs for a while: what comes with one of them again is probably sent a
/// second time. Asked on the path of every message, so that with nothing remembered it must cost
/// nothing, and never wait.
pub trait Unsettled: fmt::Debug + Send + Sync {
    /// The transaction that ended so for a message with this Message-ID, `seconds` after 1970.
    fn earlier(&self, message_id: &str, seconds: i64) -> Option<String>;

    /// This one has ended so.
    fn note(&self, message_id: &str, transaction: String, seconds: i64);
}
