//! When files change: told by the operating system where it can, looked for where it cannot.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc::SyncSender;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use sources::Inputs;

/// Tells threads that something happened to their files. As long as this lives.
#[derive(Debug)]
pub(crate) struct Changes {
    _watcher: Option<RecommendedWatcher>,
}

/// What somebody wants to hear about.
#[derive(Debug)]
struct Wanted {
    folder: PathBuf,
    /// One file of it; none: any.
    name: Option<OsString>,
    wake: SyncSender<()>,
}

impl Wanted {
    fn of((place, wake): &(PathBuf, SyncSender<()>)) -> Self {
        let folder = Inputs::folder(place).to_owned();
        let whole = folder == *place || !is_file(place);
        let name = place.file_name().filter(|_| !whole).map(OsString::from);
        Self { folder, name, wake: wake.clone() }
    }

    fn hears(&self, path: &Path) -> bool {
        match &self.name {
            Some(name) => path.file_name() == Some(name.as_os_str()),
            None => path.parent() == Some(&self.folder),
        }
    }
}

/// A file, or the name of one that may come; not a pattern.
fn is_file(place: &Path) -> bool {
    let text = place.as_os_str().as_encoded_bytes();
    place.is_file() || !text.iter().any(|byte| b"*?[".contains(byte))
}

impl Changes {
    /// Watches the folders of files: a file that is replaced by renaming is another
    /// file, and its folder knows. Not the folder `busy`, into which the gate itself
    /// writes with every message and would be woken by it each time; there the files
    /// are watched, and what is replaced, or new, is found by looking.
    pub(crate) fn watch(files: &[(PathBuf, SyncSender<()>)], busy: Option<&Path>) -> Self {
        let wanted: Vec<Wanted> = files.iter().map(Wanted::of).collect();
        let mut places = BTreeSet::new();
        for one in &wanted {
            match (&one.name, busy.is_some_and(|busy| busy == one.folder)) {
                (_, false) => places.insert(one.folder.clone()),
                (Some(name), true) => places.insert(one.folder.join(name)),
                (None, true) => false,
            };
        }
        let told = move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            if event.kind.is_access() {
                return;
            }
            for one in &wanted {
                // Without paths: the queue ran over, and anybody may be meant.
                let meant = event.paths.is_empty() || event.paths.iter().any(|p| one.hears(p));
                if meant {
                    // Full: it is awake already.
                    let _ = one.wake.try_send(());
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
