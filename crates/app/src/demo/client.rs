//! A small SMTP client, for the demo's own messages: one message, one connection.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;
use smtp_wire::{DataEncoder, Reply, ReplyDecoder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No reply of the demo takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    /// The greeting.
    pub greeting: String,
    /// What was said about each recipient.
    pub recipients: Vec<RecipientReply>,
    /// What was said to the final dot; none when no recipient was left.
    pub message: Option<String>,
}

/// What was said about a recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecipientReply {
    /// The address.
    pub to: String,
    /// The code.
    pub code: u16,
    /// The whole reply on one line.
    pub reply: String,
}

struct Connection {
    stream: TcpStream,
    decoder: ReplyDecoder,
    read: Vec<u8>,
}

impl Connection {
    async fn reply(&mut self) -> std::io::Result<Reply> {
        loop {
            let (used, reply) = self.decoder.decode(&self.read);
            self.read.drain(..used);
            match reply {
                Some(Ok(reply)) => return Ok(reply),
                Some(Err(fault)) => return Err(std::io::Error::other(fault)),
                None => {}
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(PATIENCE, self.stream.read(&mut buffer)).await??;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.read.extend_from_slice(buffer.get(..read).unwrap_or_default());
        }
    }

    async fn command(&mut self, line: &str) -> std::io::Result<Reply> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }
}

/// Sends a message (lines with CRLF) and tells what became of it.
///
/// # Errors
/// When the server is away, makes no sense, or refuses before the first recipient.
pub async fn send(
    server: SocketAddr,
    from: &str,
    to: &[&str],
    message: &str,
) -> std::io::Result<Delivery> {
    let stream = TcpStream::connect(server).await?;
    stream.set_nodelay(true)?;
    let mut connection = Connection { stream, decoder: ReplyDecoder::new(), read: Vec::new() };
    let greeting = positive(connection.reply().await?)?.to_string();
    positive(connection.command("EHLO demo.optgate.example").await?)?;
    positive(connection.command(&format!("MAIL FROM:<{from}>")).await?)?;
    let mut recipients = Vec::new();
    for to in to {
        let reply = connection.command(&format!("RCPT TO:<{to}>")).await?;
        recipients.push(RecipientReply {
            to: (*to).to_owned(),
            code: reply.code,
            reply: reply.to_string(),
        });
    }
    let mut outcome = Delivery { greeting, recipients, message: None };
    if outcome.recipients.iter().any(|r| r.code / 100 == 2) {
        let go = connection.command("DATA").await?;
        let reply = if go.code == 354 {
            let (mut encoder, mut data) = (DataEncoder::new(), Vec::new());
            encoder.encode(message.as_bytes(), &mut data);
            encoder.finish(&mut data);
            connection.stream.write_all(&data).await?;
            connection.reply().await?
        } else {
            go
        };
        outcome.message = Some(reply.to_string());
    }
    // The outcome stands, however the farewell goes.
    let _ = connection.command("QUIT").await;
    Ok(outcome)
}

fn positive(reply: Reply) -> std::io::Result<Reply> {
    if reply.is_positive() {
        Ok(reply)
    } else {
        Err(std::io::Error::other(format!("the server said {reply}")))
    }
}
