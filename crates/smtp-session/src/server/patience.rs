//! How slow a client may be, and how idle: floors against those who hold a session and send
//! nothing by it (slow-loris). A line that was begun has to be ended; commands that carry no
//! mail are counted until a recipient comes; mail data has a rate.

use std::time::Duration;

use smtp_wire::Command;

use super::{Ended, Server, State, Step, replies};
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

impl Server {
    /// Counts a command; ends the session when there were too many that came to nothing.
    pub(super) fn count_idle(&mut self, command: &Command) -> Option<Step<'static>> {
        match command {
            Command::Rcpt { .. } if matches!(self.state, State::Transaction) => {
                self.idle_commands = 0;
                return None;
            }
            Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Mail { .. }
            | Command::Rset
            | Command::Noop
            | Command::Vrfy(_)
            | Command::Help => {}
            _ => return None,
        }
        self.idle_commands = self.idle_commands.saturating_add(1);
        if self.idle_commands <= self.settings.floors.idle_commands {
            return None;
        }
        self.queue.clear();
        replies::too_many_idle(&self.settings.hostname).encode(&mut self.out);
        Some(self.end(Ended::TooManyErrors))
    }
}
