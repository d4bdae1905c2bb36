//! One session with the server under test, command by command.

use std::net::SocketAddr;
use std::time::Duration;

use smtp_wire::{Reply, ReplyDecoder};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

use super::tls;

/// Bytes both ways, in the clear or not.
trait Bytes: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Bytes for T {}

/// A session.
pub(super) struct Connection {
    stream: Box<dyn Bytes>,
    decoder: ReplyDecoder,
    read: Vec<u8>,
    timeout: Duration,
    host: String,
    /// The server.
    pub(super) peer: SocketAddr,
    /// This end.
    pub(super) own: SocketAddr,
    /// Whether it is encrypted.
    pub(super) encrypted: bool,
}

impl Connection {
    /// Connects to the first of the addresses that answers; `host` is for TLS.
    pub(super) async fn open(
        addresses: &[SocketAddr],
        host: &str,
        timeout: Duration,
    ) -> std::io::Result<Self> {
        let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
        for address in addresses {
            match within(timeout, TcpStream::connect(address)).await {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self {
                        peer: stream.peer_addr()?,
                        own: stream.local_addr()?,
                        stream: Box::new(stream),
                        decoder: ReplyDecoder::new(),
                        read: Vec::new(),
                        timeout,
                        host: host.to_owned(),
                        encrypted: false,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Goes on encrypted. What the server said before that and nobody has asked for is not
    /// believed (RFC 3207 s6).
    pub(super) async fn encrypt(self) -> std::io::Result<Self> {
        if !self.read.is_empty() {
            return Err(std::io::Error::other("the server said more before TLS began"));
        }
        let handshake = tls::connect(&self.host, self.peer.ip(), self.stream)?;
        let stream = within(self.timeout, handshake).await?;
        Ok(Self { stream: Box::new(stream), encrypted: true, ..self })
    }

    /// One command and its reply.
    pub(super) async fn command(&mut self, line: &str) -> std::io::Result<Reply> {
        let line = format!("{line}\r\n");
        within(self.timeout, self.stream.write_all(line.as_bytes())).await?;
        within(self.timeout, self.stream.flush()).await?;
        self.reply().await
    }

    /// The next reply, as a whole within the time limit.
    pub(super) async fn reply(&mut self) -> std::io::Result<Reply> {
        within(self.timeout, async {
            loop {
                let (used, reply) = self.decoder.decode(&self.read);
                self.read.drain(..used);
                match reply {
                    Some(Ok(reply)) => return Ok(reply),
                    Some(Err(fault)) => return Err(std::io::Error::other(fault)),
                    None => {}
                }
                let mut buffer = [0; 4096];
                let read = self.stream.read(&mut buffer).await?;
                if read == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
                self.read.extend_from_slice(buffer.get(..read).unwrap_or_default());
            }
        })
        .await
    }
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = std::io::Result<T>>,
) -> std::io::Result<T> {
    tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
        let limit = limit.as_secs();
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no answer in {limit} s")))
    })
}
