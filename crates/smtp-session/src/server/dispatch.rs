//! From a command line to a step: check the syntax, check the sequence, then act
//! or hand the command up (RFC 5321 s4.1.4, s4.3.2).

use smtp_wire::{Command, CommandError, LineFault, Reply};

use super::{Ended, Server, State, Step, replies};
use crate::moment::Moment;

impl Server {
    pub(super) fn interpret(
        &mut self,
        now: Moment,
        command: Result<Command, CommandError>,
        ascii: bool,
    ) -> Step<'static> {
        match command {
            Ok(command) if ascii => self.perform(now, command),
            Ok(command) => match &command {
                // RFC 6531 s3.5: such an address needs SMTPUTF8 on this very MAIL.
                Command::Mail { params, .. } if !params.smtputf8 => {
                    self.count_fault(now, replies::sender_needs_utf8())
                }
                Command::Rcpt { .. } if !self.utf8 => {
                    self.count_fault(now, replies::recipient_needs_utf8())
                }
                _ => self.perform(now, command),
            },
            Err(CommandError::EightBit) => {
                self.break_off("8-bit bytes that are not UTF-8", replies::eight_bit())
            }
            Err(error) => {
                let reply = replies::for_command_error(&error);
                self.count_fault(now, reply)
            }
        }
    }

    pub(super) fn faulty_line(&mut self, now: Moment, fault: LineFault) -> Step<'static> {
        match fault {
            LineFault::TooLong => self.count_fault(now, replies::line_too_long()),
            LineFault::Flood => self.break_off("a line without end", replies::line_too_long()),
            LineFault::BareCr => self.break_off("a bare CR", replies::bare_character()),
            LineFault::BareLf => self.break_off("a bare LF", replies::bare_character()),
            LineFault::Nul => self.break_off("a NUL", replies::bare_character()),
        }
    }

    pub(super) fn perform(&mut self, now: Moment, command: Command) -> Step<'static> {
        // Commands that forget a transaction, or end the session, run only when all
        // before them are answered: what they forget is then complete.
        if !self.queue.is_empty()
            && matches!(
                command,
                Command::Ehlo(_)
                    | Command::Helo(_)
                    | Command::Rset
                    | Command::Quit
                    | Command::StartTls
                    | Command::Auth { .. }
                    | Command::Xclient(_)
            )
        {
            self.postponed = Some(command);
            return Step::Idle;
        }
        if self.lacks_tls_for(&command) {
            self.barrier = command.ends_group();
            return self.count_fault(now, replies::tls_required());
        }
        if let Some(ended) = self.count_idle(&command) {
            return ended;
        }
        match command {
            Command::Ehlo(name) => self.hello(name, true),
            Command::Helo(name) => self.hello(name, false),
            Command::Mail { from, params } => match self.state {
                State::Unidentified => self.count_fault(now, replies::hello_first()),
                State::Identified => {
                    self.state = State::Transaction;
                    self.utf8 = params.smtputf8;
                    self.deadline = None;
                    Step::Mail(self.queue.push(), from, params)
                }
                _ => self.count_fault(now, replies::nested_mail()),
            },
            Command::Rcpt { to, params } => match self.state {
                State::Transaction => {
                    self.deadline = None;
                    Step::Rcpt(self.queue.push(), to, params)
                }
                _ => self.count_fault(now, replies::mail_first()),
            },
            Command::Data => match self.state {
                State::Transaction => {
                    self.state = State::DataAsked;
                    self.deadline = None;
                    Step::Data(self.queue.push())
                }
                _ => {
                    self.barrier = true;
                    self.count_fault(now, replies::mail_first())
                }
            },
            Command::Rset => {
                self.reply_now(now, replies::reset());
                if matches!(self.state, State::Transaction) {
                    self.state = State::Identified;
                }
                Step::Reset
            }
            Command::Noop => self.reply_last(now, replies::noop()),
            Command::Vrfy(_) => self.reply_last(now, replies::cannot_verify()),
            Command::Help => self.reply_last(now, replies::help()),
            Command::Quit => {
                replies::bye(&self.settings.hostname).encode(&mut self.out);
                self.end(Ended::Quit)
            }
            Command::Bdat => self.break_off("BDAT", replies::no_chunking()),
            Command::Http => {
                self.break_off("an HTTP request", replies::not_http(&self.settings.hostname))
            }
            Command::StartTls => self.start_tls(now),
            Command::Auth { mechanism, initial } => self.start_auth(now, mechanism, initial),
            Command::Xclient(told) => self.start_over(now, told),
            Command::NotImplemented(_) => {
                self.barrier = true;
                self.count_fault(now, replies::not_implemented())
            }
        }
    }

    fn hello(&mut self, name: String, extended: bool) -> Step<'static> {
        self.extended = extended;
        if !matches!(self.state, State::Unidentified) {
            self.state = State::Identified;
        }
        Step::Hello { name, extended }
    }

    fn reply_now(&mut self, now: Moment, reply: Reply) {
        self.queue.push_answered(reply, &mut self.out);
        if self.queue.is_empty() {
            self.rearm(now);
        }
    }

    /// For commands that must be the last of a pipelined group.
    fn reply_last(&mut self, now: Moment, reply: Reply) -> Step<'static> {
        self.reply_now(now, reply);
        self.barrier = true;
        Step::Answered
    }

    pub(super) fn count_fault(&mut self, now: Moment, reply: Reply) -> Step<'static> {
        self.errors = self.errors.saturating_add(1);
        self.reply_now(now, reply);
        if self.errors <= self.settings.errors_max {
            return Step::Answered;
        }
        self.too_many_errors()
    }

    /// What is still unanswered is not going to be: the session ends here.
    pub(super) fn too_many_errors(&mut self) -> Step<'static> {
        self.queue.clear();
        replies::too_many_errors(&self.settings.hostname).encode(&mut self.out);
        self.end(Ended::TooManyErrors)
    }

    pub(super) fn break_off(&mut self, what: &'static str, reply: Reply) -> Step<'static> {
        self.queue.clear();
        reply.encode(&mut self.out);
        self.end(Ended::Protocol(what))
    }
}
