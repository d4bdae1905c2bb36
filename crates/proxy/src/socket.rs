//! One TCP connection, plain or under TLS, with what is still to be written to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use smtp_session::Moment;
use smtp_wire::Reply;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use crate::scratch;
use crate::tls::channel::Channel;

/// A buffer larger than this is given back to the allocator when it is empty.
const KEPT: usize = 1024;

#[derive(Debug)]
pub(crate) struct Socket {
    stream: TcpStream,
    /// None: what is written goes out as it is.
    tls: Option<Box<Channel>>,
    out: Vec<u8>,
    written: usize,
    /// Since when the peer has taken nothing of what is waiting.
    stalled: Option<Moment>,
}

impl Socket {
    /// A connection of our own.
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Replies and commands are small and waited for; batching is done above.
        let _ = stream.set_nodelay(true);
        Self::accepted(stream)
    }

    /// From a listener of the gate, whose connections are without delay as it is itself.
    pub(crate) fn accepted(stream: TcpStream) -> Self {
        Self { stream, tls: None, out: Vec::new(), written: 0, stalled: None }
    }

    /// Returns when the peer has closed without a word, or is lost; never, if it said something.
    pub(crate) async fn left_unsaid(&self) {
        if let Ok(1..) = self.stream.peek(&mut [0]).await {
            std::future::pending().await
        }
    }

    /// From now on all bytes pass through `channel`; its handshake comes first, by
    /// [`Self::poll_handshake`]. What is still to be written waits for the end of it.
    pub(crate) fn secure(&mut self, channel: Channel) {
        self.tls = Some(Box::new(channel));
    }

    /// The TLS connection, once there is one.
    pub(crate) fn channel(&self) -> Option<&Channel> {
        self.tls.as_deref()
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
        if let Some(tls) = &mut self.tls {
            tls.output().clear();
        }
    }

    pub(crate) fn has_output(&self) -> bool {
        !self.out.is_empty() || self.tls.as_ref().is_some_and(|tls| tls.has_output())
    }

    /// Brings the handshake to its end.
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            let Self { stream, tls: Some(tls), .. } = self else { return Poll::Ready(Ok(())) };
            let sent = poll_send(stream, tls.output(), cx)?;
            if tls.has_ended() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            if !tls.is_handshaking() {
                // What is left of our side goes out with what is written next.
                return Poll::Ready(Ok(()));
            }
            if let Err(error) = ready!(poll_hear(stream, tls, cx, &mut [])) {
                // The alert says why, should it still get there.
                let _ = poll_send(stream, tls.output(), cx);
                return Poll::Ready(Err(error));
            }
            let _ = sent;
        }
    }

    /// Reads once; 0 is the end.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(tls) = &mut self.tls else {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            return Poll::Ready(Ok(buffer.filled().len()));
        };
        loop {
            if let Some(taken) = tls.take_plain(buffer)? {
                return Poll::Ready(Ok(taken));
            }
            // The runtime ends this by itself where only tickets and the like keep coming.
            let heard = ready!(poll_hear(&mut self.stream, tls, cx, buffer));
            // The answer to a change of keys, or an alert.
            let _ = poll_send(&mut self.stream, tls.output(), cx);
            match heard? {
                0 => {}
                read => return Poll::Ready(Ok(read)),
            }
        }
    }

    /// Writes what is waiting; ready when nothing is left.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, now: Moment) -> Poll<io::Result<()>> {
        let Self { stream, tls, out, written, stalled } = self;
        loop {
            let rest = out.get(*written..).unwrap_or_default();
            let poll = match tls {
                None if rest.is_empty() => break,
                None => Pin::new(&mut *stream).poll_write(cx, rest).map_ok(|taken| {
                    *written += taken;
                    taken
                }),
                Some(tls) => {
                    if tls.output().is_empty() {
                        if rest.is_empty() {
                            break;
                        }
                        *written += tls.seal(rest)?;
                        if tls.output().is_empty() {
                            // Not before the end of the handshake, which wakes us.
                            return Poll::Pending;
                        }
                    }
                    poll_send_some(stream, tls.output(), cx)
                }
            };
            match poll {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(_)) => *stalled = None,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    stalled.get_or_insert(now);
                    return Poll::Pending;
                }
            }
        }
        self.written = 0;
        self.out.clear();
        Poll::Ready(Ok(()))
    }

    /// Hands over what is waiting as the last that is sent: it leaves together with the end of
    /// the connection, which must follow at once. What is not taken so is left to be flushed.
    pub(crate) fn send_last(&mut self) {
        use rustix::net::{SendFlags, send};
        let flags = SendFlags::MORE | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let rest = self.out.get(self.written..).unwrap_or_default();
        if self.tls.is_none()
            && !rest.is_empty()
            && let Ok(taken) = send(&self.stream, rest, flags)
        {
            self.written += taken;
        }
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
    /// last notice of it. `None`: nothing there. Under TLS what has come of a record whose
    /// rest is still to come is not yet anything that was said.
    pub(crate) fn read_now(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(tls) = &mut self.tls else { return receive(&self.stream, buffer) };
        loop {
            if let Some(taken) = tls.take_plain(buffer)? {
                return Ok(Some(taken));
            }
            let Some(heard) = hear(tls, buffer, |input| receive(&self.stream, input))? else {
                return Ok(None);
            };
            if heard > 0 {
                return Ok(Some(heard));
            }
        }
    }

    /// Neither bytes nor an end are waiting to be read. Tickets for a later session, which a
    /// peer under TLS may send at any time, are taken in; they are nothing that was said.
    pub(crate) fn is_quiet(&mut self) -> bool {
        use rustix::net::{RecvFlags, recv};
        let Some(tls) = &mut self.tls else {
            let peek = RecvFlags::DONTWAIT | RecvFlags::PEEK;
            return matches!(
                recv(&self.stream, &mut [0_u8; 1], peek),
                Err(rustix::io::Errno::AGAIN)
            );
        };
        while tls.is_quiet() {
            match hear(tls, &mut [], |input| receive(&self.stream, input)) {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    /// No more output from us; the peer may still read what was sent.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(tls) = &mut self.tls {
            tls.close();
            ready!(poll_send(&mut self.stream, tls.output(), cx))?;
        }
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    /// Writes what fits at once; for the last word of a session that failed.
    pub(crate) fn write_now(&mut self, reply: &Reply) {
        let mut bytes = Vec::new();
        reply.encode(&mut bytes);
        match &mut self.tls {
            None => {
                let _ = self.stream.try_write(&bytes);
            }
            Some(tls) => {
                if tls.seal(&bytes).is_ok() {
                    self.close_now();
                }
            }
        }
    }

    /// Says, as far as that can be done at once, that nothing more comes: without it a peer under
    /// TLS must think that somebody cut the connection.
    pub(crate) fn close_now(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close();
            let _ = self.stream.try_write(tls.output());
            tls.output().clear();
        }
    }
}

/// Reads once from the network into the channel; tells how many plain octets are in `buffer`.
fn poll_hear(
    stream: &mut TcpStream,
    tls: &mut Channel,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<usize>> {
    let heard = hear(tls, buffer, |input| {
        let mut input = ReadBuf::new(input);
        match Pin::new(stream).poll_read(cx, &mut input) {
            Poll::Ready(Ok(())) => Ok(Some(input.filled().len())),
            Poll::Ready(Err(error)) => Err(error),
            Poll::Pending => Ok(None),
        }
    });
    match heard {
        Ok(Some(heard)) => Poll::Ready(Ok(heard)),
        Ok(None) => Poll::Pending,
        Err(error) => Poll::Ready(Err(error)),
    }
}

/// Reads once, by `read`, behind what the channel has kept, and has it taken in.
fn hear(
    tls: &mut Channel,
    buffer: &mut [u8],
    read: impl FnOnce(&mut [u8]) -> io::Result<Option<usize>>,
) -> io::Result<Option<usize>> {
    scratch::sealed(|input| {
        let kept = tls.kept().len();
        let Some(read) = read(input.get_mut(kept..).unwrap_or_default())? else { return Ok(None) };
        if read == 0 {
            return Err(tls.cut_off());
        }
        if let Some(front) = input.get_mut(..kept) {
            front.copy_from_slice(tls.kept());
        }
        tls.hear(input.get_mut(..kept + read).unwrap_or_default(), buffer).map(Some)
    })
}

/// Sends all of `output`.
fn poll_send(
    stream: &mut TcpStream,
    output: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    while !output.is_empty() {
        ready!(poll_send_some(stream, output, cx))?;
    }
    Poll::Ready(Ok(()))
}

fn poll_send_some(
    stream: &mut TcpStream,
    output: &mut Vec<u8>,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let taken = ready!(Pin::new(stream).poll_write(cx, output))?;
    if taken == 0 {
        return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
    }
    output.drain(..taken);
    if output.is_empty() {
        *output = Vec::new();
    }
    Poll::Ready(Ok(taken))
}

fn receive(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    use rustix::net::{RecvFlags, recv};
    match recv(stream, buffer, RecvFlags::DONTWAIT) {
        Ok((read, _)) => Ok(Some(read)),
        Err(rustix::io::Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (Socket, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        (Socket::accepted(listener.accept().await.unwrap().0), peer)
    }

    #[tokio::test]
    async fn who_closes_without_a_word_is_seen_and_who_said_something_is_heard() {
        let (socket, peer) = pair().await;
        drop(peer);
        socket.left_unsaid().await;
        let (socket, mut peer) = pair().await;
        peer.write_all(b"EHLO x\r\n").await.unwrap();
        drop(peer);
        socket.stream.readable().await.unwrap();
        let mut left = std::pin::pin!(socket.left_unsaid());
        let mut waits = async || {
            std::future::poll_fn(|cx| Poll::Ready(left.as_mut().poll(cx).is_pending())).await
        };
        assert!(waits().await && waits().await);
    }
}
