//! Being told by a PostgreSQL server that a list has changed.

use super::access::{Access, Engine};
use super::error::RemoteError;
use super::postgres::Ear;

/// A connection that waits on a channel (`LISTEN`). After an error it is of no more use, and
/// whoever held it connects again.
#[derive(Debug)]
pub struct Listener {
    ear: Ear,
}

impl Listener {
    /// Connects and listens: what is sent from here on is not missed. The name of the channel is
    /// taken as it is, capitals included.
    ///
    /// # Errors
    /// Why that is not possible; of anything but PostgreSQL that it has no channels.
    pub async fn open(access: &Access, channel: &str) -> Result<Self, RemoteError> {
        match access.engine {
            Engine::Postgres => Ok(Self { ear: Ear::open(access, channel).await? }),
            _ => Err(RemoteError::Setting {
                what: "`notify` is a channel of PostgreSQL; other databases have none".to_owned(),
            }),
        }
    }

    /// Waits, without a time limit, until something was sent; all that has come until then counts
    /// as one. May be dropped while it waits, without missing anything.
    ///
    /// # Errors
    /// That the connection broke off.
    pub async fn next(&mut self) -> Result<(), RemoteError> {
        self.ear.next().await
    }
}
