//! From a TCP connection to one that is past greeting and EHLO, under TLS where it should be, and
//! logged in where we have a login.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use relay::OpenFailure;
use smtp_session::{Client, ClientEvent, ClientSettings, Login, Lost};
use smtp_wire::ClientIdentity;

use crate::clock::Clock;
use crate::scratch;
use crate::socket::Socket;
use crate::tls::client::{ClientMode, ClientTls};

/// For a TLS handshake.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why a conversation did not come about.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) why: OpenFailure,
    /// It was the TLS handshake.
    pub(crate) in_tls: bool,
}

impl From<Lost> for Failed {
    fn from(why: Lost) -> Self {
        Self { why: OpenFailure::Lost(why), in_tls: false }
    }
}

/// Brings a connection past greeting and EHLO, under TLS where `tls` says so, in the name of
/// `identity` where the smarthost takes XCLIENT, and logs in.
pub(crate) async fn handshake(
    mut socket: Socket,
    settings: Arc<ClientSettings>,
    identity: Option<&Arc<ClientIdentity>>,
    tls: Option<&ClientTls>,
    login: Option<Login>,
    clock: Clock,
) -> Result<(Socket, Client), Failed> {
    let implicit = tls.filter(|tls| tls.mode() == ClientMode::Implicit);
    if let Some(tls) = implicit {
        secure(&mut socket, tls).await?;
    }
    let mut client = Client::with_login(settings, login, clock.now());
    if let Some(identity) = identity {
        client.introduce(Arc::clone(identity));
    }
    if implicit.is_some() {
        client.secured(clock.now());
    }
    loop {
        match client.poll_event() {
            Some(ClientEvent::Ready) => return Ok((socket, client)),
            Some(ClientEvent::Lost(why)) => return Err(why.into()),
            Some(ClientEvent::StartTls) => {
                let Some(tls) = tls else { return Err(Lost::NoTls("nobody wants it").into()) };
                if !socket.is_quiet() {
                    // Before our first message of TLS nobody has anything to say.
                    let what = "bytes behind the 220 to STARTTLS";
                    return Err(Lost::Nonsense(what).into());
                }
                secure(&mut socket, tls).await?;
                client.secured(clock.now());
                continue;
            }
            Some(ClientEvent::Derive(work)) => {
                let derived = tokio::task::spawn_blocking(move || work.run()).await;
                // Only when the gate ends.
                let derived = derived.map_err(|_| Lost::NoLogin("nobody has time for it"))?;
                client.derived(clock.now(), &derived);
                continue;
            }
            Some(_) => return Err(Lost::Nonsense("a reply to nothing").into()),
            None => {}
        }
        turn(&mut socket, &mut client, clock).await;
    }
}

async fn secure(socket: &mut Socket, tls: &ClientTls) -> Result<(), Failed> {
    let failed = |what| Failed { why: OpenFailure::Lost(Lost::NoTls(what)), in_tls: true };
    let Ok(channel) = tls.connect() else { return Err(failed("it cannot be begun")) };
    socket.secure(channel);
    let shaking = tokio::time::timeout(PATIENCE, poll_fn(|cx| socket.poll_handshake(cx))).await;
    match shaking {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) if is_no_tls(&error) => {
            // Somebody put it there, in the hope that it is taken for replies; nothing that
            // follows from it is done, and TLS is not given up for it either.
            Err(Lost::Nonsense("it went on in the clear behind its 220 to STARTTLS").into())
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "the TLS handshake with a smarthost failed");
            Err(failed("the handshake failed"))
        }
        Err(_) => Err(failed("the handshake took too long")),
    }
}

/// What came was no record of TLS at all.
fn is_no_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidMessage(_)))
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
