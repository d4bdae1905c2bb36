//! A made-up submitting client: sends transactions, one by one or pipelined, checks
//! that every reply answers its own command, and remembers what it was told.

use std::collections::VecDeque;

use testkit::Dice;

use crate::gates::{Findings, Marks};
use crate::lists::REST;
use crate::logins::{Attempt, INJECTED, token, weave};
use crate::smarthosts::assert_own;
use crate::solicits::{self, Says};

/// What a command was, for the reply that must answer it.
#[derive(Debug, Clone)]
pub(crate) enum Sent {
    Greeting,
    Hello,
    Mail {
        message: usize,
    },
    Rcpt {
        path: String,
        message: usize,
    },
    Data {
        message: usize,
    },
    Dot {
        message: usize,
    },
    StartTls {
        /// Commands in the clear behind it.
        injects: bool,
    },
    Auth {
        attempt: Attempt,
        /// With an initial response.
        at_once: bool,
    },
    Rset,
    Noop,
    Vrfy,
    Wrong,
    Quit,
}

/// A message the client tried to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Message {
    pub(crate) id: String,
    /// MAIL and RCPT as they were sent.
    pub(crate) commands: Vec<String>,
    pub(crate) content: Vec<u8>,
    /// The bytes between 354 and the dot, dots doubled (and flaws in them).
    wire: Vec<u8>,
    pub(crate) flawed: bool,
    /// What its header makes it, where streams are told apart.
    pub(crate) stream: &'static str,
    /// What it says of its classes.
    pub(crate) says: Says,
    /// What gates look for in it, and what they have found.
    pub(crate) marks: Marks,
    pub(crate) findings: Findings,
    pub(crate) recipients_told_250: Vec<String>,
    /// The code of the reply to the dot.
    pub(crate) dot_reply: Option<u16>,
}

impl Message {
    /// Puts fields behind its Subject.
    fn insert(&mut self, fields: &str) {
        for bytes in [&mut self.content, &mut self.wire] {
            let subject = b"Subject: x\r\n";
            let at = memchr::memmem::find(bytes, subject).unwrap() + subject.len();
            bytes.splice(at..at, fields.bytes());
        }
    }

    /// It may be refused before its end, whatever gates say of it.
    pub(crate) fn is_odd(&self) -> bool {
        let long = memchr::memmem::find(&self.content, b"X-Long").is_some();
        self.flawed || long || self.content.len() > 8_000
    }

    /// Its Message-ID is none to others.
    fn hide_id(&mut self) {
        for bytes in [&mut self.content, &mut self.wire] {
            assert!(bytes.starts_with(b"Message-ID: "));
            bytes.splice(.."Message-ID".len(), *b"X-Name");
        }
    }
}

/// What came of its logins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Logins {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) cancelled: u64,
}

#[derive(Debug)]
pub(crate) struct Client {
    dice: Dice,
    /// The session's number, which everything of it carries.
    number: usize,
    /// It was offered DSN, and uses it.
    dsn: bool,
    /// It was offered SOLICIT=.
    declares: bool,
    out: Vec<u8>,
    input: Vec<u8>,
    waiting: VecDeque<Sent>,
    script: VecDeque<Sent>,
    pipelines: bool,
    pub(crate) messages: Vec<Message>,
    lines_of_reply: Vec<String>,
    pub(crate) closed: bool,
    pub(crate) refusals: u64,
    extended: bool,
    /// The smarthost sends replies nobody asked for, or leaves some out: until that is found out, which is
    /// at DATA the latest, its replies may answer the wrong command.
    lax: bool,
    /// Bytes of mail data still to be handed to the network.
    body: Vec<u8>,
    after_body: Option<usize>,
    last_data: Option<usize>,
    /// It has its 220 to STARTTLS and begins the handshake.
    pub(crate) handshaking: bool,
    /// It has been told 235, and nothing since has taken that back.
    pub(crate) logged_in: bool,
    /// It sent something in the clear behind STARTTLS: nothing may come of it.
    pub(crate) injected: bool,
    secured: bool,
    pub(crate) logins: Logins,
    /// A slow program: stops in the middle of mail data until time has passed.
    pauses: u32,
    pub(crate) asleep: bool,
}

impl Client {
    pub(crate) fn new(
        dice: u64,
        seed: u64,
        session: usize,
        addresses: &[String],
        lax: bool,
        logs_in: bool,
    ) -> Self {
        let mut dice = Dice::new(dice);
        let extended = !dice.permille(100);
        let pipelines = extended && dice.permille(600);
        let mut script = VecDeque::from([Sent::Hello]);
        let mut messages = Vec::new();
        for number in 0..1 + dice.below(3) {
            let message = write_message(&mut dice, seed, session, number);
            script.push_back(Sent::Mail { message: number });
            for _ in 0..dice.below(6) {
                let path = addresses[dice.below(addresses.len())].clone();
                script.push_back(Sent::Rcpt { path, message: number });
                if dice.permille(40) {
                    script.push_back(Sent::Noop);
                }
            }
            if dice.permille(60) {
                script.push_back(Sent::Rset);
                script.push_back(Sent::Vrfy);
            } else {
                script.push_back(Sent::Data { message: number });
            }
            if dice.permille(30) {
                script.push_back(Sent::Wrong);
            }
            messages.push(message);
        }
        script.push_back(Sent::Quit);
        if logs_in {
            script = weave(&mut dice, script);
        }
        let pauses = u32::from(dice.permille(50));
        Self {
            dice,
            number: session,
            dsn: false,
            declares: false,
            out: Vec::new(),
            input: Vec::new(),
            waiting: VecDeque::from([Sent::Greeting]),
            script,
            pipelines,
            messages,
            lines_of_reply: Vec::new(),
            closed: false,
            refusals: 0,
            extended,
            lax,
            body: Vec::new(),
            after_body: None,
            last_data: None,
            handshaking: false,
            logged_in: false,
            injected: false,
            secured: false,
            logins: Logins::default(),
            pauses,
            asleep: false,
        }
    }

    /// Its messages say of which classes they are.
    pub(crate) fn solicit(&mut self) {
        for message in &mut self.messages {
            let (fields, says) = solicits::write(&mut self.dice);
            message.says = says;
            if fields.contains("no field") {
                // The header that decides the stream ends there.
                message.stream = REST;
            }
            message.insert(&fields);
        }
    }

    /// Its messages have, or lack, what gates look for.
    pub(crate) fn mark(&mut self) {
        for message in &mut self.messages {
            let (fields, marks) = Marks::write(&mut self.dice);
            message.insert(&fields);
            if marks.lacks_id {
                message.hide_id();
            }
            if marks.cut {
                message.says.doubt();
            }
            message.marks = marks;
        }
    }

    /// The message whose data the gate has asked for last.
    pub(crate) fn sending(&self) -> Option<&Message> {
        self.messages.get(self.last_data?)
    }

    pub(crate) fn sending_mut(&mut self) -> Option<&mut Message> {
        self.messages.get_mut(self.last_data?)
    }

    pub(crate) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Hands some more of the mail data to the network.
    pub(crate) fn push_body(&mut self) -> bool {
        let Some(message) = self.after_body else { return false };
        if self.asleep {
            return false;
        }
        if self.pauses > 0 && self.dice.permille(300) {
            self.pauses -= 1;
            self.asleep = true;
            return false;
        }
        let count = 1 + self.dice.below(self.body.len().max(1));
        self.out.extend(self.body.drain(..count.min(self.body.len())));
        if self.body.is_empty() {
            self.after_body = None;
            self.waiting.push_back(Sent::Dot { message });
            if self.pipelines && self.dice.permille(300) {
                // RFC 2920 s3.1: the next group may follow the dot at once.
                self.go_on();
            }
        }
        true
    }

    pub(crate) fn handle_bytes(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        while let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") {
            let line: Vec<u8> = self.input.drain(..end + 2).collect();
            let line = String::from_utf8(line[..end].to_vec()).expect("replies are ASCII");
            assert!(line.len() <= 510 && line.len() >= 3, "reply line {line:?}");
            let more = line.as_bytes().get(3) == Some(&b'-');
            self.lines_of_reply.push(line);
            if !more {
                let lines = std::mem::take(&mut self.lines_of_reply);
                self.reply(&lines);
            }
        }
        assert!(self.input.len() <= 512, "a reply line without end");
    }

    fn reply(&mut self, lines: &[String]) {
        let code: u16 = lines[0][..3].parse().expect("a reply code");
        let text = lines.join("\n");
        if code == 421 {
            self.closed = true;
            return;
        }
        let sent = self.waiting.pop_front().unwrap_or_else(|| panic!("a reply to nothing: {text}"));
        let class = code / 100;
        // Of the commands behind it not one may be answered.
        let injecting = matches!(sent, Sent::StartTls { injects: true });
        assert!(!self.injected || injecting || !self.waiting.is_empty(), "to nobody: {text}");
        assert_own(text.as_bytes(), self.number, "told to the client");
        match &sent {
            Sent::Greeting => assert_eq!(code, 220, "{text}"),
            Sent::Hello => {
                assert_eq!(code, 250, "{text}");
                assert!(!self.secured || !text.contains("STARTTLS"), "TLS in TLS: {text}");
                self.declares = text.contains("NO-SOLICITING");
                self.dsn = text.contains("DSN") && self.dice.permille(300);
            }
            Sent::Mail { .. } => assert!(class == 2 || class == 5 || class == 4, "{text}"),
            Sent::Rcpt { path, message } => {
                // Replies of the gate and of the smarthost name the recipient, so one
                // that answers another command is found out.
                let anonymous = matches!(code, 451 | 452 | 503)
                    || self.lax
                    || text.contains("recipient ok")
                    || text.contains("5.7.1 sender refused")
                    // What a filter said of MAIL.
                    || text.contains(".0.0 MAIL ")
                    || text.contains("refused by the mail server behind")
                    || text.contains("5.7.1 something")
                    || text.contains("5.7.1 refused by a filter");
                // The path is written anew from what was parsed: without needless quotes.
                let bare = path.replace('"', "");
                assert!(anonymous || text.contains(&bare), "{path} answered {text}");
                if class == 2 {
                    self.messages[*message].recipients_told_250.push(bare);
                } else {
                    self.refusals += 1;
                }
            }
            Sent::Data { message } => {
                assert!(class == 3 || class == 4 || class == 5, "DATA answered {text}");
                if class == 3 {
                    assert_eq!(code, 354);
                    self.body = self.messages[*message].wire.clone();
                    self.after_body = Some(*message);
                    self.last_data = Some(*message);
                    return;
                }
            }
            Sent::Dot { message } => {
                assert_ne!(class, 3, "dot answered {text}");
                self.messages[*message].dot_reply = Some(code);
                if text.contains("taken") {
                    // The smarthost counted the octets it took, our Received included.
                    let taken: usize = text.rsplit(' ').next().unwrap().parse().unwrap();
                    assert!(taken > self.messages[*message].content.len(), "{text}");
                }
            }
            Sent::StartTls { injects } => {
                // The session ends, whatever the reply.
                if *injects {
                    return;
                }
                assert!(code == 220 || class == 5, "{text}");
                self.handshaking = code == 220;
                if self.handshaking {
                    return;
                }
            }
            Sent::Auth { attempt, .. } => {
                if code == 334 {
                    let response = match attempt {
                        Attempt::Right => token(self.number, "right"),
                        Attempt::Wrong => token(self.number, "wrong"),
                        Attempt::Cancelled => "*".to_owned(),
                        Attempt::Garbage => "a=b".to_owned(),
                    };
                    self.out.extend_from_slice(response.as_bytes());
                    self.out.extend_from_slice(b"\r\n");
                    self.waiting.push_back(sent);
                    return;
                }
                self.login_ended(*attempt, code, &text);
            }
            Sent::Rset | Sent::Noop => assert_eq!(code, 250, "{text}"),
            Sent::Vrfy => assert_eq!(code, 252, "{text}"),
            Sent::Wrong => assert_eq!(code, 500, "{text}"),
            Sent::Quit => {
                assert_eq!(code, 221, "{text}");
                self.closed = true;
                return;
            }
        }
        if self.waiting.is_empty() {
            self.go_on();
        }
    }

    fn login_ended(&mut self, attempt: Attempt, code: u16, text: &str) {
        if code == 235 {
            assert_eq!(attempt, Attempt::Right, "{text}");
            assert!(!self.logged_in, "twice: {text}");
            self.logged_in = true;
            self.logins.accepted += 1;
            return;
        }
        assert!(code / 100 == 4 || code / 100 == 5, "{text}");
        // There is no transaction here, so it is about a login that holds.
        assert!(code != 503 || self.logged_in, "a login was not forgotten: {text}");
        self.logins.refused += u64::from(code == 535);
        self.logins.cancelled += u64::from(code == 501);
    }

    /// The handshake is done: everything begins anew (RFC 3207 s4.2).
    pub(crate) fn secured(&mut self) {
        self.handshaking = false;
        self.secured = true;
        self.logged_in = false;
        self.dsn = false;
        self.script.push_front(Sent::Hello);
        self.go_on();
    }

    /// Sends the next command, or the next group of them.
    fn go_on(&mut self) {
        if self.after_body.is_some() || self.closed || self.injected || self.handshaking {
            return;
        }
        while let Some(mut sent) = self.script.pop_front() {
            if let Sent::StartTls { injects } = &mut sent {
                // Under TLS it is refused, and what is behind it is the client's own.
                *injects &= !self.secured;
            }
            let last = matches!(
                sent,
                Sent::Hello
                    | Sent::StartTls { .. }
                    | Sent::Auth { .. }
                    | Sent::Data { .. }
                    | Sent::Noop
                    | Sent::Vrfy
                    | Sent::Quit
                    | Sent::Wrong
            );
            let line = match &sent {
                Sent::Hello if self.extended => "EHLO client.example".to_owned(),
                Sent::Hello => "HELO client.example".to_owned(),
                Sent::Mail { message } => {
                    let mut line = format!("MAIL FROM:<sender@s{}.corp.example>", self.number);
                    if self.dsn {
                        line += &format!(" RET=HDRS ENVID=e@s{}.example", self.number);
                    }
                    if self.declares {
                        line += &self.messages[*message].says.declare();
                    }
                    line
                }
                Sent::Rcpt { path, .. } => {
                    let mut line = format!("RCPT TO:{path}");
                    if self.dsn && self.dice.permille(500) {
                        line += &format!(" NOTIFY=NEVER ORCPT=rfc822;o@s{}.example", self.number);
                    }
                    line
                }
                Sent::Data { .. } => "DATA".to_owned(),
                Sent::StartTls { .. } => "STARTTLS".to_owned(),
                Sent::Auth { attempt, at_once: true } => {
                    let password = if *attempt == Attempt::Right { "right" } else { "wrong" };
                    format!("AUTH PLAIN {}", token(self.number, password))
                }
                Sent::Auth { .. } => "AUTH PLAIN".to_owned(),
                Sent::Rset => "RSET".to_owned(),
                Sent::Noop => "NOOP".to_owned(),
                Sent::Vrfy => "VRFY somebody".to_owned(),
                Sent::Wrong => "WHAT".to_owned(),
                Sent::Quit => "QUIT".to_owned(),
                Sent::Greeting | Sent::Dot { .. } => String::new(),
            };
            self.out.extend_from_slice(line.as_bytes());
            self.out.extend_from_slice(b"\r\n");
            if let Sent::Mail { message } | Sent::Rcpt { message, .. } = &sent {
                self.messages[*message].commands.push(line.replace('"', ""));
            }
            if matches!(sent, Sent::StartTls { injects: true }) {
                self.out.extend_from_slice(INJECTED.as_bytes());
                self.injected = true;
            }
            self.waiting.push_back(sent);
            if last || !self.pipelines {
                return;
            }
        }
    }
}

/// The field that tells the stream, in every shape it may have.
fn write_kind(dice: &mut Dice, content: &mut Vec<u8>) -> &'static str {
    if dice.permille(40) {
        // Longer than a header may be that has to decide.
        for _ in 0..40 {
            content.extend_from_slice(b"X-Long: ");
            content.extend(std::iter::repeat_n(b'x', 50));
            content.extend_from_slice(b"\r\n");
        }
    }
    let (field, stream): (&[u8], _) = match dice.below(8) {
        0 => (b"X-Kind: receipt\r\n", "receipts"),
        1 => (b"x-kind:\r\n\tRECEIPT\r\n of today\r\n", "receipts"),
        2 => (b"X-Kind: receipt\r\nX-KIND : Receipts\r\nnot a field\r\nX-Kind: x\r\n", "receipts"),
        3 => (b"X-Kind:receipt\r\nX-Other: y\r\n", "receipts"),
        4 => (b"X-Kind: receipt\r\nX-Kind: offer\r\n", "default"),
        5 => (b"X-Kind: no receipt\r\n", "default"),
        6 => (b"X-Kindly: receipt\r\nno field\r\nX-Kind: receipt\r\n", "default"),
        _ => (b"", "default"),
    };
    content.extend_from_slice(field);
    stream
}

/// A message with everything that goes wrong on the way: dots at line starts, lines
/// of any length, 8-bit text; one in ten breaks the rules about line ends.
fn write_message(dice: &mut Dice, seed: u64, session: usize, number: usize) -> Message {
    let id = format!("<{seed}.{number}@s{session}.example>");
    let mut content = format!("Message-ID: {id}\r\nSubject: x\r\n").into_bytes();
    let stream = write_kind(dice, &mut content);
    if !dice.permille(50) {
        content.extend_from_slice(b"\r\nX-Kind: receipt in the body\r\n");
    }
    for _ in 0..dice.below(12) {
        match dice.below(6) {
            0 => content.extend_from_slice(b"."),
            1 => content.extend_from_slice(b".."),
            2 => content.extend_from_slice(b".x"),
            3 => content.extend(std::iter::repeat_n(b'a', dice.below(3000))),
            4 => content.extend_from_slice(b"caf\xc3\xa9"),
            _ => {}
        }
        content.extend_from_slice(b"\r\n");
    }
    let mut wire = Vec::new();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            wire.push(b'.');
        }
        wire.extend_from_slice(line);
    }
    let flawed = dice.permille(100);
    if flawed {
        const FLAWS: [&[u8]; 6] =
            [b"\n.\n", b"\n.\r\n", b"\r.\r\n", b"a\0b\r\n", b"\r\n.\n", b"\r\n.\r\r\n"];
        wire.extend_from_slice(FLAWS[dice.below(FLAWS.len())]);
        wire.extend_from_slice(b"MAIL FROM:<evil@x.example>\r\n");
    }
    wire.extend_from_slice(b".\r\n");
    Message { id, content, wire, flawed, stream, ..Message::default() }
}
