//! One TCP connection with what is still to be written to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use smtp_session::Moment;
use smtp_wire::Reply;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A buffer larger than this is given back to the allocator when it is empty.
const KEPT: usize = 1024;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    out: Vec<u8>,
    written: usize,
    /// Since when the peer has taken nothing of what is waiting.
    stalled: Option<Moment>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Replies and commands are small and waited for; batching is done above.
        let _ = stream.set_nodelay(true);
        Self { stream, out: Vec::new(), written: 0, stalled: None }
    }

    /// Where output is collected; empty whenever everything was written.
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        &mut self.out
    }

    /// Forgets what is waiting: nobody will take it.
    pub(crate) fn discard(&mut self) {
        self.out.clear();
        self.written = 0;
        self.stalled = None;
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty()
    }

    /// Reads once; 0 is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Writes what is waiting; ready when nothing is left.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, now: Moment) -> Poll<io::Result<()>> {
        while let Some(rest) = self.out.get(self.written..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(cx, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(taken)) => {
                    self.written += taken;
                    self.stalled = None;
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.stalled.get_or_insert(now);
                    return Poll::Pending;
                }
            }
        }
        self.written = 0;
        self.out.clear();
        Poll::Ready(Ok(()))
    }

    /// When the peer will have taken nothing for `limit`.
    pub(crate) fn stall_deadline(&self, limit: Duration) -> Option<Moment> {
        self.stalled.map(|since| since.plus(limit))
    }

    /// Gives the buffer back while nothing is waiting.
    pub(crate) fn relax(&mut self) {
        if self.out.is_empty() && self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
    }

    /// Reads, without waiting, what the kernel holds: the truth, not the runtime's
    /// last notice of it. `None`: nothing there.
    pub(crate) fn read_now(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::net::{RecvFlags, recv};
        match recv(&self.stream, buffer, RecvFlags::DONTWAIT) {
            Ok((read, _)) => Ok(Some(read)),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Neither bytes nor an end are waiting to be read.
    pub(crate) fn is_quiet(&self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let peek = RecvFlags::DONTWAIT | RecvFlags::PEEK;
        matches!(recv(&self.stream, &mut [0_u8; 1], peek), Err(rustix::io::Errno::AGAIN))
    }

    /// No more output from us; the peer may still read what was sent.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Writes what fits at once; for the last word of a session that failed.
    pub(crate) fn write_now(&self, reply: &Reply) {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        let _ = self.stream.try_write(&bytes);
    }
}
