//! The key file: the secret under which addresses are hashed, as a small text file beside the
//! ledger (DESIGN s6). Whoever has only the ledger has no mailing list; whoever has lost the key
//! file has no opt-out list either, so creating, naming and checking it are careful:
//!
//! - written to a temporary file with mode 0600, synced, then linked into place: a crash leaves
//!   no half key, and an existing file is never replaced, but by one that holds all its keys and
//!   one more (see `rekey`);
//! - a checksum tells a mistyped or truncated file from a wrong one;
//! - the ledger keeps a fingerprint of its key, so a wrong key is noticed at the start and not
//!   by mail that goes out.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use suppression::{Hasher, KeyId};

use crate::digits::{hex, show, unhex};
use crate::entropy::random;
use crate::error::LedgerError;

const HEADER: &str = "# optgate key file. Keep it secret and back it up together with the ledger:\n\
                      # without it nobody can tell whose opt-outs the ledger holds.\n";
const VERSION: &str = "optgate-key-1";
/// A key takes 110 bytes, so this is room for 500 of them; more is some other file.
const SIZE_MAX: u64 = 64 * 1024;

/// SHA-256 over the secret with a prefix: tells keys apart and gives nothing away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

/// One key.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: KeyId,
    secret: [u8; 32],
}

impl Key {
    pub(crate) fn new() -> Result<Self, LedgerError> {
        let secret = random()?;
        Ok(Self { id: id_of(&secret), secret })
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint(hash("optgate key fingerprint", &[&self.secret]))
    }

    pub(crate) fn hasher(&self) -> Hasher {
        Hasher::new(self.id, &self.secret)
    }

    fn text(&self) -> String {
        let Self { id, secret } = self;
        let (secret, check) = (hex(secret), hex(&check_of(*id, secret)));
        format!("id {}\nsecret {secret}\ncheck {check}\n", show(*id))
    }
}

/// The keys read from, or written to, a key file: the oldest first. Which of them is the current
/// one the ledger knows, see [`Keys`](crate::Keys). Its `Debug` shows no secret.
#[derive(Clone)]
pub struct KeyFile {
    path: PathBuf,
    first: Key,
    later: Vec<Key>,
    exposed: bool,
}

impl KeyFile {
    /// Makes a new random key and its file.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] when there is a file already; what the operating system says.
    pub fn create(path: &Path) -> Result<Self, LedgerError> {
        let key = Self { path: path.to_owned(), first: Key::new()?, later: vec![], exposed: false };
        if path.symlink_metadata().is_ok() {
            return Err(LedgerError::Exists { path: path.to_owned() });
        }
        place(path, key.text().as_bytes())?;
        Ok(key)
    }

    /// Reads and checks a key file.
    ///
    /// # Errors
    /// [`LedgerError::KeyGarbled`] with what is wrong; [`LedgerError::Io`] when it cannot be read.
    pub fn load(path: &Path) -> Result<Self, LedgerError> {
        let io = |error| LedgerError::io(path, error);
        let garbled =
            |what: &str| LedgerError::KeyGarbled { key: path.to_owned(), what: what.to_owned() };
        let file = File::open(path).map_err(io)?;
        let mode = file.metadata().map_err(io)?.permissions().mode();
        let mut bytes = Vec::new();
        file.take(SIZE_MAX + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.is_empty() {
            return Err(garbled("it is empty"));
        }
        if bytes.len() as u64 > SIZE_MAX {
            return Err(garbled("it is too long to be a key file"));
        }
        let text = str::from_utf8(&bytes).map_err(|_| garbled("it is not text"))?;
        let (first, later) = parse(text).map_err(garbled)?;
        Ok(Self { path: path.to_owned(), first, later, exposed: mode & 0o077 != 0 })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The number of its last key, stored with every entry made under it.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.last().id
    }

    /// What the ledger stores to know its last key again.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.last().fingerprint()
    }

    /// What hashes addresses under its last key.
    #[must_use]
    pub fn hasher(&self) -> Hasher {
        self.last().hasher()
    }

    /// What hashes addresses under each of its keys, known to a ledger or not.
    pub fn hashers(&self) -> impl Iterator<Item = Hasher> {
        self.keys().map(Key::hasher)
    }

    /// Whether others than the owner may read or write the file: worth a warning.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        self.exposed
    }

    /// Writes the same keys into a new file: for a backup.
    ///
    /// # Errors
    /// [`LedgerError::Exists`] when there is a file already; what the operating system says.
    pub fn copy_to(&self, path: &Path) -> Result<(), LedgerError> {
        place(path, self.text().as_bytes())
    }

    /// These keys and those of another file, to be written by [`KeyFile::copy_to`]: fits
    /// whatever ledger one of the two fits.
    #[must_use]
    pub fn joined(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        for key in other.keys() {
            let has = |known: &Key| known.id == key.id && known.fingerprint() == key.fingerprint();
            if !joined.keys().any(has) {
                joined.later.push(key.clone());
            }
        }
        joined
    }

    /// The oldest first.
    pub(crate) fn keys(&self) -> impl DoubleEndedIterator<Item = &Key> {
        std::iter::once(&self.first).chain(&self.later)
    }

    fn last(&self) -> &Key {
        self.later.last().unwrap_or(&self.first)
    }

    /// Adds a key to the file, which is replaced whole or not at all: written beside, read back,
    /// synced, renamed. It then holds every key it held before.
    pub(crate) fn add(&mut self, key: Key) -> Result<(), LedgerError> {
        let mut more = self.clone();
        more.later.push(key);
        if more.text().len() as u64 > SIZE_MAX {
            let full = io::Error::other("it holds as many keys as a key file may");
            return Err(LedgerError::io(&self.path, full));
        }
        // A link stays a link, and the file keeps its owner: root may ask, another user reads.
        let path = fs::canonicalize(&self.path).map_err(|e| LedgerError::io(&self.path, e))?;
        let temporary = beside(&path, &hex(&random::<6>()?));
        let io = |error| LedgerError::io(&path, error);
        let replaced = (|| {
            let old = fs::metadata(&path)?;
            let file = write_new(&temporary, more.text().as_bytes())?;
            let new = file.metadata()?;
            if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
                fchown(&file, Some(old.uid()), Some(old.gid()))?;
            }
            file.set_permissions(old.permissions())?;
            file.sync_all()?;
            if fs::read(&temporary)? != more.text().as_bytes() {
                return Err(io::Error::other("the new key file reads back differently"));
            }
            fs::rename(&temporary, &path)
        })();
        if let Err(error) = replaced {
            // Half a key file is of no use, and nothing refers to it.
            let _ = fs::remove_file(&temporary);
            return Err(io(error));
        }
        sync_folder(&path)?;
        self.later = more.later;
        Ok(())
    }

    fn text(&self) -> String {
        let keys: String = self.keys().map(Key::text).collect();
        format!("{HEADER}{VERSION}\n{keys}")
    }
}

impl fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids: Vec<_> = self.keys().map(|key| key.id).collect();
        f.debug_struct("KeyFile").field("path", &self.path).field("ids", &ids).finish()
    }
}

fn parse(text: &str) -> Result<(Key, Vec<Key>), &'static str> {
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .peekable();
    match lines.next() {
        Some(VERSION) => {}
        Some(line) if line.starts_with("optgate-key-") => {
            return Err("it was written by a newer optgate");
        }
        _ => return Err("it does not begin with the line `optgate-key-1`"),
    }
    let first = parse_key(&mut lines)?;
    let mut later: Vec<Key> = Vec::new();
    while lines.peek().is_some() {
        let key = parse_key(&mut lines)?;
        if key.id == first.id || later.iter().any(|other| other.id == key.id) {
            return Err("it holds a key twice");
        }
        later.push(key);
    }
    Ok((first, later))
}

fn parse_key<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Result<Key, &'static str> {
    let mut field = |name: &str| -> Option<&str> {
        lines.next()?.strip_prefix(name)?.strip_prefix(' ').map(str::trim)
    };
    let id = field("id").ok_or("the line `id` is missing")?;
    let secret = field("secret").ok_or("the line `secret` is missing")?;
    let check = field("check").ok_or("the line `check` is missing")?;
    let id: [u8; 4] = unhex(id).ok_or("`id` is not 8 hexadecimal digits")?;
    let secret: [u8; 32] = unhex(secret).ok_or("`secret` is not 64 hexadecimal digits")?;
    let check: [u8; 4] = unhex(check).ok_or("`check` is not 8 hexadecimal digits")?;
    let id = KeyId(u32::from_be_bytes(id));
    if check != check_of(id, &secret) {
        return Err("its checksum does not fit: a character was changed or lost");
    }
    Ok(Key { id, secret })
}

fn hash(label: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(label.as_bytes());
    hash.update([0]);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

fn first_four(bytes: [u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = bytes;
    [a, b, c, d]
}

fn id_of(secret: &[u8; 32]) -> KeyId {
    KeyId(u32::from_be_bytes(first_four(hash("optgate key id", &[secret]))))
}

fn check_of(id: KeyId, secret: &[u8; 32]) -> [u8; 4] {
    first_four(hash("optgate key check", &[&id.0.to_be_bytes(), secret]))
}

/// Writes a new file beside its place and links it there, so that it appears whole or not at all
/// and never over another.
fn place(path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let temporary = beside(path, &hex(&random::<6>()?));
    let written = write_new(&temporary, bytes)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    match written {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(LedgerError::Exists { path: path.to_owned() });
        }
        other => other.and(removed).map_err(|error| LedgerError::io(path, error))?,
    }
    sync_folder(path)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    Ok(file)
}

/// A name in the same folder that no ledger uses.
pub(crate) fn beside(path: &Path, word: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new-{word}"));
    path.with_file_name(name)
}

/// Makes a new name in a folder survive a power loss.
pub(crate) fn sync_folder(path: &Path) -> Result<(), LedgerError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| LedgerError::io(folder, error))
}

#[cfg(test)]
mod tests;
