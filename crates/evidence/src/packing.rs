//! Packing a closed file: `evidence.jsonl.000007-…` becomes the same with `.gz`, as any `zcat`
//! reads it.
//!
//! The packed file is made under a name that is nothing yet, synced, unpacked again and held
//! against the original, and only then takes its place. A crash leaves the original, with or
//! without the packed one beside it; then it is packed again.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::files::{PACKED, UNFINISHED, sync_folder, unpack, with_suffix};

const BUFFER: usize = 256 * 1024;

/// Packs a closed file and removes it; returns where the packed one is. Takes a second or two
/// for every hundred megabytes.
///
/// # Errors
/// When it cannot be read or written. The closed file is there, then.
pub fn pack(closed: &Path) -> io::Result<PathBuf> {
    let packed = with_suffix(closed, PACKED);
    let fresh = with_suffix(&packed, UNFINISHED);
    write(closed, &fresh).inspect_err(|_| drop(fs::remove_file(&fresh)))?;
    fs::rename(&fresh, &packed)?;
    sync_folder(&packed)?;
    fs::remove_file(closed)?;
    Ok(packed)
}

fn write(closed: &Path, fresh: &Path) -> io::Result<()> {
    let options = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut packed = GzEncoder::new(options.open(fresh)?, Compression::default());
    let original = || File::open(closed).map(|file| BufReader::with_capacity(BUFFER, file));
    io::copy(&mut original()?, &mut packed)?;
    let mut file = packed.finish()?;
    file.flush()?;
    file.sync_all()?;
    if !same(original()?, unpack(File::open(fresh)?))? {
        return Err(io::Error::other("what was packed does not unpack to what it was"));
    }
    Ok(())
}

fn same(mut a: impl BufRead, mut b: impl BufRead) -> io::Result<bool> {
    loop {
        let (left, right) = (a.fill_buf()?, b.fill_buf()?);
        let both = left.len().min(right.len());
        if left.get(..both) != right.get(..both) {
            return Ok(false);
        }
        if both == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        a.consume(both);
        b.consume(both);
    }
}
