//! A certificate with its key, as they lie in two files (or in one).

use std::path::PathBuf;
use std::sync::Arc;

use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};

use super::files::{self, FileFault, Stamp};
use super::identity::Identity;
use super::key_file::KeyFile;
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
        let (_, private_key) = KeyFile::read(key)?;
        let signer = provider()
            .key_provider
            .load_private_key(private_key)
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
