//! Asking a database about single addresses.

use std::sync::Arc;

use super::access::{Access, Question};
use super::error::RemoteError;

/// A connection on which addresses are asked about. After an error it is of no more use.
#[derive(Debug)]
pub struct Connection {
    access: Access,
}

/// A row that was found for an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The names of the columns.
    pub columns: Arc<[String]>,
    /// Their values; none: NULL.
    pub cells: Vec<Option<String>>,
}

impl Connection {
    /// Connects, and has the question prepared.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let _ = question;
        Ok(Self { access: access.clone() })
    }

    /// The rows found for each of these values, in their order, in one round trip. The values
    /// are parameters, never part of the question.
    ///
    /// # Errors
    /// Why there is no answer. Without any row is an answer; this is not.
    pub async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let _ = values;
        Err(RemoteError::Setting { what: format!("{:?} is not asked yet", self.access.engine) })
    }
}
