//! The TLS handshake with a client: when it begins, how long it may take, how it fails.
//!
//! ```text
//!   Clear --220 to STARTTLS is to be written--> Asked --it is written--> Shaking --done--> Secure
//!   (implicit TLS begins as Shaking, before the greeting)     a fault, the time is over --> Clear
//! ```
//!
//! Between the STARTTLS command and the client's first message of TLS nothing may come (RFC 3207
//! s4, s6): a byte that is there before our 220 went out was put there by somebody who means it
//! to be taken for the protected part. It goes to the server role, which ends the session.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use relay::TlsFacts;
use smtp_session::Moment;

use crate::socket::Socket;
use crate::tls::server::{Begin, ServerTls};

/// For a handshake: slow lines and small machines get along with it, and nobody keeps a place
/// by beginning one.
const PATIENCE: Duration = Duration::from_secs(60);

/// How far the client's side is.
#[derive(Debug)]
pub(crate) struct Upgrade {
    tls: Option<Arc<ServerTls>>,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// Nothing to do: not begun, or done.
    Rest,
    /// 220 is to be written.
    Asked,
    Shaking {
        until: Moment,
    },
    /// It could not be begun.
    Failed(io::Error),
}

impl Upgrade {
    /// For a listener; an implicit handshake begins now.
    pub(crate) fn new(tls: Option<Arc<ServerTls>>, socket: &mut Socket, now: Moment) -> Self {
        let mut own = Self { tls, stage: Stage::Rest };
        if own.tls.as_ref().is_some_and(|tls| tls.begin() == Begin::Implicit)
            && let Err(error) = own.begin(socket, now)
        {
            own.stage = Stage::Failed(error);
        }
        own
    }

    /// 220 to STARTTLS is in the relay's output.
    pub(crate) fn ask(&mut self) {
        self.stage = Stage::Asked;
    }

    /// The session is over: a handshake that has not begun is not begun, which is told by `true`.
    /// One that has goes on while there is a last word to be said.
    pub(crate) fn cancel(&mut self) -> bool {
        let asked = matches!(self.stage, Stage::Asked);
        if asked {
            self.stage = Stage::Rest;
        }
        asked
    }

    /// What comes from the client now is not SMTP.
    pub(crate) fn is_under_way(&self) -> bool {
        !matches!(self.stage, Stage::Rest)
    }

    fn begin(&mut self, socket: &mut Socket, now: Moment) -> io::Result<()> {
        let Some(tls) = &self.tls else {
            return Err(io::Error::other("STARTTLS without a certificate"));
        };
        socket.secure(tls.accept()?);
        self.stage = Stage::Shaking { until: now.plus(PATIENCE) };
        Ok(())
    }

    /// Goes on. Ready when the handshake is done, or cannot be any more. Only to be called while
    /// it is under way, and when what could be written is.
    pub(crate) fn poll(
        &mut self,
        socket: &mut Socket,
        cx: &mut Context<'_>,
        now: Moment,
    ) -> Poll<io::Result<TlsFacts>> {
        if matches!(self.stage, Stage::Asked) {
            if socket.has_output() {
                return Poll::Pending;
            }
            if let Err(error) = self.begin(socket, now) {
                return self.fail(error);
            }
        }
        let until = match std::mem::replace(&mut self.stage, Stage::Rest) {
            Stage::Shaking { until } => until,
            Stage::Failed(error) => return Poll::Ready(Err(error)),
            Stage::Rest | Stage::Asked => return Poll::Pending,
        };
        self.stage = Stage::Shaking { until };
        match socket.poll_handshake(cx) {
            Poll::Ready(Ok(())) => {
                self.stage = Stage::Rest;
                match (&self.tls, socket.channel()) {
                    (Some(tls), Some(channel)) => Poll::Ready(Ok(tls.facts(channel, now))),
                    _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
                }
            }
            Poll::Ready(Err(error)) => self.fail(error),
            Poll::Pending if now.reached(until) => self.fail(io::ErrorKind::TimedOut.into()),
            Poll::Pending => Poll::Pending,
        }
    }

    fn fail(&mut self, error: io::Error) -> Poll<io::Result<TlsFacts>> {
        self.stage = Stage::Rest;
        Poll::Ready(Err(error))
    }

    /// When the handshake must be done.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        match self.stage {
            Stage::Shaking { until } => Some(until),
            Stage::Rest | Stage::Asked | Stage::Failed(_) => None,
        }
    }
}
