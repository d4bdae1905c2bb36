//! QUIT to a smarthost that is not needed any more, and a short wait for its 221:
//! closing at once would leave "lost connection" in its log.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use relay::Upstream;

use crate::clock::Clock;
use crate::scratch;
use crate::socket::Socket;

/// How long its last word is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn farewell(mut socket: Socket, mut upstream: Box<Upstream>, clock: Clock) {
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
