//! A client that is refused by 554 instead of the greeting, until it says QUIT (RFC 5321
//! s3.1). There is no relay behind it, and the server role ends it after a short time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use smtp_session::{Ended, Server, Step};
use tokio::time::Sleep;

use crate::clock::Clock;
use crate::scratch;
use crate::session;
use crate::socket::Socket;

/// Behind the server role's own limit: for a client that does not read.
const PATIENCE: Duration = Duration::from_secs(40);

struct Refused {
    socket: Socket,
    server: Server,
    clock: Clock,
    timer: Option<Pin<Box<Sleep>>>,
    ended: Option<Ended>,
}

pub(crate) async fn run(socket: Socket, server: Server, clock: Clock) {
    let due = server.poll_timeout().map(|at| clock.instant(at));
    let timer = due.map(|at| Box::pin(tokio::time::sleep_until(at)));
    let mut refused = Refused { socket, server, clock, timer, ended: None };
    let _ = tokio::time::timeout(PATIENCE, poll_fn(|cx| refused.poll(cx))).await;
    session::close(refused.socket, refused.ended).await;
}

impl Refused {
    /// Ready when it is over and everything is written.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = self.clock.now();
            if let Some(timer) = &mut self.timer
                && timer.as_mut().poll(cx).is_ready()
            {
                self.timer = None;
                let step = self.server.handle_timeout(now);
                self.note(step);
            }
            self.socket.out().append(self.server.output());
            if self.socket.has_output() {
                match self.socket.poll_flush(cx, now) {
                    Poll::Ready(Ok(())) => {}
                    Poll::Ready(Err(_)) => return self.gone(),
                    Poll::Pending => return Poll::Pending,
                }
            }
            if self.ended.is_some() {
                return Poll::Ready(());
            }
            let (socket, server, ended) = (&mut self.socket, &mut self.server, &mut self.ended);
            let read = scratch::with(|buffer| {
                socket.poll_read(cx, buffer).map_ok(|read| {
                    let mut rest = buffer.get(..read).unwrap_or_default();
                    while !rest.is_empty() && ended.is_none() {
                        let (used, step) = server.advance(now, rest);
                        if let Step::Ended(why) = step {
                            *ended = Some(why);
                        }
                        rest = rest.get(used.max(1)..).unwrap_or_default();
                    }
                    read
                })
            });
            match read {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return self.gone(),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn note(&mut self, step: Step<'_>) {
        if let Step::Ended(why) = step {
            self.ended = Some(why);
        }
    }

    fn gone(&mut self) -> Poll<()> {
        self.ended = Some(Ended::Gone);
        Poll::Ready(())
    }
}
