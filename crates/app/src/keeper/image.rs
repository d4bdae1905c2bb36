//! The index on disk, so that a start reads it and the ledger's tail instead of the
//! whole ledger (DESIGN s7).
//!
//! It is a cache. Whatever is wrong with it (cut off, changed, of another key, of
//! another ledger, of one that was put back to an older state), it is thrown away with
//! one line in the log, and the ledger is read. It is written beside its name and
//! renamed, so that a crash leaves the old one.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ledger::Ledger;
use suppression::{Hasher, Index, KeyRing, Snapshot, SuppressionError};

use crate::error::AppError;

const BUFFER: usize = 1 << 20;

/// Where the image of a ledger's index stands.
pub(crate) fn path_of(ledger: &Path) -> PathBuf {
    let mut name = ledger.as_os_str().to_owned();
    name.push(".index");
    PathBuf::from(name)
}

/// The index to begin with: the image if it fits this ledger, else an empty one.
///
/// An image is proven by the key that was current when it was written: after a rekey that
/// is one of the older ones.
pub(crate) fn load(ledger: &Ledger, ring: &KeyRing) -> Index {
    let path = path_of(ledger.path());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Index::empty(),
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "index image cannot be opened, reading the whole ledger");
            return Index::empty();
        }
    };
    let found = read(&file, ring)
        .map_err(|error| error.to_string())
        .and_then(|snapshot| fits(&snapshot, ledger).map(|()| snapshot.index));
    match found {
        Ok(index) => index,
        Err(why) => {
            tracing::warn!(file = %path.display(), %why, "index image is not used, reading the whole ledger");
            Index::empty()
        }
    }
}

fn read(file: &File, ring: &KeyRing) -> Result<Snapshot, SuppressionError> {
    let mut wrong = None;
    for hasher in ring.all() {
        let mut input = BufReader::with_capacity(BUFFER, file);
        input.rewind().map_err(|error| SuppressionError::Io(error.to_string()))?;
        match Snapshot::read_from(&mut input, hasher) {
            Err(SuppressionError::SnapshotKey { found, ours }) => {
                wrong = wrong.or(Some(SuppressionError::SnapshotKey { found, ours }));
            }
            other => return other,
        }
    }
    Err(wrong.unwrap_or(SuppressionError::NotASnapshot("there is no key")))
}

fn fits(snapshot: &Snapshot, ledger: &Ledger) -> Result<(), String> {
    match anchor(ledger, snapshot.index.position()) {
        Ok(Some(hash)) if hash == snapshot.anchor => Ok(()),
        Ok(Some(_)) => Err("the ledger has another row at its position".to_owned()),
        Ok(None) => Err("the ledger ends before its position".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// The ledger's hash at a position; zeros for the empty ledger.
pub(crate) fn anchor(ledger: &Ledger, position: u64) -> Result<Option<[u8; 32]>, AppError> {
    if position == 0 {
        return Ok(Some([0; 32]));
    }
    Ok(ledger.entry(position)?.map(|entry| entry.hash))
}

/// Writes the image of an index.
pub(crate) fn store(
    ledger: &Path,
    index: Index,
    anchor: [u8; 32],
    hasher: &Hasher,
) -> Result<(), AppError> {
    let path = path_of(ledger);
    let part = path.with_extension("index.part");
    let write = || -> Result<(), AppError> {
        let io = |e| AppError::io(&part, e);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)
            .map_err(io)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        Snapshot { index, anchor }.write_to(&mut out, hasher)?;
        out.flush().map_err(io)?;
        out.get_ref().sync_all().map_err(io)?;
        std::fs::rename(&part, &path).map_err(|e| AppError::io(&path, e))
    };
    let written = write();
    if written.is_err() {
        // The half of it is of no use; what went wrong is told by the error.
        let _ = std::fs::remove_file(&part);
    }
    written
}
