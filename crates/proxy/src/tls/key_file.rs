//! A private key in a file of its own: PEM, not encrypted, not for everybody to read.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject};

use super::files::{self, FileFault, Stamp};

/// The file a private key was read from, and which of its states that was.
#[derive(Debug, Clone)]
pub struct KeyFile {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl KeyFile {
    /// Reads a key.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<(Self, PrivateKeyDer<'static>), FileFault> {
        // Taken first: a file that changes while it is read is read again.
        let stamp = Stamp::of(path);
        guarded(path)?;
        Ok((Self { path: path.to_owned(), stamp }, read_key(path)?))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file is another one now.
    pub fn has_changed(&self) -> bool {
        Stamp::of(&self.path) != self.stamp
    }

    /// A fault of this file.
    pub fn fault(&self, what: &str) -> FileFault {
        FileFault::new(&self.path, what)
    }
}

/// A key that every user of the machine can read, or write, is none.
fn guarded(path: &Path) -> Result<(), FileFault> {
    let mode = std::fs::metadata(path).map_or(0, |found| found.mode());
    if mode & 0o006 != 0 {
        let what = format!("holds a key that everybody may read: chmod o= {}", path.display());
        return Err(FileFault::new(path, what));
    }
    Ok(())
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, FileFault> {
    let text = files::text(path)?;
    let encrypted = files::instead(&text) == files::instead(b"Proc-Type: 4,ENCRYPTED");
    match PrivateKeyDer::from_pem_slice(&text) {
        Ok(_) | Err(_) if encrypted => Err(FileFault::new(
            path,
            "holds a key that is encrypted; nobody is there to type its password: openssl pkey \
             makes a plain one of it",
        )),
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => {
            Err(FileFault::new(path, format!("holds no key{}", files::instead(&text))))
        }
        Err(error) => Err(FileFault::new(path, files::broken(&error))),
    }
}
