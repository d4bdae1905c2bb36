//! One client of the capture smarthost: bytes in, replies and messages out; no socket.
//!
//! The order of commands is RFC 5321 s4.1.4: MAIL, then RCPT, then DATA; a new
//! EHLO and RSET drop the transaction. Every reply stands in the table below.

use smtp_wire::{
    COMMAND_LINE_MAX, Capabilities, Command, CommandError, DataDecoder, DataStep, Enhanced,
    LineDecoder, LineEvent, LineFault, Reply, parse,
};

use super::message::{CapturedRecipient, Received};

/// Largest message that is kept, 256 MiB.
pub(super) const MESSAGE_MAX: u64 = 256 << 20;

#[derive(Debug, Default)]
struct Envelope {
    from: String,
    from_params: String,
    recipients: Vec<CapturedRecipient>,
}

#[derive(Debug)]
enum State {
    /// No transaction.
    Idle,
    /// MAIL was taken.
    Mail(Envelope),
    /// DATA was taken.
    Data(Box<Receiving>),
}

#[derive(Debug)]
struct Receiving {
    envelope: Envelope,
    decoder: DataDecoder,
    content: Vec<u8>,
    refusal: Option<Reply>,
}

/// What the server does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Reads on.
    GoOn,
    /// Writes what is there and closes.
    Close,
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    hostname: String,
    offered: Capabilities,
    lines: LineDecoder,
    helo: String,
    state: State,
}

impl Session {
    pub(super) fn new(hostname: &str) -> Self {
        let offered = Capabilities {
            size: Some(MESSAGE_MAX),
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            enhanced_status_codes: true,
            ..Capabilities::default()
        };
        Self {
            hostname: hostname.to_owned(),
            offered,
            lines: LineDecoder::new(COMMAND_LINE_MAX),
            helo: String::new(),
            state: State::Idle,
        }
    }

    pub(super) fn greeting(&self) -> Reply {
        Reply::plain(220, format!("{} ESMTP capture smarthost, nothing is sent on", self.hostname))
    }

    /// Takes all of `input`; replies go to `out`, complete messages to `taken`. `accept`
    /// gives the number under which a message is kept.
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        out: &mut Vec<u8>,
        accept: &mut dyn FnMut(Received) -> std::io::Result<u64>,
    ) -> Next {
        while !input.is_empty() {
            let used = match &mut self.state {
                State::Data(receiving) => {
                    let (used, done) = receiving.feed(input);
                    if done {
                        let reply = self.finish(accept);
                        reply.encode(out);
                    }
                    used
                }
                State::Idle | State::Mail(_) => {
                    let (used, event) = self.lines.decode(input);
                    let outcome = match event {
                        None => None,
                        Some(LineEvent::Line(line)) => Some(parse(line, &self.offered)),
                        Some(LineEvent::Fault(fault)) => {
                            fault_reply(fault).encode(out);
                            if fault == LineFault::Flood {
                                return Next::Close;
                            }
                            None
                        }
                    };
                    if let Some(outcome) = outcome {
                        let (reply, next) = match outcome {
                            Ok(command) => self.command(command),
                            Err(error) => refused(&error),
                        };
                        reply.encode(out);
                        if next == Next::Close {
                            return next;
                        }
                    }
                    used
                }
            };
            input = input.get(used..).unwrap_or_default();
        }
        Next::GoOn
    }

    fn command(&mut self, command: Command) -> (Reply, Next) {
        let reply = match command {
            Command::Helo(name) => {
                (self.helo, self.state) = (name, State::Idle);
                Reply::plain(250, self.hostname.clone())
            }
            Command::Ehlo(name) => {
                (self.helo, self.state) = (name, State::Idle);
                self.offered.to_reply(&self.hostname)
            }
            Command::Mail { .. } if self.helo.is_empty() => {
                Reply::new(503, Enhanced::new(5, 5, 1), "say EHLO first")
            }
            Command::Mail { from, params } => match self.state {
                State::Idle => {
                    self.state = State::Mail(Envelope {
                        from: from.to_string(),
                        from_params: params.to_string().trim().to_owned(),
                        recipients: Vec::new(),
                    });
                    Reply::new(250, Enhanced::new(2, 1, 0), "sender ok")
                }
                State::Mail(_) | State::Data(_) => {
                    Reply::new(503, Enhanced::new(5, 5, 1), "one transaction at a time")
                }
            },
            Command::Rcpt { to, params } => match &mut self.state {
                State::Mail(envelope) => {
                    envelope.recipients.push(CapturedRecipient {
                        to: to.to_string(),
                        params: params.to_string().trim().to_owned(),
                    });
                    Reply::new(250, Enhanced::new(2, 1, 5), "recipient ok")
                }
                State::Idle | State::Data(_) => {
                    Reply::new(503, Enhanced::new(5, 5, 1), "MAIL comes first")
                }
            },
            Command::Data => self.data(),
            Command::Rset => {
                self.state = State::Idle;
                Reply::new(250, Enhanced::new(2, 0, 0), "forgotten")
            }
            Command::Noop => Reply::new(250, Enhanced::new(2, 0, 0), "ok"),
            Command::Vrfy(_) => Reply::new(252, Enhanced::new(2, 5, 0), "everybody is welcome"),
            Command::Help => Reply::new(214, Enhanced::new(2, 0, 0), "RFC 5321"),
            Command::Quit => {
                return (Reply::new(221, Enhanced::new(2, 0, 0), "bye"), Next::Close);
            }
            Command::Bdat | Command::Http => {
                let reply = Reply::new(502, Enhanced::new(5, 5, 1), "not implemented");
                return (reply, Next::Close);
            }
            Command::StartTls
            | Command::Auth { .. }
            | Command::NotImplemented(_)
            | Command::Xclient(_) => Reply::new(502, Enhanced::new(5, 5, 1), "not implemented"),
        };
        (reply, Next::GoOn)
    }

    fn data(&mut self) -> Reply {
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Mail(envelope) if !envelope.recipients.is_empty() => {
                self.state = State::Data(Box::new(Receiving {
                    envelope,
                    decoder: DataDecoder::new(),
                    content: Vec::new(),
                    refusal: None,
                }));
                Reply::plain(354, "go on, end with a dot")
            }
            State::Mail(envelope) => {
                self.state = State::Mail(envelope);
                Reply::new(554, Enhanced::new(5, 5, 1), "no recipient")
            }
            State::Idle | State::Data(_) => {
                Reply::new(503, Enhanced::new(5, 5, 1), "MAIL comes first")
            }
        }
    }

    fn finish(&mut self, accept: &mut dyn FnMut(Received) -> std::io::Result<u64>) -> Reply {
        let State::Data(receiving) = std::mem::replace(&mut self.state, State::Idle) else {
            return Reply::new(503, Enhanced::new(5, 5, 1), "MAIL comes first");
        };
        if let Some(refusal) = receiving.refusal {
            return refusal;
        }
        let received = Received {
            helo: self.helo.clone(),
            from: receiving.envelope.from,
            from_params: receiving.envelope.from_params,
            recipients: receiving.envelope.recipients,
            content: receiving.content,
        };
        match accept(received) {
            Ok(number) => Reply::new(250, Enhanced::new(2, 0, 0), format!("captured as {number}")),
            Err(_) => Reply::new(452, Enhanced::new(4, 3, 1), "cannot store it"),
        }
    }
}

impl Receiving {
    /// How much was used, and whether the data ended.
    fn feed(&mut self, input: &[u8]) -> (usize, bool) {
        let (used, step) = self.decoder.decode(input);
        match step {
            DataStep::NeedMore => (used, false),
            DataStep::End => (used, true),
            DataStep::Content(bytes) => {
                let length = self.content.len().saturating_add(bytes.len());
                if length as u64 > MESSAGE_MAX {
                    self.content = Vec::new();
                    self.refusal =
                        Some(Reply::new(552, Enhanced::new(5, 3, 4), "message too large"));
                } else if self.refusal.is_none() {
                    self.content.extend_from_slice(bytes);
                }
                (used, false)
            }
            DataStep::Fault(fault) => {
                self.refusal = Some(Reply::new(550, Enhanced::new(5, 5, 2), fault.to_string()));
                (used, false)
            }
        }
    }
}

fn fault_reply(fault: LineFault) -> Reply {
    Reply::new(500, Enhanced::new(5, 5, 2), fault.to_string())
}

fn refused(error: &CommandError) -> (Reply, Next) {
    let text = error.to_string();
    let reply = match error {
        CommandError::Unknown => Reply::new(500, Enhanced::new(5, 5, 1), text),
        CommandError::EightBit => {
            return (Reply::new(500, Enhanced::new(5, 5, 2), text), Next::Close);
        }
        CommandError::Syntax(_)
        | CommandError::ArgumentForbidden
        | CommandError::ArgumentMissing
        | CommandError::Parameter(_) => Reply::new(501, Enhanced::new(5, 5, 4), text),
        CommandError::Address { .. } => Reply::new(553, Enhanced::new(5, 1, 3), text),
        CommandError::UnknownParameter(_) => Reply::new(555, Enhanced::new(5, 5, 4), text),
    };
    (reply, Next::GoOn)
}
