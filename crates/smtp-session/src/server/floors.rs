//! How slow and how idle a client may be, in numbers.

use std::time::Duration;

use crate::moment::Moment;

/// What is asked of a client at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    /// From the first octet of a command line to its end. RFC 5321 s4.5.3.2.7 gives a client
    /// five minutes between commands, not within one.
    pub line_timeout: Duration,
    /// EHLO, MAIL, RSET, NOOP, VRFY and HELP without a recipient in between.
    pub idle_commands: u32,
    /// Octets of mail data within each data timeout.
    pub data: u64,
}

impl Default for Floors {
    /// A minute, 100 commands as Postfix has it, 4096 octets.
    fn default() -> Self {
        Self { line_timeout: Duration::from_secs(60), idle_commands: 100, data: 4096 }
    }
}

impl Floors {
    /// When a line must have ended of which some came now.
    pub(super) fn line_until(&self, before: Option<Moment>, now: Moment) -> Option<Moment> {
        before.or_else(|| Some(now.plus(self.line_timeout)))
    }
}
