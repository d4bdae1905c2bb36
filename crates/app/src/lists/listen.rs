//! Being told by a database that a list has changed, instead of asking.
//!
//! What is told in vain is no harm: the list is read as often as `every` says all the same. So a
//! connection that breaks off is no failure of the list; it is made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sources::{Access, Listener, RemoteError};

use super::orders::Bell;
use super::puller::until_stopped;
use crate::clock;

/// Between two tries to connect.
const PAUSE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(100);

/// Begins to listen, in a thread of its own.
pub(super) fn start(
    list: &str,
    access: &Access,
    channel: &str,
    bell: &Arc<Bell>,
    stop: &Arc<AtomicBool>,
) -> std::io::Result<JoinHandle<()>> {
    let (list, access, channel) = (list.to_owned(), access.clone(), channel.to_owned());
    let (bell, stop) = (Arc::clone(bell), Arc::clone(stop));
    std::thread::Builder::new().name(format!("notify-{list}")).spawn(move || {
        let mut told = false;
        while !stop.load(Ordering::Acquire) {
            // It ends by an error, or because the gate stops.
            let Ok(Err(error)) = until_stopped(&stop, listen(&access, &channel, &bell)) else {
                continue;
            };
            if !told {
                let every = "it is read as often as `every` says";
                tracing::warn!(list, %error, "not told of changes, {every}");
            }
            told = true;
            pause(&stop);
        }
    })
}

async fn listen(access: &Access, channel: &str, bell: &Bell) -> Result<(), RemoteError> {
    let mut listener = Listener::open(access, channel).await?;
    loop {
        // Also after a connection was made: what was sent before it is not told.
        bell.tell();
        listener.next().await?;
    }
}

fn pause(stop: &AtomicBool) {
    let until = clock::instant() + PAUSE;
    while clock::instant() < until && !stop.load(Ordering::Acquire) {
        clock::sleep(GLANCE);
    }
}
