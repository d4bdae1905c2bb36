//! The way to a database, as far as this room needs it: something that is opened, and then
//! asked. A trait, so that the tests can let one fail in every way.

use std::future::Future;
use std::pin::Pin;

use sources::{Access, Connection, Found, Question, RemoteError};

/// Something that is waited for.
pub(super) type Wait<'a, T> = Pin<Box<dyn Future<Output = Result<T, RemoteError>> + Send + 'a>>;

/// A database.
pub(super) trait Database: Send + Sync {
    /// Connects.
    fn open(&self) -> Wait<'_, Box<dyn Line>>;
}

/// A connection to a database. After an error it is of no more use.
pub(super) trait Line: Send {
    /// The rows found for each of these values, in their order.
    fn ask<'a>(&'a mut self, values: &'a [String]) -> Wait<'a, Vec<Vec<Found>>>;
}

/// A database of a source.
pub(super) struct Remote {
    pub(super) access: Access,
    pub(super) question: Question,
}

impl Database for Remote {
    fn open(&self) -> Wait<'_, Box<dyn Line>> {
        Box::pin(async {
            let connection = Connection::open(&self.access, &self.question).await?;
            Ok(Box::new(connection) as Box<dyn Line>)
        })
    }
}

impl Line for Connection {
    fn ask<'a>(&'a mut self, values: &'a [String]) -> Wait<'a, Vec<Vec<Found>>> {
        Box::pin(Self::ask(self, values))
    }
}
