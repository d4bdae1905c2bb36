//! The server role: what optgate is to the submitting client (RFC 5321, RFC 2920).
//!
//! ```text
//!                        EHLO/HELO            MAIL 250               354
//!   (220) -> Unidentified -------> Identified -------> Transaction ------> MailData
//!                 ^                ^ | ^ ^               |                  |
//!      secured(), |            235,5yz | | +--- RSET, EHLO --+                  |
//!      restart()  |                | v +------- reply to the final dot -------+
//!                 |               Auth          (334 and responses, in turn)
//!                 +-- Securing <-- STARTTLS 220: nothing is read
//!
//!   (554) -> Refused: 503 to everything, until QUIT
//!   any state: QUIT, 421, a fault that cannot be lived with -> Ended
//! ```
//!
//! One pull call, [`Server::advance`], takes bytes and gives back the next
//! [`Step`]: a command that somebody above has to answer, a span of mail data, or
//! the end. What needs no policy (syntax, sequence, NOOP, VRFY, HELP) is answered
//! here. Invariants: every command gets exactly one reply; replies leave in the
//! order of the commands; the queue of unanswered commands is bounded, and a
//! command that must be last in its group (RFC 2920 s3.1) stops consumption until
//! the queue is empty; no mode changes before the answer that allows it.

mod auth;
mod dispatch;
mod exchange;
mod floors;
mod patience;
mod queue;
mod refused;
pub(crate) mod replies;
mod secured;
mod starttls;

use std::sync::Arc;
use std::time::Duration;

use address::{ForwardPath, ReversePath};
use smtp_wire::{
    COMMAND_LINE_MAX, Capabilities, DataDecoder, DataFault, DataStep, LineDecoder, LineEvent,
    MailParams, RcptParams, Reply, Xclient,
};

use crate::moment::Moment;
use crate::sasl::SecretBytes;
pub use exchange::AuthRequest;
use exchange::Exchange;
pub use floors::Floors;
use queue::Queue;
pub use queue::SlotId;
pub use starttls::StartTls;

/// How many commands may wait for their answers. A client that pipelines more is
/// read on as soon as answers come (RFC 2920 s3.2 asks for none to be lost).
const UNANSWERED_MAX: usize = 128;

/// What the server role needs to know about its listener.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The name in the greeting and in replies that must name the host.
    pub hostname: String,
    /// The complete greeting, `220` lines with CRLF.
    pub greeting: Vec<u8>,
    /// Time for one command line (RFC 5321 s4.5.3.2.7: at least five minutes).
    pub command_timeout: Duration,
    /// Time in which [`Floors::data`] octets of mail data must arrive: slower clients are cut off,
    /// however often they send a byte.
    pub data_timeout: Duration,
    /// Replies of class 5 to faulty commands before the session ends with 421.
    pub errors_max: u32,
    /// How slow and how idle a client may be.
    pub floors: Floors,
    /// Whether STARTTLS is offered (RFC 3207).
    pub starttls: StartTls,
}

/// Why a session with a client came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client said QUIT.
    Quit,
    /// The client closed its side.
    Gone,
    /// Nothing came for too long.
    Timeout,
    /// Too many faulty commands.
    TooManyErrors,
    /// Bytes after which nothing of this connection can be trusted: NUL, bare CR
    /// or LF, 8-bit garbage, BDAT, an HTTP request, pipelining that was not offered.
    Protocol(&'static str),
    /// We close: draining, overload, an internal fault.
    Local,
}

/// The next thing that happened.
#[derive(Debug, PartialEq)]
pub enum Step<'a> {
    /// Nothing to do until more input or an answer comes.
    Idle,
    /// A command was answered here; the rest of the input may hold another.
    Answered,
    /// EHLO or HELO: everything learned about a transaction is forgotten. To be
    /// answered by [`Server::welcome`].
    Hello {
        /// What the client calls itself.
        name: String,
        /// EHLO, not HELO.
        extended: bool,
    },
    /// MAIL, to be answered.
    Mail(SlotId, ReversePath, MailParams),
    /// RCPT, to be answered.
    Rcpt(SlotId, ForwardPath, RcptParams),
    /// STARTTLS: 220 is in the output. Nothing more is read until the handshake is done:
    /// then [`Server::secured`]. Bytes that came behind the command end the session.
    StartTls,
    /// AUTH, to be answered: by [`Server::challenge`], or finally by [`Server::answer`] with
    /// 235, 4yz or 5yz.
    Auth(SlotId, AuthRequest),
    /// The response to a challenge, base64 removed; the same slot.
    AuthResponse(SlotId, SecretBytes),
    /// The client broke the exchange off, or what it sent is no base64; it has its 501.
    AuthCancelled,
    /// XCLIENT: who the client really is. To be answered by [`Server::restart`], or refused by
    /// [`Server::answer`].
    Xclient(SlotId, Box<Xclient>),
    /// RSET: the transaction is forgotten and 250 has been said.
    Reset,
    /// DATA, to be answered; 354 opens mail data, anything else ends the transaction.
    Data(SlotId),
    /// A span of mail data, dots removed, CRLF everywhere.
    Content(&'a [u8]),
    /// The mail data breaks RFC 5321 s2.3.8; what follows is swallowed up to the dot.
    Flaw(DataFault),
    /// The client's final dot, to be answered.
    EndOfData(SlotId),
    /// The session is over; what is still to be sent may be sent, then close.
    Ended(Ended),
}

#[derive(Debug)]
enum State {
    Unidentified,
    Identified,
    /// MAIL was seen; its own answer may still be outstanding.
    Transaction,
    /// DATA was seen and waits for its answer.
    DataAsked,
    MailData(MailData),
    /// The dot was seen and waits for its answer.
    DotAsked,
    /// 220 to STARTTLS was said: what comes next is the handshake.
    Securing,
    /// AUTH was seen and waits for its final answer.
    Auth(Exchange),
    /// The client was turned away by the greeting.
    Refused,
    Ended,
}

#[derive(Debug)]
struct MailData {
    decoder: DataDecoder,
    /// Bytes since the data timer was last set.
    since_timer: u64,
}

/// The server role of one session.
#[derive(Debug)]
pub struct Server {
    settings: Arc<ServerSettings>,
    state: State,
    offered: Arc<Capabilities>,
    /// EHLO was used: pipelining is allowed.
    extended: bool,
    lines: LineDecoder,
    queue: Queue,
    /// A command that may only run when all before it are answered.
    postponed: Option<smtp_wire::Command>,
    /// A command that must be last in its group waits for the queue to empty.
    barrier: bool,
    out: Vec<u8>,
    errors: u32,
    /// Commands since the last recipient that came to nothing.
    idle_commands: u32,
    deadline: Option<Moment>,
    closing: Option<Reply>,
    /// A line was begun, and must be ended by then.
    line_deadline: Option<Moment>,
    /// The client closed its side while commands were unanswered: it gets their
    /// replies, should it still listen, and then the end.
    eof: bool,
    /// MAIL came with SMTPUTF8 (RFC 6531 s3.4).
    utf8: bool,
    /// The connection is encrypted.
    secured: bool,
    /// AUTH succeeded, or a front end said so: not again (RFC 4954 s4).
    logged_in: bool,
    /// Whether logins are taken was not known at the last EHLO.
    login_unknown: bool,
}

impl Server {
    /// A session whose greeting is ready to be sent.
    pub fn new(settings: Arc<ServerSettings>, now: Moment) -> Self {
        let out = settings.greeting.clone();
        let deadline = Some(now.plus(settings.command_timeout));
        Self {
            settings,
            state: State::Unidentified,
            offered: Arc::new(Capabilities::default()),
            extended: false,
            lines: LineDecoder::new(COMMAND_LINE_MAX),
            queue: Queue::default(),
            postponed: None,
            barrier: false,
            out,
            errors: 0,
            idle_commands: 0,
            deadline,
            closing: None,
            line_deadline: None,
            eof: false,
            utf8: false,
            secured: false,
            logged_in: false,
            login_unknown: false,
        }
    }

    /// Takes input and tells what happened next, with the number of bytes used.
    /// Call again, with the rest, until it says [`Step::Idle`].
    pub fn advance<'a>(&mut self, now: Moment, input: &'a [u8]) -> (usize, Step<'a>) {
        match &mut self.state {
            State::Ended => (input.len(), Step::Idle),
            State::DataAsked | State::DotAsked => (0, self.not_while_waiting(input)),
            // It left before our 354 could reach it.
            State::MailData(_) if self.eof => (input.len(), self.end(Ended::Gone)),
            State::MailData(_) => self.advance_data(now, input),
            State::Unidentified | State::Identified | State::Transaction => {
                let (used, step) = self.advance_command(now, input);
                match step {
                    Step::StartTls => (used, self.begin_tls(now, used < input.len())),
                    step => (used, step),
                }
            }
            State::Securing => (0, self.not_before_the_handshake(input)),
            State::Auth(_) => self.advance_auth(now, input),
            State::Refused => self.advance_refused(now, input),
        }
    }

    fn advance_data<'a>(&mut self, now: Moment, input: &'a [u8]) -> (usize, Step<'a>) {
        let (data_timeout, floor) = (self.settings.data_timeout, self.settings.floors.data);
        let State::MailData(data) = &mut self.state else { return (0, Step::Idle) };
        let (used, step) = data.decoder.decode(input);
        data.since_timer = data.since_timer.saturating_add(used as u64);
        if data.since_timer >= floor {
            data.since_timer = 0;
            self.deadline = Some(now.plus(data_timeout));
        }
        let step = match step {
            DataStep::NeedMore => Step::Idle,
            DataStep::Content(span) => Step::Content(span),
            DataStep::Fault(fault) => Step::Flaw(fault),
            DataStep::End => {
                self.state = State::DotAsked;
                self.deadline = None;
                Step::EndOfData(self.queue.push())
            }
        };
        (used, step)
    }

    fn advance_command<'a>(&mut self, now: Moment, input: &'a [u8]) -> (usize, Step<'a>) {
        if !self.queue.is_empty() {
            if let step @ Step::Ended(_) = self.not_while_waiting(input) {
                return (0, step);
            }
            if self.barrier || self.postponed.is_some() || self.queue.len() >= UNANSWERED_MAX {
                return (0, Step::Idle);
            }
        }
        self.barrier = false;
        if let Some(command) = self.postponed.take() {
            return (0, self.perform(now, command));
        }
        if self.eof {
            return (input.len(), self.end(Ended::Gone));
        }
        if self.errors > self.settings.errors_max {
            return (0, self.too_many_errors());
        }
        if let Some(farewell) = &self.closing
            && matches!(self.state, State::Unidentified | State::Identified)
        {
            farewell.encode(&mut self.out);
            return (0, self.end(Ended::Local));
        }
        let (used, event) = self.lines.decode(input);
        self.line_deadline = match event {
            Some(_) => None,
            None if used == 0 => self.line_deadline,
            None => self.settings.floors.line_until(self.line_deadline, now),
        };
        let step = match event {
            None => Step::Idle,
            Some(LineEvent::Line(line)) => {
                let command = smtp_wire::parse(line, &self.offered);
                let ascii = line.is_ascii();
                self.interpret(now, command, ascii)
            }
            Some(LineEvent::Fault(fault)) => self.faulty_line(now, fault),
        };
        (used, step)
    }

    /// RFC 2920 lets a client send ahead only where PIPELINING was offered, which
    /// HELO never does: bytes behind an unanswered command are then an attempt at
    /// smuggling, or a client that does not listen.
    fn not_while_waiting(&mut self, input: &[u8]) -> Step<'static> {
        if self.extended || input.is_empty() {
            return Step::Idle;
        }
        self.queue.clear();
        replies::not_synchronised().encode(&mut self.out);
        self.end(Ended::Protocol("input before the reply, without PIPELINING"))
    }

    /// Answers EHLO or HELO; `offered` is what the client may use from now on.
    pub fn welcome(&mut self, now: Moment, offered: Arc<Capabilities>) {
        if self.extended {
            offered.encode(&self.settings.hostname, &mut self.out);
        } else {
            replies::hello(&self.settings.hostname).encode(&mut self.out);
        }
        self.offered = offered;
        self.state = State::Identified;
        self.rearm(now);
    }

    /// Answers a command. An answer to a command that is no longer there (the
    /// session has ended) is ignored.
    pub fn answer(&mut self, now: Moment, slot: SlotId, reply: Reply) {
        if matches!(self.state, State::Ended) {
            return;
        }
        match self.state {
            State::DataAsked if self.queue.is_last(slot) => {
                self.state = if reply.code == 354 {
                    State::MailData(MailData { decoder: DataDecoder::new(), since_timer: 0 })
                } else {
                    State::Identified
                };
            }
            State::DotAsked if self.queue.is_last(slot) => self.state = State::Identified,
            State::Auth(exchange) if exchange.slot == slot => self.finish_auth(&reply),
            _ => {}
        }
        self.queue.answer(slot, reply);
        self.queue.flush(&mut self.out);
        if self.queue.is_empty() {
            match self.state {
                State::MailData(_) => {
                    self.deadline = Some(now.plus(self.settings.data_timeout));
                }
                _ => self.rearm(now),
            }
        }
    }

    /// MAIL was refused: RCPT must be preceded by another one.
    pub fn abandon_transaction(&mut self) {
        if matches!(self.state, State::Transaction) {
            self.state = State::Identified;
        }
    }

    /// The client closed its side. Mail data without its dot is no message; a
    /// command that still waits for its answer gets it first.
    pub fn handle_eof(&mut self) -> Step<'static> {
        match self.state {
            State::Ended => Step::Idle,
            State::MailData(_) => self.end(Ended::Gone),
            State::Auth(exchange) if exchange.is_clients_turn() => self.end(Ended::Gone),
            _ if self.queue.is_empty() => self.end(Ended::Gone),
            _ => {
                self.eof = true;
                Step::Idle
            }
        }
    }

    /// The connection is broken: nothing can be said any more.
    pub fn handle_broken(&mut self) -> Step<'static> {
        self.out.clear();
        match self.state {
            State::Ended => Step::Idle,
            _ => self.end(Ended::Gone),
        }
    }

    /// Called when [`Self::poll_timeout`] is due, or at any other time.
    pub fn handle_timeout(&mut self, now: Moment) -> Step<'static> {
        if !self.poll_timeout().is_some_and(|deadline| now.reached(deadline)) {
            return Step::Idle;
        }
        // In the middle of a handshake nobody could read it.
        if !matches!(self.state, State::Securing) {
            replies::timed_out(&self.settings.hostname).encode(&mut self.out);
        }
        self.end(Ended::Timeout)
    }

    /// No new transaction from now on: 421 as soon as none is running.
    pub fn drain(&mut self) -> Step<'static> {
        let farewell = replies::shutting_down(&self.settings.hostname);
        let at_rest =
            matches!(self.state, State::Unidentified | State::Identified | State::Refused);
        if self.queue.is_empty() && at_rest {
            farewell.encode(&mut self.out);
            return self.end(Ended::Local);
        }
        self.closing = Some(farewell);
        Step::Idle
    }

    /// The session ends with `farewell` as soon as no transaction is running: the next
    /// [`Self::advance`] says so.
    pub fn close_at_rest(&mut self, farewell: Reply) {
        self.closing = Some(farewell);
    }

    /// When [`Self::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Moment> {
        Moment::earliest(self.deadline, self.line_deadline)
    }

    /// Bytes for the client, to be taken from the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Bytes waiting to be sent.
    pub fn unsent(&self) -> usize {
        self.out.len()
    }

    /// The session is over.
    pub fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// DATA is the last command that was read and waits for its answer: the client has nothing
    /// to say before it has that.
    pub fn is_data_asked(&self) -> bool {
        matches!(self.state, State::DataAsked)
    }

    /// Commands that wait for their answers.
    pub fn unanswered(&self) -> usize {
        self.queue.len()
    }

    /// The client spoke EHLO, not HELO.
    pub fn is_extended(&self) -> bool {
        self.extended
    }

    /// What the client was offered at its last EHLO.
    pub fn offered(&self) -> &Capabilities {
        &self.offered
    }

    /// Everything learned from the client is forgotten: it has to say EHLO.
    fn forget(&mut self) {
        self.state = State::Unidentified;
        self.offered = Arc::new(Capabilities::default());
        self.extended = false;
        self.utf8 = false;
        self.barrier = false;
        self.login_unknown = false;
    }

    fn rearm(&mut self, now: Moment) {
        if matches!(self.state, State::Refused) {
            return;
        }
        self.deadline = Some(now.plus(self.settings.command_timeout));
    }

    fn end(&mut self, why: Ended) -> Step<'static> {
        self.state = State::Ended;
        self.deadline = None;
        self.line_deadline = None;
        self.postponed = None;
        Step::Ended(why)
    }
}
