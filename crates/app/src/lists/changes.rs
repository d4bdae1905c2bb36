//! When a file changes: told by the operating system where it can, looked for where it
//! cannot.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;
use std::time::UNIX_EPOCH;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// What shows that a file is another one than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When it was written, in microseconds since the epoch.
    pub(crate) written: i64,
    /// Its length.
    pub(crate) length: u64,
    /// Its number in the file system: a renamed file has another.
    number: u64,
}

impl Stamp {
    /// The stamp of a file.
    pub(crate) fn of(path: &Path) -> std::io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let meta = std::fs::metadata(path)?;
        let written = match meta.modified()?.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
            Err(_) => 0,
        };
        Ok(Self { written, length: meta.len(), number: meta.ino() })
    }
}

/// Tells threads that something happened to their file. As long as this lives.
#[derive(Debug)]
pub(crate) struct Changes {
    _watcher: Option<RecommendedWatcher>,
}

impl Changes {
    /// Watches the folders of files: a file that is replaced by renaming is another
    /// file, and its folder knows. Not the folder `busy`, into which the gate itself
    /// writes with every message and would be woken by it each time; there the files
    /// are watched, and one that is replaced is found by looking.
    pub(crate) fn watch(files: &[(PathBuf, SyncSender<()>)], busy: Option<&Path>) -> Self {
        let mut by_folder: HashMap<PathBuf, Vec<(OsString, SyncSender<()>)>> = HashMap::new();
        for (path, wake) in files {
            let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { continue };
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            by_folder
                .entry(folder.to_path_buf())
                .or_default()
                .push((name.to_owned(), wake.clone()));
        }
        let names: Vec<_> = by_folder.values().flatten().cloned().collect();
        let mut places: Vec<PathBuf> = Vec::new();
        for (folder, files) in by_folder {
            if busy.is_some_and(|busy| busy == folder) {
                places.extend(files.into_iter().map(|(name, _)| folder.join(name)));
            } else {
                places.push(folder);
            }
        }
        let told = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            for (name, wake) in &names {
                // Without paths: the queue ran over, and anybody may be meant.
                let meant = event.paths.is_empty()
                    || event.paths.iter().any(|path| path.file_name() == Some(name.as_os_str()));
                if meant {
                    // Full: it is awake already.
                    let _ = wake.try_send(());
                }
            }
        };
        let watcher = notify::recommended_watcher(told).map(|mut watcher| {
            for place in &places {
                if let Err(error) = watcher.watch(place, RecursiveMode::NonRecursive) {
                    tracing::debug!(place = %place.display(), %error, "changes are looked for, not told");
                }
            }
            watcher
        });
        if let Err(error) = &watcher {
            tracing::debug!(%error, "changes of lists are looked for, not told");
        }
        Self { _watcher: watcher.ok() }
    }
}
