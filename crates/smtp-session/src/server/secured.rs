//! STARTTLS and XCLIENT: what sends a session back to its beginning (RFC 3207).
//!
//! What the client said before is forgotten, and nothing it sent before is read after:
//! octets that stand in the clear behind STARTTLS end the session, for they may be
//! somebody else's (RFC 3207 s5; CVE-2011-0411).

use smtp_wire::{Command, Xclient};

use super::starttls::StartTls;
use super::{Ended, Server, SlotId, State, Step, replies};
use crate::moment::Moment;

impl Server {
    /// The TLS handshake is done, after STARTTLS or before the greeting: everything learned
    /// from the client is forgotten (RFC 3207 s4.2).
    pub fn secured(&mut self, now: Moment) {
        if !matches!(self.state, State::Securing | State::Unidentified) {
            return;
        }
        self.forget();
        self.secured = true;
        self.logged_in = false;
        self.rearm(now);
    }

    /// Whether the connection is encrypted.
    pub fn is_secured(&self) -> bool {
        self.secured
    }

    /// Whether STARTTLS can be said now, and belongs in the reply to EHLO.
    pub fn offers_starttls(&self) -> bool {
        self.settings.starttls != StartTls::Off && !self.secured
    }

    /// Accepts XCLIENT: the greeting again, and everything learned from the client is
    /// forgotten. `logged_in`: the front end says that it is. False: the session is over, and
    /// nothing was said.
    pub fn restart(&mut self, now: Moment, slot: SlotId, logged_in: bool) -> bool {
        if matches!(self.state, State::Ended) || !self.queue.is_last(slot) {
            return false;
        }
        self.queue.clear();
        self.out.extend_from_slice(&self.settings.greeting);
        self.forget();
        self.logged_in = logged_in;
        self.rearm(now);
        true
    }

    /// RFC 3207 s4: 530 to every command other than NOOP, EHLO, STARTTLS and QUIT. What
    /// ends the session anyway does so.
    pub(super) fn lacks_tls_for(&self, command: &Command) -> bool {
        self.settings.starttls == StartTls::Required
            && !self.secured
            && !matches!(
                command,
                Command::Ehlo(_)
                    | Command::Noop
                    | Command::StartTls
                    | Command::Quit
                    | Command::Bdat
                    | Command::Http
            )
    }

    pub(super) fn start_tls(&mut self, now: Moment) -> Step<'static> {
        let refusal = match self.state {
            _ if self.secured => replies::tls_is_active(),
            _ if self.settings.starttls == StartTls::Off => replies::not_implemented(),
            State::Unidentified => replies::hello_first(),
            State::Identified => return Step::StartTls,
            _ => replies::not_in_transaction(),
        };
        self.barrier = true;
        self.count_fault(now, refusal)
    }

    /// The answer to STARTTLS, unless something stands behind it.
    pub(super) fn begin_tls(&mut self, now: Moment, followed: bool) -> Step<'static> {
        if followed {
            return self.break_off("input behind STARTTLS", replies::input_before_tls());
        }
        replies::ready_for_tls().encode(&mut self.out);
        self.state = State::Securing;
        self.rearm(now);
        Step::StartTls
    }

    /// It has its 220, and may be in the middle of a handshake: nothing more is said.
    pub(super) fn not_before_the_handshake(&mut self, input: &[u8]) -> Step<'static> {
        match input.is_empty() {
            true => Step::Idle,
            false => self.end(Ended::Protocol("input behind STARTTLS")),
        }
    }

    pub(super) fn start_over(&mut self, now: Moment, told: Box<Xclient>) -> Step<'static> {
        if matches!(self.state, State::Transaction) {
            self.barrier = true;
            return self.count_fault(now, replies::not_in_transaction());
        }
        self.barrier = true;
        self.deadline = None;
        Step::Xclient(self.queue.push(), told)
    }
}
