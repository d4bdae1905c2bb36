//! The life of one session's task.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use observe::Redacted;
use relay::{Relay, SessionFacts};
use smtp_session::Ended;
use tokio::sync::watch;

use crate::clock::Clock;
use crate::driver::Driver;
use crate::listener_settings::ListenerSettings;
use crate::replies;
use crate::scratch;
use crate::shared::Shared;
use crate::socket::Socket;

/// How long a client that was cut off may take to read why.
const LINGER: Duration = Duration::from_secs(2);

pub(crate) async fn run(
    relay: Relay,
    socket: Socket,
    settings: &ListenerSettings,
    shared: Arc<Shared>,
    clock: Clock,
    mut drain: watch::Receiver<bool>,
) {
    let facts = relay.facts().clone();
    let mut driver = Driver::new(relay, socket, settings, Arc::clone(&shared), clock);
    let mut draining = pin!(async move {
        // An error means that the gate is gone, which is a drain as well.
        let _ = drain.wait_for(|drain| *drain).await;
    });
    let mut told = false;
    let finished = poll_fn(|cx| {
        if !told && draining.as_mut().poll(cx).is_ready() {
            told = true;
            driver.drain();
        }
        match catch_unwind(AssertUnwindSafe(|| driver.poll(cx))) {
            Ok(poll) => poll.map(|()| true),
            Err(_) => Poll::Ready(false),
        }
    })
    .await;
    if !finished {
        shared.counters.sessions_panicked.count();
        tracing::error!("a session ended by a fault of its own; the client was told 421");
        driver.down().write_now(&replies::internal(&shared.hostname));
        return;
    }
    let (down, ended) = driver.into_parts();
    log_end(&facts, ended);
    close(down, ended).await;
}

/// One line for a session that did not end as sessions should.
fn log_end(facts: &SessionFacts, ended: Option<Ended>) {
    let (session, client) = (&facts.id, Redacted(facts.client));
    match ended {
        Some(Ended::Protocol(what)) => {
            tracing::warn!(%session, %client, what, "broken off: not SMTP");
        }
        Some(Ended::TooManyErrors) => {
            tracing::warn!(%session, %client, "broken off: too many errors")
        }
        Some(Ended::Timeout) => {
            tracing::info!(%session, %client, "broken off: silent for too long")
        }
        Some(Ended::Quit | Ended::Gone | Ended::Local) | None => {}
    }
}

/// Closes the client's connection. Where it may still be sending, its bytes are read
/// for a moment: closing over unread input resets the connection, and the reply that
/// says why would be lost.
pub(crate) async fn close(mut down: Socket, ended: Option<Ended>) {
    if matches!(ended, Some(Ended::Gone | Ended::Quit)) {
        down.close_now();
        return;
    }
    let rest = poll_fn(|cx| {
        if down.poll_shutdown(cx).is_pending() {
            return Poll::Pending;
        }
        loop {
            match scratch::with(|buffer| down.poll_read(cx, buffer)) {
                Poll::Ready(Ok(1..)) => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    });
    let _ = tokio::time::timeout(LINGER, rest).await;
}
