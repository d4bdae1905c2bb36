//! A backup in the place of the ledger.
//!
//! First everything is made ready beside the files that are there: the backup is verified
//! and copied, and a key file is written that fits both ledgers. Then three renames put it
//! in place, the key file first, so that a crash between any two leaves a ledger whose keys
//! are there: the one before, or the one restored. What was there is kept under names of
//! its own; nothing is deleted.
//!
//! A ledger that has entries which the backup lacks is not replaced unless it is meant:
//! these people would be mailed again.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use address::PersonRules;
use ledger::{Checkpoint, Event, KeyFile, Ledger, SignedCheckpoint};

use crate::backup::{CHECKPOINT, KEY, LEDGER, verified};
use crate::clock;
use crate::error::AppError;
use crate::keeper::{
    Places, PreparedRestore, RestoreOutcome, RestoreRequest, beside, check_restore, put_in_place,
    restore_details,
};
use crate::progress::Progress;

/// Verifies a backup and copies it beside the ledger.
pub(crate) fn prepare(
    folder: &Path,
    places: &Places,
    rules: &PersonRules,
    progress: &mut dyn FnMut(Progress),
) -> Result<PreparedRestore, AppError> {
    let source = folder.join(LEDGER);
    let backup = Ledger::open_read_only(&source)?;
    let key = KeyFile::load(&folder.join(KEY))?;
    backup.keys(&key)?;
    if let Some(kept) = backup.rules()?.filter(|kept| *kept != rules.to_string())
        && backup.head()?.position > 0
    {
        let wanted = rules.to_string();
        return Err(ledger::LedgerError::RulesChanged { path: source, kept, wanted }.into());
    }
    let checkpoint = backup.checkpoint(clock::now())?;
    noted(folder, &backup, &checkpoint)?;
    verified(&backup, progress)?;
    let copy = PreparedRestore {
        ledger: beside(&places.ledger, "restoring"),
        key: beside(&places.key, "restoring"),
        image: None,
        checkpoint,
    };
    for left in [&copy.ledger, &copy.key] {
        // Of a restore that was cut off.
        let _ = fs::remove_file(left);
    }
    backup.backup_to(&copy.ledger, |_, _| ())?;
    // The files of the sources may have gone on since; what is forgotten is read again.
    Ledger::forget_readings(&copy.ledger)?;
    let joined = match KeyFile::load(&places.key) {
        Ok(present) => present.joined(&key),
        // Missing or damaged: it is of no use to anybody.
        Err(_) => key,
    };
    joined.copy_to(&copy.key)?;
    for (made, place) in [(&copy.ledger, &places.ledger), (&copy.key, &places.key)] {
        belong(made, place)?;
    }
    let image = crate::keeper::image_path(&source);
    let copied = crate::keeper::image_path(&copy.ledger);
    let image = (image.exists() && fs::copy(&image, &copied).is_ok()).then_some(copied);
    Ok(PreparedRestore { image, ..copy })
}

/// The checkpoint in the folder, if there is one, must be this ledger's.
fn noted(folder: &Path, backup: &Ledger, found: &Checkpoint) -> Result<(), AppError> {
    let path = folder.join(CHECKPOINT);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(AppError::io(path, error)),
    };
    let signed: SignedCheckpoint = text.parse()?;
    let noted = signed.checkpoint;
    let same = (noted.ledger_id, noted.position, noted.hash, noted.events, noted.events_hash)
        == (found.ledger_id, found.position, found.hash, found.events, found.events_hash);
    if same {
        return Ok(());
    }
    Err(AppError::List(format!(
        "{}: it is not as its checkpoint says it was when the backup was made; nothing was restored",
        backup.path().display()
    )))
}

/// Without a gate. The caller holds the lock.
pub(crate) fn alone(
    request: &RestoreRequest,
    places: &Places,
    rules: &PersonRules,
    progress: &mut dyn FnMut(Progress),
) -> Result<RestoreOutcome, AppError> {
    let now = clock::now();
    let prepared = prepare(&request.folder, places, rules, progress)?;
    match Ledger::open_read_only(&places.ledger) {
        Ok(present) if !request.replace => check_restore(&present, &prepared, now)?,
        // What cannot be opened has no entries that anybody could go by.
        Ok(_) | Err(_) => {}
    }
    settle(places);
    let kept = put_in_place(&prepared, places, now)?;
    let mut restored = Ledger::open(&places.ledger, &KeyFile::load(&places.key)?)?;
    let details = restore_details(&prepared, request, &kept).to_string();
    let event = Event { what: "restore", by: &request.by, details: &details };
    restored.record_event(now, &event)?;
    let position = prepared.checkpoint.position;
    Ok(RestoreOutcome { position, kept, enforced: false, read_again: Vec::new() })
}

/// Brings what is still in the log of a ledger into it, where that can be done.
fn settle(places: &Places) {
    if let Ok(key) = KeyFile::load(&places.key) {
        // Closing it does that.
        drop(Ledger::open(&places.ledger, &key));
    }
}

/// A new file belongs to whoever owns the one it is for, or the folder of it.
fn belong(made: &Path, place: &Path) -> Result<(), AppError> {
    let folder = place.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let owner = fs::metadata(place).or_else(|_| fs::metadata(folder));
    let owner = owner.map_err(|e| AppError::io(place, e))?;
    let own = fs::metadata(made).map_err(|e| AppError::io(made, e))?;
    if (own.uid(), own.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    chown(made, Some(owner.uid()), Some(owner.gid())).map_err(|e| AppError::io(made, e))
}
