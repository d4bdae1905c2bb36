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
use std::path::{Path, PathBuf};

use address::PersonRules;
use ledger::{Checkpoint, Event, KeyFile, Ledger, SignedCheckpoint};
use serde::{Deserialize, Serialize};
use suppression::Timestamp;

use crate::backup::{CHECKPOINT, KEY, LEDGER, sync, verified};
use crate::clock;
use crate::error::AppError;
use crate::import::Progress;

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
}

/// Where the files of a ledger are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) ledger: PathBuf,
    pub(crate) key: PathBuf,
}

/// A backup that is ready to be put in place.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Copies beside the places they are for.
    ledger: PathBuf,
    key: PathBuf,
    image: Option<PathBuf>,
    pub(crate) checkpoint: Checkpoint,
}

/// Verifies a backup and copies it beside the ledger.
pub(crate) fn prepare(
    folder: &Path,
    places: &Places,
    rules: &PersonRules,
    progress: &mut dyn FnMut(Progress),
) -> Result<Prepared, AppError> {
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
    let copy = Prepared {
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
    Ok(Prepared { image, ..copy })
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

/// Whether a ledger may be replaced by a backup; else how many of its entries, or why not.
pub(crate) fn check(present: &Ledger, prepared: &Prepared, now: Timestamp) -> Result<(), AppError> {
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
            "the present ledger {} is another one than the backup's, and has {} entries that would be lost",
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
            "the present ledger has all of the backup and {} entries more",
            ours.position - theirs.position
        ));
    }
    refused("the present ledger and the backup have both gone on since they were one, and each has entries that the other lacks".to_owned())
}

/// Puts a backup in place. The ledger that is there is closed. Returns what it is kept as.
pub(crate) fn put_in_place(
    prepared: &Prepared,
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
        let _ = fs::rename(image, crate::keeper::image_path(&places.ledger));
    }
    Ok(kept)
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
        Ok(present) if !request.replace => check(&present, &prepared, now)?,
        // What cannot be opened has no entries that anybody could go by.
        Ok(_) | Err(_) => {}
    }
    settle(places);
    let kept = put_in_place(&prepared, places, now)?;
    let mut restored = Ledger::open(&places.ledger, &KeyFile::load(&places.key)?)?;
    let details = details(&prepared, request, &kept).to_string();
    let event = Event { what: "restore", by: &request.by, details: &details };
    restored.record_event(now, &event)?;
    Ok(RestoreOutcome { position: prepared.checkpoint.position, kept, enforced: false })
}

/// What the event says.
pub(crate) fn details(
    prepared: &Prepared,
    request: &RestoreRequest,
    kept: &[PathBuf],
) -> serde_json::Value {
    serde_json::json!({
        "entries": prepared.checkpoint.position,
        "replace": request.replace,
        "kept": kept,
    })
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

fn beside(path: &Path, word: &str) -> PathBuf {
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
