//! How slow a client may be, and how idle: floors against those who hold a session and send
//! nothing by it (slow-loris). A line that was begun has to be ended; commands that carry no
//! mail are counted until a recipient comes; mail data has a rate.

use smtp_wire::Command;

use crate::moment::Moment;

use super::{Ended, Server, State, Step, replies};

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

    /// Whether mail data is not taken for a while: no deadline for it runs meanwhile.
    pub fn note_behind(&mut self, now: Moment, behind: bool) {
        if !matches!(self.state, State::MailData(_)) {
            return;
        }
        if behind {
            self.deadline = None;
        } else if self.deadline.is_none() {
            self.deadline = Some(now.plus(self.settings.data_timeout));
        }
    }
}
