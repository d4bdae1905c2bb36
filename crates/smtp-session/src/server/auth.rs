//! AUTH: the exchange of challenges and responses (RFC 4954 s4).
//!
//! Here are its lines, base64 and turns; what the octets mean is for whoever answers.
//! Nothing of it is kept, and nothing of it is shown by `Debug`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use smtp_wire::{COMMAND_LINE_MAX, LineDecoder, LineEvent, LineFault, Reply};

use super::exchange::{AuthRequest, Exchange, Turn};
use super::{Ended, Server, SlotId, State, Step, replies};
use crate::moment::Moment;

/// The longest response: 12288 octets (RFC 4954 s4), and its CRLF.
const RESPONSE_LINE_MAX: usize = 12_288 + 2;

/// What a line of the client's was.
enum Heard {
    Nothing,
    Cancel,
    Response(Vec<u8>),
    NotBase64,
    Fault(LineFault),
}

impl Server {
    /// Sends a challenge of an AUTH exchange: 334 and its base64 (RFC 4954 s4).
    pub fn challenge(&mut self, now: Moment, slot: SlotId, challenge: &[u8]) {
        let State::Auth(exchange) = &mut self.state else { return };
        if exchange.slot != slot || exchange.turn == Turn::Client {
            return;
        }
        exchange.turn = Turn::Client;
        // Not a `Reply`: it may be longer than a line of one.
        self.out.extend_from_slice(b"334 ");
        self.out.extend_from_slice(STANDARD.encode(challenge).as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.rearm(now);
    }

    /// Whether AUTH has succeeded, or a front end said so.
    pub fn is_logged_in(&self) -> bool {
        self.logged_in
    }

    /// Whoever checks logins was not heard yet, so none can be offered: until the next
    /// [`welcome`](Self::welcome) AUTH is answered 454, as the same client may be taken later.
    pub fn note_login_unknown(&mut self, unknown: bool) {
        self.login_unknown = unknown;
    }

    /// Whether logins are taken was not known when the client last said EHLO.
    pub fn is_login_unknown(&self) -> bool {
        self.login_unknown
    }

    /// A challenge was sent, and its response is to come.
    pub fn is_challenged(&self) -> bool {
        matches!(self.state, State::Auth(exchange) if exchange.is_clients_turn())
    }

    pub(super) fn start_auth(
        &mut self,
        now: Moment,
        mechanism: String,
        initial: Option<String>,
    ) -> Step<'static> {
        self.barrier = true;
        let refusal = match self.state {
            State::Unidentified => Some(replies::hello_first()),
            State::Identified if self.logged_in => Some(replies::logged_in_already()),
            State::Identified if self.login_unknown => Some(replies::login_unknown()),
            State::Identified if self.offered.auth.is_empty() => Some(replies::not_implemented()),
            State::Identified if !self.offered.auth.contains(&mechanism) => {
                Some(replies::no_such_mechanism())
            }
            State::Identified => None,
            _ => Some(replies::not_in_transaction()),
        };
        if let Some(refusal) = refusal {
            return self.count_fault(now, refusal);
        }
        let initial = match initial.as_deref() {
            None => None,
            Some("=") => Some(Secret::new(Vec::new())),
            Some(text) => match STANDARD.decode(text) {
                Ok(octets) => Some(Secret::new(octets)),
                Err(_) => return self.count_fault(now, replies::bad_base64()),
            },
        };
        let slot = self.queue.push();
        self.state = State::Auth(Exchange { slot, turn: Turn::Ours });
        self.lines = LineDecoder::new(RESPONSE_LINE_MAX);
        self.deadline = None;
        Step::Auth(slot, AuthRequest { mechanism, initial })
    }

    pub(super) fn advance_auth(&mut self, now: Moment, input: &[u8]) -> (usize, Step<'static>) {
        let State::Auth(Exchange { slot, turn }) = self.state else { return (0, Step::Idle) };
        if turn == Turn::Ours {
            return (0, self.not_while_waiting(input));
        }
        if self.eof {
            return (input.len(), self.end(Ended::Gone));
        }
        let (used, event) = self.lines.decode(input);
        let heard = match event {
            None => Heard::Nothing,
            Some(LineEvent::Line(b"*")) => Heard::Cancel,
            Some(LineEvent::Line(line)) => {
                STANDARD.decode(line).map_or(Heard::NotBase64, Heard::Response)
            }
            Some(LineEvent::Fault(fault)) => Heard::Fault(fault),
        };
        let step = match heard {
            Heard::Nothing => Step::Idle,
            Heard::Cancel => self.cancel_auth(now, slot, replies::login_cancelled()),
            Heard::NotBase64 => self.cancel_auth(now, slot, replies::bad_base64()),
            Heard::Fault(LineFault::TooLong) => {
                self.cancel_auth(now, slot, replies::response_too_long())
            }
            Heard::Fault(fault) => self.faulty_line(now, fault),
            Heard::Response(octets) => {
                self.state = State::Auth(Exchange { slot, turn: Turn::Ours });
                self.deadline = None;
                Step::AuthResponse(slot, Secret::new(octets))
            }
        };
        (used, step)
    }

    fn cancel_auth(&mut self, now: Moment, slot: SlotId, reply: Reply) -> Step<'static> {
        self.answer(now, slot, reply);
        Step::AuthCancelled
    }

    /// The final reply is there. A failure counts as an error: guessing is bounded in one
    /// session.
    pub(super) fn finish_auth(&mut self, reply: &Reply) {
        self.state = State::Identified;
        self.lines = LineDecoder::new(COMMAND_LINE_MAX);
        self.logged_in = reply.code == 235;
        if reply.is_permanent() {
            self.errors = self.errors.saturating_add(1);
        }
    }
}
