//! Redis and Valkey.

use super::access::{Access, Question};
use super::error::RemoteError;
use super::found::Found;
use super::mark::{Pulled, Since};
use crate::spool::SpoolWriter;

/// A connection on which addresses are asked about.
#[derive(Debug)]
pub(super) struct Session {
    access: Access,
}

/// Reads a list.
pub(super) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let _ = (question, since, rows);
    Err(RemoteError::Setting { what: format!("{:?} is not read yet", access.engine) })
}

impl Session {
    /// Connects, and has the question prepared.
    pub(super) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let _ = question;
        Ok(Self { access: access.clone() })
    }

    /// The rows found for each of these values, in their order.
    pub(super) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let _ = values;
        Err(RemoteError::Setting { what: format!("{:?} is not asked yet", self.access.engine) })
    }
}
