//! The connections to one database: so many at a time, opened when they are needed, and kept.
//!
//! Whoever asks takes a seat, and with it a connection that is at rest or a new one. One that
//! failed is thrown away. A database that was started again has closed all that were kept, so a
//! kept one that fails is no news: the question is asked once more on a new one, within its
//! time. Only that one's failure counts.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sources::{Found, RemoteError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::line::{Database, Line};

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failure {
    /// Every connection was in use for all of the time.
    Busy(Duration),
    /// It took too long.
    TooLong(Duration),
    /// The database, or the way there.
    Remote(RemoteError),
    /// It gave another number of answers than it got questions.
    Garbled,
    /// A fault of our own.
    Fault,
}

impl Failure {
    /// Whether it says something about the database.
    pub(super) fn counts(&self) -> bool {
        !matches!(self, Self::Busy(_))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(limit) => write!(f, "no connection was free within {limit:?}"),
            Self::TooLong(limit) => write!(f, "no answer within {limit:?}"),
            Self::Remote(error) => write!(f, "{error}"),
            Self::Garbled => f.write_str("the database gave a wrong number of answers"),
            Self::Fault => f.write_str("the look-up ended by a fault of its own"),
        }
    }
}

/// The right to one connection.
pub(super) struct Seat {
    _permit: OwnedSemaphorePermit,
}

/// The connections to one database.
pub(super) struct Pool {
    database: Box<dyn Database>,
    seats: Arc<Semaphore>,
    most: usize,
    limit: Duration,
    /// At rest. Never more than there are seats.
    kept: Mutex<Vec<Box<dyn Line>>>,
}

impl Pool {
    /// At most so many at a time, and so long for an answer. Nothing is opened yet.
    pub(super) fn new(database: Box<dyn Database>, most: usize, limit: Duration) -> Self {
        let seats = Arc::new(Semaphore::new(most));
        Self { database, seats, most, limit, kept: Mutex::default() }
    }

    /// When a question must be answered that is asked at this time.
    pub(super) fn deadline(&self, now: std::time::Instant) -> Instant {
        Instant::from_std(now + self.limit)
    }

    /// Waits for a seat.
    pub(super) async fn seat(&self, deadline: Instant) -> Result<Seat, Failure> {
        match timeout_at(deadline, Arc::clone(&self.seats).acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Seat { _permit: permit }),
            // It is never closed.
            Ok(Err(_)) => Err(Failure::Fault),
            Err(_) => Err(Failure::Busy(self.limit)),
        }
    }

    /// The rows found for each of these values, in their order.
    pub(super) async fn ask(
        &self,
        seat: Seat,
        values: &[String],
        deadline: Instant,
    ) -> Result<Vec<Vec<Found>>, Failure> {
        let answer = timeout_at(deadline, self.answer(values)).await;
        drop(seat);
        answer.unwrap_or(Err(Failure::TooLong(self.limit)))
    }

    /// What is dropped on the way is a connection that failed, or that nobody waits for: it is
    /// not put back, so that no answer can ever be taken for that of another question.
    async fn answer(&self, values: &[String]) -> Result<Vec<Vec<Found>>, Failure> {
        let kept = self.kept().pop();
        if let Some(line) = kept {
            match self.ask_on(line, values).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::debug!(%error, "a kept connection failed; asking on a new one");
                    // The others are as old.
                    let others = std::mem::take(&mut *self.kept());
                    drop(others);
                }
            }
        }
        let line = self.database.open().await.map_err(Failure::Remote)?;
        self.ask_on(line, values).await
    }

    async fn ask_on(
        &self,
        mut line: Box<dyn Line>,
        values: &[String],
    ) -> Result<Vec<Vec<Found>>, Failure> {
        let found = line.ask(values).await.map_err(Failure::Remote)?;
        if found.len() != values.len() {
            return Err(Failure::Garbled);
        }
        self.kept().push(line);
        Ok(found)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Box<dyn Line>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Connections that are at rest, and those in use or being opened.
    pub(super) fn connections(&self) -> (usize, usize) {
        (self.kept().len(), self.most.saturating_sub(self.seats.available_permits()))
    }
}
