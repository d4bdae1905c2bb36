//! Work that keeps a thread busy: on the runtime's blocking pool, and not more at a time than
//! there are processors, so that others who need that pool find it.
//!
//! Judging has places of its own: a message that takes long to judge is left alone by its
//! session after a while, but keeps its place, and nobody else's changes and signatures may wait
//! for that.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

static JUDGING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(places()));
static CHANGING: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(places()));

fn places() -> usize {
    available_parallelism().map_or(1, usize::from).max(2)
}

/// Decodes or judges a message, as [`run`].
pub(super) async fn judge<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    run(&JUDGING, work).await
}

/// Changes or signs a message, as [`run`].
pub(super) async fn change<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    run(&CHANGING, work).await
}

/// Runs it when there is a place. `None`: it panicked, or the runtime is ending. Who does not
/// wait for it any more does not end it: its place is free when it is done.
async fn run<T: Send + 'static>(
    places: &'static Semaphore,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let place = places.acquire().await.ok()?;
    let done = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    });
    done.await.ok()
}

/// Takes every place there is for judging, so that all of it waits.
#[cfg(test)]
pub(super) async fn all_places() -> tokio::sync::SemaphorePermit<'static> {
    JUDGING.acquire_many(u32::try_from(places()).unwrap()).await.unwrap()
}
