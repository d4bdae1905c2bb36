//! What a login asks, answered.
//!
//! Passwords are verified by as many threads as there are processors, since one verification
//! takes tens of milliseconds and 19 MiB; a short queue stands before them, and who finds it
//! full comes again. A name that nobody has costs the same work: its password is held against
//! the hash of a password that nobody knows, its SCRAM keys are made up from the name under a
//! secret of this process, so that they are the same whenever they are asked for.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use hmac::{Hmac, KeyInit, Mac};
use observe::Secret;
use proxy::{Users, Verifying};
use relay::{AuthAnswer, AuthQuestion};
use sha2::Sha256;
use smtp_session::sasl::{ScramKeys, SecretBytes};
use tokio::sync::Semaphore;

use super::book::Book;
use super::entry::Entry;
use super::throttle::Throttle;
use crate::error::AppError;
use crate::{chance, clock};

/// Questions that may wait, for each processor.
const QUEUE: usize = 64;

/// Knows the users of the file.
#[derive(Debug)]
pub(crate) struct OwnUsers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    book: Book,
    throttle: Mutex<Throttle>,
    nobody: Entry,
    /// Under which salts are made up.
    secret: Secret<[u8; 64]>,
    workers: Arc<Semaphore>,
    asked: AtomicUsize,
    asked_max: usize,
}

impl OwnUsers {
    /// Reads the file at the first question.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub(crate) fn new(path: PathBuf) -> Result<Self, AppError> {
        let processors = thread::available_parallelism().map_or(1, Into::into);
        Ok(Self(Arc::new(Inner {
            book: Book::new(path, clock::instant()),
            throttle: Mutex::default(),
            nobody: Entry::of_nobody()?,
            secret: Secret::new(chance::bytes()?),
            workers: Arc::new(Semaphore::new(processors)),
            asked: AtomicUsize::new(0),
            asked_max: processors * QUEUE,
        })))
    }
}

impl Users for OwnUsers {
    fn ask(&self, client: IpAddr, question: AuthQuestion) -> Verifying {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.answer(client, question).await })
    }

    fn ended(&self, client: IpAddr, user: Option<&str>, accepted: bool) {
        let mut throttle = self.0.throttle();
        if accepted {
            throttle.succeeded(client, user);
        } else {
            throttle.failed(clock::instant(), client, user);
        }
    }
}

impl Inner {
    async fn answer(self: Arc<Self>, client: IpAddr, question: AuthQuestion) -> AuthAnswer {
        let Some(place) = Place::take(&self) else { return AuthAnswer::Unavailable };
        if self.book.is_due(clock::instant()) {
            let book = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || book.book.look(clock::instant()));
            if looked.await.is_err() {
                return AuthAnswer::Unavailable;
            }
        }
        match question {
            AuthQuestion::Password { user, password } => {
                Arc::clone(&self).verify(place, client, user, password).await
            }
            AuthQuestion::Keys { user } => self.keys(client, &user),
        }
    }

    async fn verify(
        self: Arc<Self>,
        place: Place,
        client: IpAddr,
        user: String,
        password: SecretBytes,
    ) -> AuthAnswer {
        let workers = Arc::clone(&self.workers);
        let Ok(worker) = workers.acquire_owned().await else { return AuthAnswer::Unavailable };
        // Here and not before the queue: who waits in it may have failed meanwhile.
        if self.throttle().is_closed(clock::instant(), client, &user) {
            return AuthAnswer::TooManyFailures;
        }
        let Some(users) = self.book.users() else { return AuthAnswer::Unavailable };
        let inner = Arc::clone(&self);
        let verified = tokio::task::spawn_blocking(move || {
            let known = users.users.get(&user);
            let fits = known.unwrap_or(&inner.nobody).fits(password.expose());
            // A session that ends meanwhile ends neither the work nor its place.
            drop((worker, place));
            fits & known.is_some()
        });
        verified.await.map_or(AuthAnswer::Unavailable, AuthAnswer::Verified)
    }

    fn keys(&self, client: IpAddr, user: &str) -> AuthAnswer {
        if self.throttle().is_closed(clock::instant(), client, user) {
            return AuthAnswer::TooManyFailures;
        }
        let Some(users) = self.book.users() else { return AuthAnswer::Unavailable };
        self.throttle().begun(clock::instant(), client, user);
        let made_up = self.made_up(user);
        match users.users.get(user) {
            Some(entry) => AuthAnswer::Keys { keys: entry.keys().clone(), known: true },
            None => AuthAnswer::Keys { keys: made_up, known: false },
        }
    }

    /// Keys for a name that nobody has.
    fn made_up(&self, user: &str) -> ScramKeys {
        let mut salt = Hmac::<Sha256>::new(self.secret.expose().into());
        salt.update(user.as_bytes());
        let salt = salt.finalize().into_bytes().iter().copied().take(16).collect();
        ScramKeys { salt, ..self.nobody.keys().clone() }
    }

    /// Held for the time of a look into a table, and by nobody who waits.
    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue; given back when dropped, also by a session that ends meanwhile.
struct Place(Arc<Inner>);

impl Place {
    fn take(inner: &Arc<Inner>) -> Option<Self> {
        let place = Self(Arc::clone(inner));
        let before = inner.asked.fetch_add(1, Ordering::Relaxed);
        (before < inner.asked_max).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.asked.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
