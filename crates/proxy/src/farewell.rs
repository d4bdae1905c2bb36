//! QUIT to a smarthost that is not needed any more, and a short wait for its 221:
//! closing at once would leave "lost connection" in its log.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use crate::clock::Clock;
use crate::line::Line;
use crate::scratch;

/// How long its last word is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn farewell(line: Line, clock: Clock) {
    // The lease is held until the connection is closed.
    let Line { mut socket, mut upstream, lease: _lease } = line;
    upstream.quit(clock.now());
    socket.out().append(upstream.output());
    let goodbye = poll_fn(|cx| {
        if let Poll::Ready(Err(_)) = socket.poll_flush(cx, clock.now()) {
            return Poll::Ready(());
        }
        // Whatever it says now, or its end, is enough.
        scratch::with(|buffer| socket.poll_read(cx, buffer)).map(|_| ())
    });
    let _ = tokio::time::timeout(PATIENCE, goodbye).await;
    socket.close_now();
}
