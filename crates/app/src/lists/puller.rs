//! Bringing the rows of a database here, while the gate may stop at any moment.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sources::{Access, Engine, Pulled, Question, RemoteError, Since, Spool, SpoolWriter, pull};

use super::failed::Failed;

/// How often a pull looks whether the gate stops.
const GLANCE: Duration = Duration::from_millis(100);

/// Whoever brings rows.
pub(super) trait Puller: Send {
    /// All rows, or those since a mark, put down whole in a file without a name in this folder.
    ///
    /// # Errors
    /// Why they could not be brought; or that `stop` was set meanwhile.
    fn pull(
        &mut self,
        since: Option<&Since>,
        folder: &Path,
        stop: &AtomicBool,
    ) -> Result<(Pulled, Spool), Failed>;

    /// What tells the file they are read from apart from another one that takes its place; none:
    /// there is no file. Marks of one file say nothing of another.
    fn file(&self) -> Option<String> {
        None
    }
}

/// A database. Each pull is a connection of its own: minutes lie between them.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) access: Access,
    pub(super) question: Question,
}

impl Puller for Database {
    fn pull(
        &mut self,
        since: Option<&Since>,
        folder: &Path,
        stop: &AtomicBool,
    ) -> Result<(Pulled, Spool), Failed> {
        let spooled = |error: std::io::Error| {
            let what = format!("{}: {error}", folder.display());
            Failed::from(RemoteError::Spool { what })
        };
        let mut rows = SpoolWriter::new(folder).map_err(spooled)?;
        let pulled = until_stopped(stop, pull(&self.access, &self.question, since, &mut rows))??;
        Ok((pulled, rows.finish().map_err(spooled)?))
    }

    fn file(&self) -> Option<String> {
        if self.access.engine != Engine::Sqlite {
            return None;
        }
        let known = std::fs::metadata(&self.access.url).ok()?;
        // The number of a file that was deleted may be given to the next one.
        Some(format!("{}.{} {:?}", known.dev(), known.ino(), known.created().ok()))
    }
}

/// Waits for something of the network in this thread, which has no runtime of its own until then.
pub(super) fn until_stopped<T>(
    stop: &AtomicBool,
    work: impl Future<Output = T>,
) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed::Wrong(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let stopped = async {
            while !stop.load(Ordering::Acquire) {
                tokio::time::sleep(GLANCE).await;
            }
        };
        tokio::select! {
            biased;
            () = stopped => Err(Failed::Stopped),
            done = work => Ok(done),
        }
    })
}
