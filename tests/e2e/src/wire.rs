//! A dialogue by hand: what no well-behaved client would say, and what a test
//! must see reply by reply.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a reply may take. The gate's own limits are far longer; a test that
/// waits for one of them sets it in its configuration.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to an SMTP server.
pub struct Dialogue {
    stream: BufReader<TcpStream>,
}

/// A reply, its lines joined by line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The three digits.
    pub code: u16,
    /// The text of all lines, without the digits.
    pub text: String,
}

impl Dialogue {
    /// Connects and reads the greeting.
    pub fn open(address: SocketAddr) -> std::io::Result<(Self, Reply)> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let mut dialogue = Self { stream: BufReader::new(stream) };
        let greeting = dialogue.read()?;
        Ok((dialogue, greeting))
    }

    /// Sends one command line and reads its reply.
    pub fn ask(&mut self, line: &str) -> std::io::Result<Reply> {
        self.send(format!("{line}\r\n").as_bytes())?;
        self.read()
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// The connection itself.
    pub fn stream(&mut self) -> &mut TcpStream {
        self.stream.get_mut()
    }

    /// Reads one reply of any number of lines.
    pub fn read(&mut self) -> std::io::Result<Reply> {
        let mut texts = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end_matches("\r\n");
            let code = line.get(..3).and_then(|digits| digits.parse::<u16>().ok());
            let Some(code) = code else {
                return Err(std::io::Error::other(format!("not a reply: {line:?}")));
            };
            texts.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(Reply { code, text: texts.join("\n") });
            }
        }
    }

    /// One whole message: MAIL, RCPT for each, DATA, the content with its dots
    /// doubled. Gives the last reply, be it the one that ended it early.
    pub fn mail(&mut self, from: &str, to: &[&str], content: &[u8]) -> std::io::Result<Reply> {
        let mail = self.ask(&format!("MAIL FROM:<{from}>"))?;
        if mail.code != 250 {
            return Ok(mail);
        }
        for recipient in to {
            let reply = self.ask(&format!("RCPT TO:<{recipient}>"))?;
            if reply.code != 250 {
                return Ok(reply);
            }
        }
        let data = self.ask("DATA")?;
        if data.code != 354 {
            return Ok(data);
        }
        self.send(&on_the_wire(content))?;
        self.read()
    }
}

/// Mail data as it is sent: dots at the start of a line doubled, and the line
/// that ends it (RFC 5321 s4.5.2). The content ends with CRLF.
pub(crate) fn on_the_wire(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len());
    let mut line_start = true;
    for &byte in content {
        if line_start && byte == b'.' {
            out.push(b'.');
        }
        line_start = byte == b'\n';
        out.push(byte);
    }
    out.extend_from_slice(b".\r\n");
    out
}
