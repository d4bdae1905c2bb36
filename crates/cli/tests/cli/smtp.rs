//! A client that says what it is told, and smarthosts that misbehave.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    /// Connects, without reading the greeting.
    pub(crate) fn connect(gate: SocketAddr) -> Self {
        let stream = TcpStream::connect(gate).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        Self { reader: BufReader::new(stream) }
    }

    /// Past greeting and EHLO.
    pub(crate) fn greeted(gate: SocketAddr) -> Self {
        let mut client = Self::connect(gate);
        assert!(client.reply().starts_with("220"));
        assert!(client.say("EHLO client.test").starts_with("250"));
        client
    }

    /// One whole reply, lines separated by `\n`; empty at the end of the stream.
    pub(crate) fn reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap_or(0) == 0 {
                return reply;
            }
            reply.push_str(&line.replace('\r', ""));
            if line.as_bytes().get(3) != Some(&b'-') {
                return reply.trim_end().to_owned();
            }
        }
    }

    pub(crate) fn say(&mut self, line: &str) -> String {
        self.write(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.reader.get_mut().write_all(bytes).unwrap();
    }

    /// MAIL and RCPT; the replies to RCPT.
    pub(crate) fn envelope(&mut self, to: &[&str]) -> Vec<String> {
        assert!(self.say("MAIL FROM:<shop@corp.example>").starts_with("250"));
        to.iter().map(|to| self.say(&format!("RCPT TO:<{to}>"))).collect()
    }

    /// DATA and a message; the reply to the dot.
    pub(crate) fn data(&mut self, content: &str) -> String {
        let go = self.say("DATA");
        if !go.starts_with("354") {
            return go;
        }
        self.say(&format!("{content}\r\n."))
    }
}

/// A smarthost that answers each of its first commands with the next of `replies`
/// (the first one is its greeting), takes mail data after a 354, and then says nothing
/// more. With an empty script it accepts connections and is silent.
pub(crate) fn scripted(replies: &'static [&'static str]) -> SocketAddr {
    served(replies, true)
}

/// The same, but after its last reply it does not even read.
pub(crate) fn stuck(replies: &'static [&'static str]) -> SocketAddr {
    served(replies, false)
}

fn served(replies: &'static [&'static str], reads: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            std::thread::spawn(move || answer(stream, replies, reads));
        }
    });
    address
}

fn answer(stream: TcpStream, replies: &[&str], reads: bool) {
    let mut reader = BufReader::new(stream);
    for (n, reply) in replies.iter().enumerate() {
        if n > 0 {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        if reader.get_mut().write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
    if !reads {
        // Held open until the test's process ends.
        loop {
            std::thread::park();
        }
    }
    // Silence, until the other side has had enough.
    let mut sink = [0; 4096];
    while reader.read(&mut sink).is_ok_and(|n| n > 0) {}
}
