//! Putting a backup that is ready in the place of the ledger: what must hold before, and the
//! renames in their order.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::{Checkpoint, Ledger};
use serde::{Deserialize, Serialize};
use suppression::Timestamp;

use super::image::path_of;
use crate::error::AppError;

/// What is to be restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// The folder a backup was written to.
    pub folder: PathBuf,
    /// Even if the present ledger has entries that the backup lacks.
    pub replace: bool,
    /// Who asks.
    pub by: String,
}

/// What was restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreOutcome {
    /// The last entry.
    pub position: u64,
    /// What was there before, under its new names.
    pub kept: Vec<PathBuf>,
    /// Whether a running gate goes by it from now on.
    pub enforced: bool,
    /// The sources that are read again: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub read_again: Vec<String>,
}

/// Where the files of a ledger are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) ledger: PathBuf,
    pub(crate) key: PathBuf,
}

/// A backup that is ready to be put in place.
#[derive(Debug)]
pub(crate) struct PreparedRestore {
    /// Copies beside the places they are for.
    pub(crate) ledger: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) image: Option<PathBuf>,
    pub(crate) checkpoint: Checkpoint,
}

/// Whether a ledger may be replaced by a backup; else how many of its entries, or why not.
pub(crate) fn check_restore(
    present: &Ledger,
    prepared: &PreparedRestore,
    now: Timestamp,
) -> Result<(), AppError> {
    let (ours, theirs) = (present.checkpoint(now)?, prepared.checkpoint);
    if ours.position == 0 {
        return Ok(());
    }
    let refused = |what: String| {
        Err(AppError::Input(format!(
            "{what}; nothing was restored. If it is meant that they are no longer in force: --replace"
        )))
    };
    if ours.ledger_id != theirs.ledger_id {
        return refused(format!(
            "the present ledger {} is another one than the backup's, and its entries up to row {} would be lost",
            present.path().display(),
            ours.position
        ));
    }
    let backup = Ledger::open_read_only(&prepared.ledger)?;
    let same = |ledger: &Ledger, at: u64, hash: [u8; 32]| {
        Ok::<_, AppError>(at == 0 || ledger.entry(at)?.is_some_and(|entry| entry.hash == hash))
    };
    if ours.position <= theirs.position && same(&backup, ours.position, ours.hash)? {
        return Ok(());
    }
    if same(present, theirs.position, theirs.hash)? {
        return refused(format!(
            "the present ledger has all of the backup and {} more",
            match ours.position - theirs.position {
                1 => "1 entry".to_owned(),
                more => format!("{more} entries"),
            }
        ));
    }
    refused("the present ledger and the backup have both gone on since they were one, and each has entries that the other lacks".to_owned())
}

/// Puts a backup in place. The ledger that is there is closed. Returns what it is kept as.
pub(crate) fn put_in_place(
    prepared: &PreparedRestore,
    places: &Places,
    now: Timestamp,
) -> Result<Vec<PathBuf>, AppError> {
    let log = with_suffix(&places.ledger, "-wal");
    // The log of a ledger that cannot be read is kept with it.
    if fs::metadata(&log).is_ok_and(|log| log.len() > 0)
        && Ledger::open_read_only(&places.ledger).is_ok()
    {
        return Err(AppError::Unavailable(format!(
            "another program has the ledger {} open; stop it, and try again",
            places.ledger.display()
        )));
    }
    let word = format!("before-restore-{}", stamp(now));
    let mut kept = Vec::new();
    for (place, made) in [(&places.key, &prepared.key), (&places.ledger, &prepared.ledger)] {
        if place.symlink_metadata().is_ok() {
            let old = beside(place, &word);
            fs::hard_link(place, &old).map_err(|e| AppError::io(&old, e))?;
            kept.push(old);
        }
        if place == &places.ledger && log.exists() {
            let old = with_suffix(&beside(place, &word), "-wal");
            fs::rename(&log, &old).map_err(|e| AppError::io(&old, e))?;
            let _ = fs::remove_file(with_suffix(place, "-shm"));
        }
        fs::rename(made, place).map_err(|e| AppError::io(place, e))?;
        sync(place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
    }
    if let Some(image) = &prepared.image {
        // A cache: without it the start takes longer.
        let _ = fs::rename(image, path_of(&places.ledger));
    }
    Ok(kept)
}

/// What the event says.
pub(crate) fn restore_details(
    prepared: &PreparedRestore,
    request: &RestoreRequest,
    kept: &[PathBuf],
) -> serde_json::Value {
    serde_json::json!({
        "entries": prepared.checkpoint.position,
        "replace": request.replace,
        "kept": kept,
    })
}

/// What was made in a folder is on disk.
fn sync(folder: &Path) -> Result<(), AppError> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|e| AppError::io(folder, e))
}

pub(crate) fn beside(path: &Path, word: &str) -> PathBuf {
    with_suffix(path, &format!(".{word}"))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A time as a part of a file name.
fn stamp(now: Timestamp) -> String {
    now.to_string().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').collect()
}
