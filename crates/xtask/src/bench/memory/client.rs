//! One session of a client, in clear or over TLS.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Socket, Type};

use super::smarthost::ETHERNET;

/// The one user, and the password.
pub(super) const USER: &str = "erp";
pub(super) const PASSWORD: &str = "memory";
/// The name that the certificate is for.
pub(super) const NAME: &str = "optgate.example";

/// A login waits for a hash that is meant to be slow, behind other logins.
const PATIENCE: Duration = Duration::from_secs(60);
/// The least the kernel may take on this side.
const WINDOW: usize = 4096;
/// Mail data, without a line that begins with a dot.
const LINES: &[u8] = LINE.as_flattened();
const LINE: &[[u8; 64]; 256] =
    &[*b"a line of sixty-two characters, and all the others are like it\r\n"; 256];

/// Whether a session uses TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Secrecy {
    Clear,
    Tls,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A session behind the reply to EHLO.
pub(super) struct Session {
    stream: Stream,
    pushed: u64,
}

impl Session {
    /// Connects from this address: greeting and EHLO, with `tls` STARTTLS and EHLO again.
    pub(super) fn open(
        from: Ipv4Addr,
        to: SocketAddr,
        tls: Option<Arc<ClientConfig>>,
    ) -> Result<Self> {
        let stream = connect(from, to)?;
        let mut session = Self { stream: Stream::Clear(stream), pushed: 0 };
        session.expect("220")?;
        session.greet()?;
        let Some(tls) = tls else { return Ok(session) };
        session.say("STARTTLS")?;
        session.expect("220")?;
        let Stream::Clear(stream) = session.stream else { bail!("TLS twice") };
        let connection = ClientConnection::new(tls, ServerName::try_from(NAME)?)?;
        let stream = Stream::Tls(Box::new(StreamOwned::new(connection, stream)));
        let mut session = Self { stream, pushed: 0 };
        session.greet()?;
        Ok(session)
    }

    fn greet(&mut self) -> Result<()> {
        self.say("EHLO client.example")?;
        self.expect("250")
    }

    pub(super) fn say(&mut self, command: &str) -> Result<()> {
        let line = format!("{command}\r\n");
        match &mut self.stream {
            Stream::Clear(stream) => stream.write_all(line.as_bytes())?,
            Stream::Tls(stream) => stream.write_all(line.as_bytes())?,
        }
        Ok(())
    }

    /// Reads one reply, which must begin like this.
    pub(super) fn expect(&mut self, code: &str) -> Result<()> {
        let mut reply = Vec::new();
        while !is_whole(&reply) {
            let mut part = [0; 512];
            let taken = match &mut self.stream {
                Stream::Clear(stream) => stream.read(&mut part),
                Stream::Tls(stream) => stream.read(&mut part),
            };
            let taken = taken.context("no reply")?;
            ensure!(taken > 0, "the connection was closed");
            reply.extend_from_slice(part.get(..taken).unwrap_or_default());
        }
        let text = String::from_utf8_lossy(&reply);
        ensure!(text.starts_with(code), "expected {code}, got: {}", text.trim_end());
        Ok(())
    }

    /// AUTH PLAIN (RFC 4616).
    pub(super) fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        self.say(&format!("AUTH PLAIN {}", base64(format!("\0{user}\0{password}").as_bytes())))?;
        self.expect("235")
    }

    /// Up to 354; from here on nothing of this session waits.
    pub(super) fn begin_data(&mut self) -> Result<()> {
        for command in ["MAIL FROM:<news@shop.example>", "RCPT TO:<someone@example.com>"] {
            self.say(command)?;
            self.expect("250")?;
        }
        self.say("DATA")?;
        self.expect("354")?;
        let header = "From: news@shop.example\r\nSubject: long\r\n";
        self.say(header)?;
        self.socket().set_nonblocking(true)?;
        Ok(())
    }

    /// Pushes mail data until nothing more is taken. Returns how much was.
    pub(super) fn push(&mut self) -> Result<u64> {
        let mut taken = 0;
        loop {
            let wrote = match &mut self.stream {
                Stream::Clear(stream) => stream.write(LINES),
                Stream::Tls(stream) => stream.write(LINES),
            };
            match wrote {
                Ok(0) => break,
                Ok(wrote) => taken += wrote as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("the gate hung up in DATA"),
            }
        }
        self.pushed += taken;
        Ok(taken)
    }

    /// Bytes of mail data that were taken.
    pub(super) fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Fails if there was a reply, or the end.
    pub(super) fn is_waiting(&mut self) -> Result<()> {
        let mut part = [0; 1];
        let read = match &mut self.stream {
            Stream::Clear(stream) => stream.read(&mut part),
            Stream::Tls(stream) => stream.read(&mut part),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error).context("the gate hung up in DATA"),
            Ok(_) => bail!("the gate answered in the middle of DATA"),
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Clear(stream) => stream,
            Stream::Tls(stream) => stream.get_ref(),
        }
    }
}

fn connect(from: Ipv4Addr, to: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_tcp_mss(ETHERNET)?;
    socket.set_send_buffer_size(WINDOW)?;
    socket.bind(&SocketAddr::new(IpAddr::V4(from), 0).into())?;
    socket.connect(&to.into()).with_context(|| format!("cannot connect from {from}"))?;
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Whether the last line is there: a space stands behind its code (RFC 5321 s4.2.1).
fn is_whole(reply: &[u8]) -> bool {
    let Some(text) = reply.strip_suffix(b"\r\n") else { return false };
    text.rsplit(|&byte| byte == b'\n').next().is_some_and(|last| last.get(3) == Some(&b' '))
}

/// Base64 (RFC 4648 s4).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits = part.iter().fold(0_u32, |bits, &byte| bits << 8 | u32::from(byte));
        let bits = bits << (8 * (3 - part.len()));
        for at in 0..4 {
            let digit = DIGITS.get((bits >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            text.push(if at <= part.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        let coded = ["", "f", "fo", "foo"].map(|text| base64(text.as_bytes()));
        assert_eq!(coded, ["", "Zg==", "Zm8=", "Zm9v"]);
        assert_eq!(base64(b"\0erp\0memory"), "AGVycABtZW1vcnk=");
    }

    #[test]
    fn mail_data_is_lines_without_dots() {
        assert!(LINES.ends_with(b"\r\n") && !LINES.contains(&b'.'));
        assert_eq!(LINES.iter().filter(|&&byte| byte == b'\n').count(), 256);
    }

    #[test]
    fn a_reply_ends_with_its_last_line() {
        assert!(is_whole(b"250-a\r\n250 b\r\n"));
        assert!(!is_whole(b"250-a\r\n") && !is_whole(b"250 b"));
    }
}
