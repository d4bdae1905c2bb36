//! A backup: the ledger as of one moment, its key file, and a checkpoint, in a new folder.
//!
//! The ledger is copied first and the key file behind it: a rekey in between leaves a key
//! too many in the copy, which is left alone, and never one too few. The folder gets its
//! name when everything in it is on disk and the copy was verified, so that a backup that
//! was cut off is none. Only reads: a gate goes on with its work.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ledger::{Checkpoint, KeyFile, Ledger, Verification};
use serde::{Deserialize, Serialize};

use crate::config::LedgerSettings;
use crate::error::AppError;
use crate::keeper::image_path;
use crate::progress::Progress;
use crate::{chance, clock};

/// The names in the folder.
pub(crate) const LEDGER: &str = "optgate.db";
pub(crate) const KEY: &str = "optgate.key";
pub(crate) const CHECKPOINT: &str = "optgate.checkpoint";

/// What was backed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupOutcome {
    /// The folder.
    pub folder: PathBuf,
    /// The last entry of the copy.
    pub position: u64,
    /// The last event of the copy.
    pub events: u64,
    /// Bytes of the ledger.
    pub bytes: u64,
}

/// Makes a backup.
///
/// # Errors
/// Then there is no backup; nothing was changed.
pub fn run(
    settings: &LedgerSettings,
    folder: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<BackupOutcome, AppError> {
    if folder.symlink_metadata().is_ok() {
        let what = "it exists already; a backup is made into a new folder";
        return Err(AppError::Input(format!("{}: {what}", folder.display())));
    }
    let name = folder
        .file_name()
        .ok_or_else(|| AppError::Input(format!("{}: this names no folder", folder.display())))?;
    let number = u32::from_ne_bytes(chance::bytes()?);
    let part = folder.with_file_name(format!("{}.part-{number:08x}", name.to_string_lossy()));
    let io = |e| AppError::io(&part, e);
    fs::DirBuilder::new().mode(0o700).create(&part).map_err(io)?;
    let made = fill(settings, &part, progress).and_then(|(checkpoint, bytes)| {
        sync(&part)?;
        fs::rename(&part, folder).map_err(|e| AppError::io(folder, e))?;
        sync(folder.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")))?;
        let Checkpoint { position, events, .. } = checkpoint;
        Ok(BackupOutcome { folder: folder.to_path_buf(), position, events, bytes })
    });
    if made.is_err() {
        // Ours, made a moment ago; what went wrong is told by the error.
        let _ = fs::remove_dir_all(&part);
    }
    made
}

fn fill(
    settings: &LedgerSettings,
    part: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Checkpoint, u64), AppError> {
    let source = Ledger::open_read_only(&settings.path)?;
    let path = part.join(LEDGER);
    // Half of the work is to copy, half to verify the copy.
    source.backup_to(&path, |done, total| {
        progress(Progress { done, total: total.saturating_mul(2), rows: 0 });
    })?;
    drop(source);
    KeyFile::load(&settings.key_file)?.copy_to(&part.join(KEY))?;
    // Only a cache, and proven when it is read: a start from the copy is fast with it.
    let image = image_path(&settings.path);
    if image.exists()
        && let Err(error) = fs::copy(&image, image_path(&path))
    {
        tracing::debug!(%error, "the index image is not in the backup");
    }
    let copy = Ledger::open_read_only(&path)?;
    copy.keys(&KeyFile::load(&part.join(KEY))?)?;
    verified(&copy, progress)?;
    let checkpoint = copy.checkpoint(clock::now())?;
    let io = |e| AppError::io(part, e);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part.join(CHECKPOINT))
        .map_err(io)?;
    file.write_all(checkpoint.unsigned().to_string().as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    Ok((checkpoint, fs::metadata(&path).map_err(io)?.len()))
}

/// Verifies a copy; the second half of the progress.
pub(crate) fn verified(copy: &Ledger, progress: &mut dyn FnMut(Progress)) -> Result<(), AppError> {
    let total = copy.head()?.position.max(1);
    let walked = copy.verify(|at| {
        progress(Progress { done: total + at, total: total.saturating_mul(2), rows: at });
    })?;
    let wrong = match walked {
        Verification::Intact { .. } => return Ok(()),
        Verification::Broken { position, what } => format!("entry {position}: {what}"),
        Verification::BrokenEvent { number, what } => format!("event {number}: {what}"),
        Verification::BrokenKey { key, what } => format!("key {key}: {what}"),
    };
    Err(AppError::List(format!(
        "{}: it is not intact, {wrong}. optgate ledger verify tells more",
        copy.path().display()
    )))
}

/// What was made in a folder is on disk.
fn sync(folder: &Path) -> Result<(), AppError> {
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|e| AppError::io(folder, e))
}
