//! Evidence on the disk before a dot goes upstream (`[evidence] sync = "always"`): one thread
//! calls `fdatasync` for all sessions that wait at that moment, so that a busy gate does not
//! need one for each message. Sessions wait as futures; no thread of the runtime is blocked.
//!
//! A session has appended its lines before it begins to wait, and the call that answers it
//! begins after that: so its lines are among those that were synced. If it fails, nobody who
//! waited for it may send its dot.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use proxy::Commit;
use tokio::sync::oneshot;

use crate::error::AppError;

/// The thread, and those who wait for it. Ends when it is dropped.
pub(super) struct Committer {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

#[derive(Default)]
struct Waiting {
    sessions: Vec<oneshot::Sender<bool>>,
    /// Nobody is served any more.
    over: bool,
}

impl Committer {
    /// `sync` makes everything that was appended before the call last.
    pub(super) fn start(
        sync: impl Fn() -> io::Result<()> + Send + 'static,
    ) -> Result<Self, AppError> {
        let queue = Arc::new(Queue::default());
        let served = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("evidence-sync".to_owned());
        let thread = thread.spawn(move || {
            // Whoever comes after a panic is told no, and does not wait for ever.
            let _closing = Closing(&served);
            while let Some(sessions) = served.next() {
                let synced = sync();
                if let Err(error) = &synced {
                    tracing::error!(%error, "evidence cannot be synced to the disk");
                }
                for session in sessions {
                    // Whoever is gone needs no answer.
                    let _ = session.send(synced.is_ok());
                }
            }
        });
        let thread = thread.map_err(|e| AppError::io("the thread that syncs evidence", e))?;
        Ok(Self { queue, thread: Some(thread) })
    }

    /// Waits until everything that was appended before is on the disk.
    pub(super) fn commit(&self) -> Commit {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.queue.lock();
        if waiting.over {
            return Commit::Done(false);
        }
        waiting.sessions.push(answer);
        drop(waiting);
        self.queue.wake.notify_one();
        Commit::Pending(Box::pin(async move { answered.await.unwrap_or(false) }))
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.queue.lock().over = true;
        self.queue.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that syncs evidence panicked");
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All that wait; none at the end, when nobody does.
    fn next(&self) -> Option<Vec<oneshot::Sender<bool>>> {
        let idle = |waiting: &mut Waiting| waiting.sessions.is_empty() && !waiting.over;
        let waited = self.wake.wait_while(self.lock(), idle);
        let sessions = std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).sessions);
        (!sessions.is_empty()).then_some(sessions)
    }
}

struct Closing<'a>(&'a Queue);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.over = true;
        // They hear it by their other end.
        waiting.sessions.clear();
    }
}

#[cfg(test)]
mod tests;
