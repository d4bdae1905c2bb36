//! A certificate with its key, as they lie in two files (or in one).

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::{self, PemObject};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::files::{self, FileFault, Stamp};
use super::identity::Identity;
use super::provider;

/// Where a certificate and its key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairFiles {
    /// The chain: the own certificate first, then those between it and the authority. PEM.
    pub certificate: PathBuf,
    /// Its key, not encrypted. PEM.
    pub key: PathBuf,
}

/// A certificate with its key, read and checked against each other.
#[derive(Debug)]
pub struct Pair {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) identity: Identity,
    files: PairFiles,
    stamps: [Option<Stamp>; 2],
}

impl Pair {
    /// Reads both files.
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn read(files: &PairFiles) -> Result<Self, FileFault> {
        let stamps = stamps(files);
        let (certificate, key) = (&files.certificate, &files.key);
        let text = files::text(certificate)?;
        let chain = files::certificates(certificate, &text)?;
        let identities = chain
            .iter()
            .map(|one| Identity::of(one))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| FileFault::new(certificate, "holds what is no X.509 certificate"))?;
        guarded(key)?;
        let signer = provider()
            .key_provider
            .load_private_key(read_key(key)?)
            .map_err(|_| FileFault::new(key, "holds a key of a kind that TLS does not use here: RSA of at least 2048 bits, ECDSA P-256, P-384, P-521 and Ed25519 are used"))?;
        let fits =
            |chain: &[_]| CertifiedKey::new(chain.to_vec(), Arc::clone(&signer)).keys_match();
        match fits(&chain) {
            Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(_) => {
                let later =
                    (1..chain.len()).any(|n| fits(chain.get(n..).unwrap_or_default()).is_ok());
                return Err(FileFault::new(
                    if later { certificate } else { key },
                    if later {
                        "holds another certificate before the one of the key: the own \
                         certificate comes first"
                            .to_owned()
                    } else {
                        format!("is not the key of {}", certificate.display())
                    },
                ));
            }
        }
        let Some(identity) = identities.into_iter().next() else {
            return Err(FileFault::new(certificate, "holds no certificate"));
        };
        let key = Arc::new(CertifiedKey::new(chain, signer));
        Ok(Self { key, identity, files: files.clone(), stamps })
    }

    /// Where it was read.
    pub fn files(&self) -> &PairFiles {
        &self.files
    }

    /// One of the files is another one now.
    pub(super) fn has_changed(&self) -> bool {
        stamps(&self.files) != self.stamps
    }

    /// What is wrong with its time, or soon will be; `now` in seconds since 1970.
    pub fn worry(&self, now: i64) -> Option<String> {
        self.identity.worry(now)
    }

    /// The names it is for.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.identity.names.iter().map(String::as_str)
    }
}

fn stamps(files: &PairFiles) -> [Option<Stamp>; 2] {
    [Stamp::of(&files.certificate), Stamp::of(&files.key)]
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
