//! Operations on a server session: bytes of the client, answers in any order, time,
//! the end; with a reply for every command and nothing out of order.

use std::sync::Arc;
use std::time::Duration;

use smtp_session::{Floors, Moment, Server, ServerSettings, SlotId, StartTls, Step};
use smtp_wire::{Capabilities, Enhanced, Reply};

/// Each operation begins with a byte: below 128 it is the number of stream bytes that
/// arrive together, above it answers the oldest or the newest question, lets time
/// pass, drains, or ends. Everything behind the first NUL NUL is the stream.
pub fn session(data: &[u8]) {
    let Some(middle) = data.windows(2).position(|two| two == b"\0\0") else { return };
    let (operations, stream) = data.split_at(middle);
    let mut play = Play::new();
    let mut stream = stream.get(2..).unwrap_or_default();
    for operation in operations {
        match operation {
            0..128 => {
                let count = usize::from(*operation).min(stream.len());
                let (piece, rest) = stream.split_at(count);
                stream = rest;
                play.input.extend_from_slice(piece);
            }
            128..170 => play.answer(true),
            170..210 => play.answer(false),
            210..230 => play.pass(Duration::from_secs(100)),
            230..240 => play.step(|server| server.drain()),
            240..250 => play.step(|server| server.handle_eof()),
            250.. => play.step(|server| server.handle_broken()),
        }
        play.pump();
        play.shake_hands();
    }
    // Everything that was asked is answered in the end.
    while !play.questions.is_empty() || play.auth.is_some() {
        play.answer(true);
        play.pump();
    }
    play.check();
}

struct Play {
    server: Server,
    now: Moment,
    input: Vec<u8>,
    questions: Vec<(SlotId, Question)>,
    /// Numbers put into the replies we gave, in the order of their commands.
    asked: u32,
    expected: Vec<u32>,
    out: Vec<u8>,
    ended: bool,
    /// AUTH waits for a challenge or its end.
    auth: Option<SlotId>,
    /// Answers given to AUTH.
    turns: u32,
    logged_in: bool,
    /// 220 was said to STARTTLS: nothing may be interpreted.
    handshake: bool,
}

#[derive(Clone, Copy)]
enum Question {
    Command(u32),
    Data(u32),
}

impl Play {
    fn new() -> Self {
        let settings = ServerSettings {
            hostname: "mail.example.com".to_owned(),
            greeting: b"220 mail.example.com ESMTP\r\n".to_vec(),
            command_timeout: Duration::from_secs(300),
            data_timeout: Duration::from_secs(300),
            errors_max: 5,
            floors: Floors::default(),
            starttls: StartTls::Offered,
        };
        let now = Moment::new(Duration::ZERO, 0);
        Self {
            server: Server::new(Arc::new(settings), now),
            now,
            input: Vec::new(),
            questions: Vec::new(),
            asked: 0,
            expected: Vec::new(),
            out: Vec::new(),
            ended: false,
            auth: None,
            turns: 0,
            logged_in: false,
            handshake: false,
        }
    }

    fn pump(&mut self) {
        loop {
            let input = std::mem::take(&mut self.input);
            let (used, step) = self.server.advance(self.now, &input);
            assert!(used <= input.len(), "no more used than given");
            let idle = used == 0 && matches!(step, Step::Idle);
            assert!(
                !self.handshake || matches!(step, Step::Idle | Step::Ended(_)),
                "read in the clear behind STARTTLS"
            );
            let question = match step {
                Step::Hello { .. } => {
                    let offered = Capabilities {
                        pipelining: true,
                        auth: vec!["PLAIN".to_owned(), "LOGIN".to_owned()],
                        xclient: vec!["ADDR".to_owned()],
                        ..Capabilities::default()
                    };
                    self.server.welcome(self.now, Arc::new(offered));
                    None
                }
                Step::Mail(slot, ..) | Step::Rcpt(slot, ..) | Step::EndOfData(slot) => {
                    Some((slot, false))
                }
                Step::Auth(slot, _) | Step::AuthResponse(slot, _) => {
                    assert!(!self.logged_in, "AUTH after a login");
                    assert!(self.questions.is_empty(), "AUTH before earlier replies");
                    self.auth = Some(slot);
                    None
                }
                Step::Xclient(slot, _) => {
                    assert!(self.questions.is_empty(), "XCLIENT before earlier replies");
                    self.logged_in = false;
                    self.server.restart(self.now, slot, false);
                    None
                }
                Step::StartTls => {
                    assert!(self.questions.is_empty(), "STARTTLS before earlier replies");
                    self.handshake = true;
                    None
                }
                Step::Data(slot) => Some((slot, true)),
                Step::Ended(_) => {
                    assert!(!self.ended, "the end is told once");
                    self.ended = true;
                    None
                }
                Step::Content(span) => {
                    assert!(!span.is_empty() && !span.contains(&0));
                    None
                }
                Step::Idle | Step::Answered | Step::Reset | Step::Flaw(_) | Step::AuthCancelled => {
                    None
                }
            };
            if let Some((slot, data)) = question {
                self.asked += 1;
                self.expected.push(self.asked);
                let question =
                    if data { Question::Data(self.asked) } else { Question::Command(self.asked) };
                self.questions.push((slot, question));
            }
            self.input = input.get(used..).unwrap_or_default().to_vec();
            self.out.append(self.server.output());
            assert!(self.server.unanswered() <= 256, "the queue is bounded");
            if idle {
                return;
            }
        }
    }

    fn shake_hands(&mut self) {
        if std::mem::take(&mut self.handshake) {
            self.logged_in = false;
            self.server.secured(self.now);
        }
    }

    fn answer(&mut self, oldest: bool) {
        if let Some(slot) = self.auth.take() {
            self.turns += 1;
            let reply = match self.turns % 4 {
                0 => Reply::new(235, Enhanced::new(2, 7, 0), "in"),
                1 => Reply::new(535, Enhanced::new(5, 7, 8), "out"),
                _ => return self.server.challenge(self.now, slot, b"who?"),
            };
            self.logged_in = reply.code == 235 && !self.ended;
            return self.server.answer(self.now, slot, reply);
        }
        if self.questions.is_empty() {
            return;
        }
        let at = if oldest { 0 } else { self.questions.len() - 1 };
        let (slot, question) = self.questions.remove(at);
        let reply = match question {
            Question::Command(number) => {
                Reply::new(250, Enhanced::new(2, 0, 0), format!("answer {number}"))
            }
            Question::Data(number) if number % 3 == 0 => {
                Reply::new(451, Enhanced::new(4, 0, 0), format!("answer {number}"))
            }
            Question::Data(number) => Reply::plain(354, format!("answer {number}")),
        };
        self.server.answer(self.now, slot, reply);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.plus(time);
        let now = self.now;
        self.step(|server| server.handle_timeout(now));
    }

    fn step(&mut self, act: impl FnOnce(&mut Server) -> Step<'static>) {
        if let Step::Ended(_) = act(&mut self.server) {
            assert!(!self.ended, "the end is told once");
            self.ended = true;
        }
    }

    /// What was said: well-formed lines, and our answers in the order of the commands.
    fn check(&mut self) {
        self.out.append(self.server.output());
        let text = String::from_utf8_lossy(&self.out);
        let mut answers = Vec::new();
        for line in text.split_terminator("\r\n") {
            let code = line.get(..3).unwrap_or_default();
            assert!(code.parse::<u16>().is_ok_and(|code| (200..600).contains(&code)), "{line:?}");
            assert!(line.is_ascii() && line.len() <= 510, "{line:?}");
            if let Some((_, number)) = line.split_once("answer ") {
                answers.extend(number.parse::<u32>());
            }
        }
        assert!(answers.is_sorted(), "out of order: {answers:?}");
        if !self.ended {
            assert_eq!(answers, self.expected, "a command without its answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::session;
    use crate::exercise::exercise;

    #[test]
    fn corpus() {
        exercise(
            "session",
            session,
            &[
                b"EHLO x\r\n",
                b"HELO x\r\n",
                b"STARTTLS\r\n",
                b"AUTH LOGIN\r\n",
                b"AUTH PLAIN AGEAYg==\r\n",
                b"YQ==\r\n",
                b"*\r\n",
                b"XCLIENT ADDR=192.0.2.1\r\n",
                b"MAIL FROM:<a@b.example>\r\n",
                b"RCPT TO:<c@d.example>\r\n",
                b"DATA\r\n",
                b"x\r\n.\r\n",
                b"RSET\r\n",
                b"QUIT\r\n",
                b"\n",
                b"\x80",
                b"\xb0",
                b"\xd2",
                b"\xf0",
            ],
        );
    }
}
