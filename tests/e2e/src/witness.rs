//! A smarthost that writes down every line it is sent, and when, and takes everything.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a connection may say nothing.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running one. Its threads end with their connections, at the latest with the program.
pub struct Witness {
    /// Where it listens.
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A line, or a message.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The connection, counted from 0.
    pub connection: usize,
    /// When it came.
    pub at: Instant,
    /// The command line without its end; of a message, `CONTENT`.
    pub line: String,
    /// The message, its dots removed.
    pub content: Vec<u8>,
}

impl Witness {
    /// Starts one that offers the usual extensions and these.
    pub fn start(offers: &[&str]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port exists");
        let address = listener.local_addr().expect("a bound socket has an address");
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut hello = String::from("250-witness.test\r\n");
        for offer in ["PIPELINING", "8BITMIME", "SIZE 50000000"].iter().chain(offers) {
            hello += &format!("250-{offer}\r\n");
        }
        hello += "250 ENHANCEDSTATUSCODES\r\n";
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (shared, hello) = (Arc::clone(&shared), hello.clone());
                std::thread::spawn(move || {
                    let note = |line: &str, content: Vec<u8>| {
                        let seen =
                            Seen { connection, at: Instant::now(), line: line.to_owned(), content };
                        shared.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
                    };
                    let _ = converse(&stream, &hello, note);
                });
            }
        });
        Self { address, seen }
    }

    /// Everything so far, in order.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lines that came on the connection of the last message, or of the last MAIL.
    pub fn transaction(&self) -> Vec<Seen> {
        let seen = self.seen();
        let last = seen.iter().rfind(|seen| seen.line.starts_with("MAIL"));
        let Some(connection) = last.map(|seen| seen.connection) else { return Vec::new() };
        let lines: Vec<_> = seen.into_iter().filter(|seen| seen.connection == connection).collect();
        let start = lines.iter().rposition(|seen| seen.line.starts_with("MAIL")).unwrap_or(0);
        lines.into_iter().skip(start).collect()
    }

    /// The messages it has taken.
    pub fn taken(&self) -> Vec<Vec<u8>> {
        let seen = self.seen().into_iter();
        seen.filter(|seen| seen.line == "CONTENT").map(|seen| seen.content).collect()
    }
}

fn converse(stream: &TcpStream, hello: &str, note: impl Fn(&str, Vec<u8>)) -> std::io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    out.write_all(b"220 witness.test ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        note(line, Vec::new());
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => out.write_all(hello.as_bytes())?,
            "DATA" => {
                out.write_all(b"354 go on\r\n")?;
                let content = read_content(&mut lines)?;
                note("CONTENT", content);
                out.write_all(b"250 2.0.0 witnessed\r\n")?;
            }
            "QUIT" => return out.write_all(b"221 2.0.0 bye\r\n"),
            _ => out.write_all(b"250 2.0.0 noted\r\n")?,
        }
    }
}

/// Mail data to its final dot, its dots removed (RFC 5321 s4.5.2).
fn read_content(lines: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        match line.strip_prefix(b".") {
            Some(b"\r\n") => return Ok(content),
            Some(rest) => content.extend_from_slice(rest),
            None => content.extend_from_slice(&line),
        }
    }
}
