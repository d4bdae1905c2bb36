//! What is wrong with a file of a certificate or a key, and when one has changed.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

/// No chain and no bundle of authorities is larger; that of a whole system has 200 KiB.
const SIZE_MAX: u64 = 4 << 20;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct FileFault {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and what would be right. Nothing that is in it.
    pub what: String,
}

impl FileFault {
    pub(super) fn new(path: &Path, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into() }
    }
}

/// Whether a file is still the one that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    size: u64,
    inode: u64,
}

impl Stamp {
    /// None: it is not there.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        let modified = (found.mtime(), found.mtime_nsec());
        Some(Self { modified, size: found.size(), inode: found.ino() })
    }
}

/// The text of a PEM file.
pub(super) fn text(path: &Path) -> Result<Vec<u8>, FileFault> {
    let cannot = |error: std::io::Error| FileFault::new(path, format!("cannot be read: {error}"));
    let mut found = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(SIZE_MAX + 1).read_to_end(&mut found).map_err(cannot)?;
    if found.len() as u64 > SIZE_MAX {
        return Err(FileFault::new(path, "is larger than any certificate"));
    }
    if found.is_empty() {
        return Err(FileFault::new(path, "is empty"));
    }
    Ok(found)
}

/// All certificates in a file, in their order.
pub(super) fn certificates(
    path: &Path,
    text: &[u8],
) -> Result<Vec<CertificateDer<'static>>, FileFault> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(FileFault::new(path, format!("holds no certificate{}", instead(text)))),
        Err(error) => Err(FileFault::new(path, broken(&error))),
    }
}

/// What stands there instead, for those who mixed two files up.
pub(super) fn instead(text: &[u8]) -> &'static str {
    let has = |what: &str| text.windows(what.len()).any(|part| part == what.as_bytes());
    if has("-----BEGIN ENCRYPTED PRIVATE KEY") || has("Proc-Type: 4,ENCRYPTED") {
        ", but a key that is encrypted"
    } else if has(" PRIVATE KEY-----") {
        ", but a key"
    } else if has("-----BEGIN CERTIFICATE REQUEST") || has("-----BEGIN NEW CERTIFICATE REQUEST") {
        ", but a request for one: the authority answers it with a certificate"
    } else if has("-----BEGIN CERTIFICATE-----") {
        ", but a certificate"
    } else if text.first() == Some(&0x30) {
        " in PEM; it seems to be DER or PKCS #12: openssl x509 -inform DER, openssl pkey -inform \
         DER or openssl pkcs12 -nodes makes PEM of it"
    } else {
        " in PEM (\"-----BEGIN ...\")"
    }
}

pub(super) fn broken(error: &pem::Error) -> String {
    let what = match error {
        pem::Error::MissingSectionEnd { .. } => "a line \"-----END ...\" is missing",
        pem::Error::IllegalSectionStart { .. } => "a line \"-----BEGIN ...\" is not complete",
        pem::Error::Base64Decode(_) => "what stands between the lines is not base64",
        _ => "the text is not complete",
    };
    format!("is no PEM: {what}")
}
