//! A made-up smarthost: speaks SMTP as its manner says, and remembers everything.

use crate::dice::Dice;

/// How a smarthost behaves. Probabilities are in thousandths, rolled for each reply.
#[derive(Debug, Clone, Default)]
pub struct Manner {
    /// EHLO keywords.
    pub extensions: Vec<String>,
    /// EHLO is answered 502.
    pub old: bool,
    /// What clients log in with by AUTH PLAIN (RFC 4954), in base64.
    pub logins: Vec<String>,
    /// A recipient is refused for good.
    pub refuse_recipient: usize,
    /// A recipient is refused for now.
    pub defer_recipient: usize,
    /// MAIL is refused.
    pub refuse_sender: usize,
    /// DATA is refused.
    pub refuse_data: usize,
    /// The dot is refused.
    pub refuse_message: usize,
    /// The connection is closed instead of a reply.
    pub close: usize,
    /// 421 instead of a reply.
    pub shutdown: usize,
    /// Garbage instead of a reply.
    pub garble: usize,
    /// A reply too many.
    pub stray: usize,
    /// A wrong code that looks like a go-ahead (250 to DATA, 354 to RCPT).
    pub confuse: usize,
    /// Silence instead of a reply.
    pub silent: usize,
    /// A refusal in the middle of mail data.
    pub interrupt: usize,
}

/// A message that was answered 250.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The MAIL command, and the RCPT commands that were answered 250.
    pub envelope: Vec<String>,
    /// Recipients that were answered 250 in this transaction.
    pub recipients: Vec<String>,
    /// The content, dots removed.
    pub content: Vec<u8>,
}

/// One connection to a made-up smarthost.
#[derive(Debug)]
pub struct ScriptedSmarthost {
    manner: Manner,
    dice: Dice,
    input: Vec<u8>,
    out: Vec<u8>,
    in_data: bool,
    content: Vec<u8>,
    accepted: Vec<String>,
    envelope: Vec<String>,
    has_sender: bool,
    in_auth: bool,
    /// Who is logged in.
    pub login: Option<String>,
    /// Every path of every RCPT, accepted or not.
    pub seen: Vec<String>,
    /// Everything answered 250.
    pub deliveries: Vec<Delivery>,
    /// NOOPs seen, and whether one came behind a 354.
    pub noops: usize,
    /// Commands that were no SMTP, or came where they must not.
    pub nonsense: Vec<String>,
    /// It has closed the connection.
    pub closed: bool,
}

impl ScriptedSmarthost {
    /// A connection whose greeting is ready to be sent.
    pub fn new(manner: Manner, seed: u64) -> Self {
        let mut smarthost = Self {
            manner,
            dice: Dice::new(seed),
            input: Vec::new(),
            out: Vec::new(),
            in_data: false,
            content: Vec::new(),
            accepted: Vec::new(),
            envelope: Vec::new(),
            has_sender: false,
            in_auth: false,
            login: None,
            seen: Vec::new(),
            deliveries: Vec::new(),
            noops: 0,
            nonsense: Vec::new(),
            closed: false,
        };
        smarthost.reply("220 smarthost.example ESMTP");
        smarthost
    }

    /// Recipients answered 250 in the transaction that is open.
    pub fn accepted(&self) -> &[String] {
        &self.accepted
    }

    /// Bytes for the gate.
    pub fn output(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// The gate's bytes.
    pub fn handle_bytes(&mut self, bytes: &[u8]) {
        if self.closed {
            return;
        }
        self.input.extend_from_slice(bytes);
        if self.in_data && self.dice.permille(self.manner.interrupt) {
            // A server that gives up in the middle: says so, and closes.
            self.out.extend_from_slice(b"554 5.7.1 that is enough\r\n");
            self.closed = true;
            return;
        }
        while let Some(end) = self.input.windows(2).position(|two| two == b"\r\n") {
            let line: Vec<u8> = self.input.drain(..end + 2).collect();
            let line = line.get(..end).unwrap_or_default();
            if self.in_data {
                self.data_line(line);
            } else {
                self.command(&String::from_utf8_lossy(line));
            }
            if self.closed {
                return;
            }
        }
    }

    fn data_line(&mut self, line: &[u8]) {
        if line == b"." {
            self.in_data = false;
            self.has_sender = false;
            let content = std::mem::take(&mut self.content);
            let recipients = std::mem::take(&mut self.accepted);
            if self.dice.permille(self.manner.refuse_message) {
                self.reply("550 5.7.1 message refused");
            } else if self.dice.permille(self.manner.shutdown) {
                // 421 instead of 250 is an answer: nothing was taken.
                self.out.extend_from_slice(b"421 4.3.2 smarthost.example going down\r\n");
                self.closed = true;
            } else {
                let tag = content.len();
                // Taken, whether or not the reply arrives.
                let to = recipients.first().cloned().unwrap_or_default();
                let envelope = std::mem::take(&mut self.envelope);
                self.deliveries.push(Delivery { envelope, recipients, content });
                let shutdown = std::mem::take(&mut self.manner.shutdown);
                self.reply(&format!("250 2.0.0 taken for {to} {tag}"));
                self.manner.shutdown = shutdown;
            }
            return;
        }
        self.content.extend_from_slice(line.strip_prefix(b".").unwrap_or(line));
        self.content.extend_from_slice(b"\r\n");
    }

    fn log_in(&mut self, token: &str) {
        self.in_auth = false;
        if token == "*" {
            self.reply("501 5.7.0 cancelled");
        } else if self.manner.logins.iter().any(|login| login == token) {
            self.login = Some(token.to_owned());
            self.reply("235 2.7.0 welcome");
        } else {
            self.reply("535 5.7.8 who are you?");
        }
    }

    fn command(&mut self, line: &str) {
        if self.in_auth {
            return self.log_in(line);
        }
        let upper = line.to_ascii_uppercase();
        if upper.starts_with("EHLO ") {
            if self.manner.old {
                self.reply("502 5.5.1 what?");
            } else {
                let mut words = vec!["smarthost.example".to_owned()];
                words.extend(self.manner.extensions.iter().cloned());
                let last = words.len() - 1;
                let text: Vec<String> = words
                    .iter()
                    .enumerate()
                    .map(|(at, word)| format!("250{}{word}", if at == last { " " } else { "-" }))
                    .collect();
                self.reply(&text.join("\r\n"));
            }
        } else if upper.starts_with("HELO ") {
            self.reply("250 smarthost.example");
        } else if upper.starts_with("MAIL FROM:") {
            if self.has_sender {
                // Servers that take it may keep the recipients of the last one.
                self.nonsense.push(line.to_owned());
                self.reply("503 5.5.1 nested MAIL");
            } else if self.dice.permille(self.manner.refuse_sender) {
                self.reply("550 5.7.1 sender refused");
            } else {
                self.has_sender = true;
                self.accepted.clear();
                self.envelope = vec![line.to_owned()];
                let path: String = line.chars().skip_while(|c| *c != '<').collect();
                self.reply(&format!("250 2.1.0 {path} taken"));
            }
        } else if upper.starts_with("RCPT TO:") {
            self.recipient(line);
        } else if upper == "DATA" {
            self.data();
        } else if upper == "RSET" {
            self.has_sender = false;
            self.accepted.clear();
            self.reply("250 2.0.0 reset");
        } else if upper == "AUTH PLAIN" && self.login.is_none() {
            self.in_auth = true;
            self.reply("334 ");
        } else if upper.starts_with("AUTH PLAIN ") && self.login.is_none() {
            self.log_in(line.get(11..).unwrap_or_default());
        } else if upper == "NOOP" {
            self.noops += 1;
            self.reply("250 2.0.0 still here");
        } else if upper == "QUIT" {
            self.reply("221 2.0.0 bye");
            self.closed = true;
        } else {
            self.nonsense.push(line.to_owned());
            self.reply("500 5.5.1 unknown");
        }
    }

    fn recipient(&mut self, line: &str) {
        let path: String =
            line.chars().skip_while(|c| *c != '<').take_while(|c| *c != '>').chain(['>']).collect();
        self.seen.push(path.clone());
        if !self.has_sender {
            self.reply("503 5.5.1 MAIL first");
        } else if self.dice.permille(self.manner.confuse) {
            self.reply("354 go on?");
        } else if self.dice.permille(self.manner.refuse_recipient) {
            self.reply(&format!("550 5.1.1 {path} unknown here"));
        } else if self.dice.permille(self.manner.defer_recipient) {
            self.reply(&format!("450 4.2.1 {path} busy"));
        } else {
            self.accepted.push(path.clone());
            self.envelope.push(line.to_owned());
            self.reply(&format!("250 2.1.5 {path} taken"));
        }
    }

    fn data(&mut self) {
        if self.accepted.is_empty() {
            // RFC 2920 s3.1 allows a 354 even then.
            if self.has_sender && self.dice.permille(self.manner.confuse) {
                self.in_data = true;
                self.reply("354 go on, for nobody");
            } else {
                self.reply("503 5.5.1 RCPT first");
            }
        } else if self.dice.permille(self.manner.confuse) {
            self.reply("250 2.0.0 fine");
        } else if self.dice.permille(self.manner.refuse_data) {
            self.reply("451 4.3.0 not now");
        } else {
            self.in_data = true;
            self.reply("354 go on");
        }
    }

    fn reply(&mut self, text: &str) {
        if self.dice.permille(self.manner.close) {
            self.closed = true;
        } else if self.dice.permille(self.manner.shutdown) {
            self.out.extend_from_slice(b"421 4.3.2 smarthost.example going down\r\n");
            self.closed = true;
        } else if self.dice.permille(self.manner.garble) {
            self.out.extend_from_slice(b"25\xff0 \x01\r\nx\n");
        } else if !self.dice.permille(self.manner.silent) {
            self.out.extend_from_slice(text.as_bytes());
            self.out.extend_from_slice(b"\r\n");
            if self.dice.permille(self.manner.stray) {
                self.out.extend_from_slice(b"250 2.0.0 stray\r\n");
            }
        }
    }
}
