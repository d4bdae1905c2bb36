//! One connection to a milter: its socket around the sans-IO [`Connection`].
//!
//! Nothing is read while nothing is awaited, so that what a milter says out of order is found
//! at the next command. Dropped while at rest, it says QUIT; nobody waits for that.

use std::io;

use milter::{Actions, Awaits, Change, Connection, Event, MilterError, Verdict, Wanted};
use tokio::net::{TcpStream, UnixStream};

use super::caller::Caller;
use super::milter::{MilterAddress, MilterSettings};

/// Output beyond which it is sent although no reply is awaited.
const OUTPUT_MAX: usize = 256 * 1024;
/// What is read at once: replies are short.
const READ: usize = 4 * 1024;

/// Why a milter is of no use for a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// It cannot be reached.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// It did not take the connection in time.
    #[error("no connection within {0:?}")]
    ConnectTimeout(std::time::Duration),
    /// It failed several times in a row, and is left alone.
    #[error("it is left alone for a moment, because it kept failing")]
    LeftAlone,
    /// The connection is gone.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// Likewise, while it had to wait for the client: who is slow on purpose must not get past it.
    #[error("the connection is lost in the middle of a message: {0}")]
    LostAmid(String),
    /// What it said has no place in the protocol.
    #[error("{0}")]
    Protocol(#[from] MilterError),
    /// It took too long.
    #[error("no verdict within {0:?}")]
    Timeout(std::time::Duration),
    /// What it wants changed cannot be.
    #[error("{0}")]
    Change(String),
    /// It wants more fields changed than can be: the message is made to be that.
    #[error("it wants too many header fields changed")]
    TooManyChanges,
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

#[derive(Debug)]
pub(super) struct Link {
    stream: Stream,
    connection: Connection,
    /// Of whom it was told.
    pub(super) caller: Caller,
    /// What it wants changed in the present message.
    changes: Vec<Change>,
}

impl Link {
    /// Connects and agrees upon what the milter may do; `changes_max`: octets of its changes to
    /// one message. Takes as long as it takes.
    pub(super) async fn open(
        settings: &MilterSettings,
        caller: Caller,
        changes_max: usize,
    ) -> Result<Self, Failure> {
        let connect = async {
            Ok::<_, io::Error>(match &settings.address {
                MilterAddress::Tcp(address) => {
                    let stream = TcpStream::connect(address.as_str()).await?;
                    // Commands are small, and each waits for its reply.
                    stream.set_nodelay(true)?;
                    Stream::Tcp(stream)
                }
                MilterAddress::Unix(path) => Stream::Unix(UnixStream::connect(path).await?),
            })
        };
        let timeout = settings.connect_timeout;
        let stream = match tokio::time::timeout(timeout, connect).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Failure::Connect(error.to_string())),
            Err(_) => return Err(Failure::ConnectTimeout(timeout)),
        };
        let actions = if settings.changes { Actions::content() } else { Actions::NONE };
        let connection = Connection::new(Wanted { actions, changes_max });
        let mut link = Self { stream, connection, caller, changes: Vec::new() };
        let _reply = link.connection.negotiate()?;
        link.send().await?;
        match link.event().await? {
            Event::Negotiated(_) => Ok(link),
            // Anything else has made the connection fail.
            _ => Err(Failure::Lost("it does not negotiate".to_owned())),
        }
    }

    /// The protocol, to be told the next command; [`Self::verdict`] is next.
    pub(super) fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// The verdict on a command; [`Verdict::Continue`] where none is awaited.
    pub(super) async fn verdict(&mut self, awaits: Awaits) -> Result<Verdict, Failure> {
        if awaits == Awaits::Nothing {
            if self.connection.output().len() > OUTPUT_MAX {
                self.send().await?;
            }
            return Ok(Verdict::Continue);
        }
        self.send().await?;
        loop {
            match self.event().await? {
                Event::Verdict(verdict) => return Ok(verdict),
                Event::Change(change) => self.changes.push(change),
                // It has time until the cap.
                Event::Progress | Event::Negotiated(_) => {}
                Event::Failed(error) => return Err(error.into()),
            }
        }
    }

    /// Sends what awaits no reply.
    pub(super) async fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.send().await?)
    }

    /// Whether the milter has closed a connection on which nothing is awaited.
    pub(super) fn has_gone(&mut self) -> bool {
        let mut buffer = [0; READ];
        match self.stream.try_read(&mut buffer) {
            Ok(0) => true,
            // Out of order, which the next command finds.
            Ok(read) => {
                self.connection.handle_bytes(buffer.get(..read).unwrap_or_default());
                false
            }
            Err(error) => error.kind() != io::ErrorKind::WouldBlock,
        }
    }

    /// Whether the milter has closed it between two transactions, or said something that nobody
    /// asked: that would be taken for an answer about the next one.
    pub(super) fn is_spent(&mut self) -> bool {
        if self.connection.is_awaiting() {
            // A reply to what was given up may still come.
            return self.has_gone();
        }
        if self.connection.poll_event().is_some() {
            return true;
        }
        let read = self.stream.try_read(&mut [0]);
        !matches!(read, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What the milter wants changed in this message.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The present message is over without its verdict; false: the connection has no use any more.
    pub(super) fn abort(&mut self) -> bool {
        self.changes.clear();
        self.connection.abort().is_ok() && self.send_now().is_ok()
    }

    async fn send(&mut self) -> io::Result<()> {
        let mut sent = 0;
        while sent < self.connection.output().len() {
            let written = {
                self.stream.writable().await?;
                let rest = self.connection.output().get(sent..).unwrap_or_default();
                self.stream.try_write(rest)
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => sent += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        self.taken(sent);
        Ok(())
    }

    /// Sends what the socket takes at once; the rest goes with the next command.
    fn send_now(&mut self) -> io::Result<()> {
        match self.stream.try_write(self.connection.output()) {
            Ok(sent) => self.taken(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn taken(&mut self, sent: usize) {
        let output = self.connection.output();
        output.drain(..sent.min(output.len()));
        // A message was in it, and an idle session owns no buffer.
        if output.is_empty() {
            *output = Vec::new();
        }
    }

    async fn event(&mut self) -> Result<Event, Failure> {
        loop {
            if let Some(event) = self.connection.poll_event() {
                return match event {
                    Event::Failed(error) => Err(error.into()),
                    event => Ok(event),
                };
            }
            self.stream.readable().await?;
            let mut buffer = [0; READ];
            match self.stream.try_read(&mut buffer) {
                Ok(0) => return Err(Failure::Lost("it was closed by the milter".to_owned())),
                Ok(read) => self.connection.handle_bytes(buffer.get(..read).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.connection.is_awaiting() {
            self.connection.quit();
            // Whoever does not get it sees that the connection is closed.
            let _ = self.send_now();
        }
    }
}

impl Stream {
    async fn writable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.writable().await,
            Self::Unix(stream) => stream.writable().await,
        }
    }

    async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.readable().await,
            Self::Unix(stream) => stream.readable().await,
        }
    }

    fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_write(bytes),
            Self::Unix(stream) => stream.try_write(bytes),
        }
    }

    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.try_read(buffer),
            Self::Unix(stream) => stream.try_read(buffer),
        }
    }
}
