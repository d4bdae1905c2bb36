//! A private key that signs.

use std::path::Path;

use mail_auth::common::crypto::{DkimKey, Ed25519Key, RsaKey, Sha256};
use proxy::{FileFault, KeyFile};
use rustls::pki_types::PrivateKeyDer;

use super::record;

/// A private key, and the file it is from.
pub struct Key {
    pub(super) signing: DkimKey,
    record: String,
    file: KeyFile,
}

impl Key {
    /// Reads a key: RSA of at least 2048 bits (RFC 8301 s3.2 asks signers for that), or Ed25519.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn read(path: &Path) -> Result<Self, FileFault> {
        let (file, der) = KeyFile::read(path)?;
        let unusable = || {
            file.fault("holds a key that DKIM does not use here: RSA of 2048 to 8192 bits and Ed25519 are used")
        };
        let ed25519 = match &der {
            PrivateKeyDer::Pkcs8(der) => {
                // `openssl genpkey` leaves the public half out.
                Ed25519Key::from_pkcs8_maybe_unchecked_der(der.secret_pkcs8_der()).ok()
            }
            _ => None,
        };
        let (signing, record) = match ed25519 {
            Some(key) => {
                let record = record::ed25519(&key.public_key());
                (DkimKey::Ed25519(key), record)
            }
            None => {
                let key = RsaKey::<Sha256>::from_key_der(der).map_err(|_| unusable())?;
                let record = record::rsa(&key.public_key());
                (DkimKey::Rsa(key), record)
            }
        };
        Ok(Self { signing, record, file })
    }

    /// The text of its TXT record in DNS.
    pub fn record(&self) -> &str {
        &self.record
    }

    pub(super) fn file(&self) -> &KeyFile {
        &self.file
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("file", &self.file.path()).finish_non_exhaustive()
    }
}
