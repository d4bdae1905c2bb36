//! Waiting on a channel (`LISTEN`).

use std::time::Duration;

use super::super::access::Access;
use super::super::error::RemoteError;
use super::line::Line;

/// How often a connection on which nothing comes is tried: a server that is gone without a word
/// looks like one that has nothing to say.
const SILENCE: Duration = Duration::from_secs(60);

/// A connection that waits on a channel.
#[derive(Debug)]
pub(crate) struct Ear {
    line: Line,
}

impl Ear {
    /// Connects and listens.
    pub(crate) async fn open(access: &Access, channel: &str) -> Result<Self, RemoteError> {
        let line = Line::open(access).await?;
        let channel = channel.replace('"', "\"\"");
        line.asked(line.client.batch_execute(&format!("LISTEN \"{channel}\""))).await?;
        Ok(Self { line })
    }

    /// Waits until something was sent.
    pub(crate) async fn next(&mut self) -> Result<(), RemoteError> {
        loop {
            match tokio::time::timeout(SILENCE, self.line.told.recv()).await {
                Ok(Some(())) => return Ok(()),
                Ok(None) => {
                    return Err(RemoteError::Cut {
                        server: self.line.peer.server.clone(),
                        what: "nothing is heard on the channel any more".to_owned(),
                    });
                }
                Err(_) => self.line.asked(self.line.client.check_connection()).await?,
            }
        }
    }
}
