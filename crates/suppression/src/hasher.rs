//! Keyed hashes of addresses: a stolen ledger is not a mailing list (DESIGN s6).
//!
//! Every digest is HMAC-SHA-256 (RFC 2104) over a namespace and the bytes, so that the same
//! text in two roles (an exact key, a person key, later a hashed list or a domain) never gives
//! the same digest. The states after the inner and outer pad are computed once per key, so a
//! digest costs two compressions and both keys of a recipient well under a microsecond.
//!
//! Invariant: the message is length of the namespace, namespace, bytes; no two different pairs
//! give the same message.

use std::fmt;
use std::str::FromStr;

use address::Canonical;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::SuppressionError;
use crate::hashed::{HashedForm, PlainDigest};
use crate::text::serde_by_text;

/// SHA-256 works on blocks of 64 bytes; HMAC pads a shorter key with zeros to one block.
const BLOCK: usize = 64;

const EXACT: &str = "exact";
const PERSON: &str = "person";
const DOMAIN: &str = "domain";

/// Another one for each form: the same bytes on two lists may be two people.
fn hashed_space(form: &HashedForm) -> String {
    format!("hashed {form}")
}

/// Which key a digest was made under. A new key gets a new number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An HMAC-SHA-256, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The bytes of it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By table and in one piece: every record of a recipient carries one.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'?');
        let mut text = [0; 64];
        for (pair, byte) in text.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = SuppressionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 32];
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if pairs.len() != bytes.len() || !rest.is_empty() {
            return Err(SuppressionError::BadDigest);
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = (hex_digit(*high)? << 4) | hex_digit(*low)?;
        }
        Ok(Self(bytes))
    }
}

serde_by_text!(Digest, "64 hexadecimal digits");

fn hex_digit(digit: u8) -> Result<u8, SuppressionError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        b'A'..=b'F' => Ok(digit - b'A' + 10),
        _ => Err(SuppressionError::BadDigest),
    }
}

/// The two keys of an address: as written, and as the person it belongs to (DESIGN s6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressKeys {
    /// Of the canonical address itself: what consents match by.
    pub exact: Digest,
    /// Of the address without tag and provider's spellings: what opt-outs match by.
    pub person: Digest,
}

impl AddressKeys {
    /// Whether there is only one digest: they are those of a whole domain, or of a digest of a
    /// list. Those of an address, made in different namespaces, never are the same.
    #[must_use]
    pub fn are_one(&self) -> bool {
        self.exact == self.person
    }
}

/// What the index is asked with: the first 128 bits of a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexKey(pub u128);

impl From<&Digest> for IndexKey {
    fn from(digest: &Digest) -> Self {
        let [high, _] = digest.0.as_chunks::<16>().0 else { return Self(0) };
        Self(u128::from_be_bytes(*high))
    }
}

/// Makes digests under one key.
#[derive(Clone)]
pub struct Hasher {
    id: KeyId,
    keyed: Hmac<Sha256>,
}

impl Hasher {
    /// A hasher for this key.
    #[must_use]
    pub fn new(id: KeyId, secret: &[u8; 32]) -> Self {
        let mut block = [0; BLOCK];
        for (padded, byte) in block.iter_mut().zip(secret) {
            *padded = *byte;
        }
        Self { id, keyed: Hmac::new(&block.into()) }
    }

    /// The key's number.
    #[must_use]
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// Both keys of an address.
    #[must_use]
    pub fn keys(&self, address: &Canonical) -> AddressKeys {
        AddressKeys {
            exact: self.digest(EXACT, address.exact().as_bytes()),
            person: self.digest(PERSON, address.person().as_bytes()),
        }
    }

    /// The keys of everybody at the domain of the person behind `address`.
    #[must_use]
    pub fn domain_keys(&self, address: &Canonical) -> AddressKeys {
        let domain = address.person().rsplit_once('@').map_or("", |(_, domain)| domain);
        let digest = self.digest(DOMAIN, domain.as_bytes());
        AddressKeys { exact: digest, person: digest }
    }

    /// The keys of digests of a list of this form, in their order: what is looked up.
    pub fn hashed_keys<'a>(
        &'a self,
        form: &HashedForm,
        digests: &'a [PlainDigest],
    ) -> impl Iterator<Item = AddressKeys> + use<'a> {
        let namespace = hashed_space(form);
        digests.iter().map(move |digest| self.hashed(&namespace, digest))
    }

    /// The keys of a digest that is on a list of this form: what is recorded. The ledger holds
    /// no digest that somebody else could make of an address.
    ///
    /// # Errors
    /// When it is longer or shorter than those of the form.
    pub fn hashed_key(
        &self,
        form: &HashedForm,
        digest: &[u8],
    ) -> Result<AddressKeys, SuppressionError> {
        let (found, wanted) = (digest.len(), form.algorithm.length());
        if found != wanted {
            let algorithm = form.algorithm.as_str();
            return Err(SuppressionError::DigestLength { algorithm, wanted, found });
        }
        Ok(self.hashed(&hashed_space(form), digest))
    }

    fn hashed(&self, namespace: &str, digest: &[u8]) -> AddressKeys {
        let digest = self.digest(namespace, digest);
        AddressKeys { exact: digest, person: digest }
    }

    /// The digest of `bytes` in a namespace of its own.
    #[must_use]
    pub fn digest(&self, namespace: &str, bytes: &[u8]) -> Digest {
        let mut mac = self.keyed.clone();
        // The length in base 255 with a digit below 255 at the end: one byte for every
        // namespace in use, and still a prefix code for any.
        let mut length = namespace.len();
        while length >= 255 {
            mac.update(&[255]);
            length -= 255;
        }
        mac.update(&[u8::try_from(length).unwrap_or(0)]);
        mac.update(namespace.as_bytes());
        mac.update(bytes);
        Digest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
