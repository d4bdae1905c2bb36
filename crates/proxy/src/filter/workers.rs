//! Work that keeps a thread busy: on the runtime's blocking pool, and not more at a time than
//! there are processors, so that others who need that pool find it.

use std::sync::LazyLock;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

static PLACES: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(places()));

fn places() -> usize {
    available_parallelism().map_or(1, usize::from).max(2)
}

/// Runs it when there is a place. `None`: it panicked, or the runtime is ending. Who does not
/// wait for it any more does not end it: its place is free when it is done.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let place = PLACES.acquire().await.ok()?;
    let done = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(place);
        result
    });
    done.await.ok()
}

/// Takes every place there is, so that all work waits.
#[cfg(test)]
pub(super) async fn all_places() -> tokio::sync::SemaphorePermit<'static> {
    PLACES.acquire_many(u32::try_from(places()).unwrap()).await.unwrap()
}
