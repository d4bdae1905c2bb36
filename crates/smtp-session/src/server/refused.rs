//! A session that is refused as a whole (RFC 5321 s3.1): 554 instead of the greeting,
//! then 503 to everything until QUIT. It lasts only a short time, whatever the client does.

use std::sync::Arc;
use std::time::Duration;

use smtp_wire::{Command, LineEvent, Reply};

use super::{Ended, Server, ServerSettings, State, Step, replies};
use crate::moment::Moment;

/// How long a refused client may take to leave.
const REFUSED_TIME: Duration = Duration::from_secs(30);

/// Commands it may say meanwhile.
const REFUSED_COMMANDS: u32 = 10;

impl Server {
    /// A session that begins with `reply`, which must be 554, and comes to nothing.
    pub fn refused(settings: Arc<ServerSettings>, reply: &Reply, now: Moment) -> Self {
        let mut server = Self::new(settings, now);
        server.out.clear();
        reply.encode(&mut server.out);
        server.state = State::Refused;
        server.deadline = Some(now.plus(REFUSED_TIME));
        server
    }

    /// The timer is not set again: the whole session has one limit.
    pub(super) fn advance_refused(&mut self, now: Moment, input: &[u8]) -> (usize, Step<'static>) {
        let (used, event) = self.lines.decode(input);
        let step = match event {
            None => Step::Idle,
            Some(LineEvent::Fault(fault)) => self.faulty_line(now, fault),
            Some(LineEvent::Line(line)) => match smtp_wire::parse(line, &self.offered) {
                Ok(Command::Quit) => {
                    replies::bye(&self.settings.hostname).encode(&mut self.out);
                    self.end(Ended::Quit)
                }
                _ => self.refuse_command(),
            },
        };
        (used, step)
    }

    fn refuse_command(&mut self) -> Step<'static> {
        self.errors = self.errors.saturating_add(1);
        replies::nothing_but_quit().encode(&mut self.out);
        match self.errors < REFUSED_COMMANDS {
            true => Step::Answered,
            false => self.too_many_errors(),
        }
    }
}
