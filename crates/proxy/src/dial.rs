//! From a TCP connection to one that is past greeting and EHLO.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use relay::OpenFailure;
use smtp_session::{Client, ClientEvent, ClientSettings, Lost};

use crate::clock::Clock;
use crate::scratch;
use crate::socket::Socket;

pub(crate) async fn handshake(
    mut socket: Socket,
    settings: Arc<ClientSettings>,
    clock: Clock,
) -> Result<(Socket, Client), OpenFailure> {
    let mut client = Client::new(settings, clock.now());
    loop {
        match client.poll_event() {
            Some(ClientEvent::Ready) => return Ok((socket, client)),
            Some(ClientEvent::Lost(why)) => return Err(OpenFailure::Lost(why)),
            Some(_) => return Err(OpenFailure::Lost(Lost::Nonsense("a reply to nothing"))),
            None => {}
        }
        turn(&mut socket, &mut client, clock).await;
    }
}

/// Writes what the client role has to say and reads what comes back, until something came or
/// its time is over.
pub(crate) async fn turn(socket: &mut Socket, client: &mut Client, clock: Clock) {
    let deadline = client.poll_timeout().map(|at| clock.instant(at));
    socket.out().append(client.output());
    let step = poll_fn(|cx| {
        // Both ways at once: a peer that talks while we write is heard.
        if let Poll::Ready(Err(_)) = socket.poll_flush(cx, clock.now()) {
            return Poll::Ready(None);
        }
        scratch::with(|buffer| match socket.poll_read(cx, buffer) {
            Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(None),
            Poll::Ready(Ok(read)) => {
                client.handle_bytes(clock.now(), buffer.get(..read).unwrap_or_default());
                Poll::Ready(Some(()))
            }
            Poll::Pending => Poll::Pending,
        })
    });
    let outcome = match deadline {
        Some(deadline) => tokio::time::timeout_at(deadline, step).await,
        None => Ok(step.await),
    };
    match outcome {
        Ok(Some(())) => {}
        Ok(None) => client.handle_eof(),
        Err(_) => client.handle_timeout(clock.now()),
    }
}
