//! References: one name for one decision, short enough to be read out on the phone.
//!
//! Thirteen characters of Crockford base32: 45 bits of Unix milliseconds (to the
//! year 3084), then 20 bits of a counter that starts anywhere. References sort by
//! the millisecond they were made in.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};

/// Crockford's alphabet: no I, L, O or U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Characters of a reference.
pub const REFERENCE_LEN: usize = 13;

/// The name of one decision or transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference([u8; REFERENCE_LEN]);

impl Reference {
    /// From Unix milliseconds (45 bits are used) and a number (20 bits are used).
    pub fn new(unix_millis: u64, number: u32) -> Self {
        let bits = (u128::from(unix_millis) << 20) | u128::from(number & 0xF_FFFF);
        let mut text = [b'0'; REFERENCE_LEN];
        for (at, place) in text.iter_mut().rev().enumerate() {
            let digit = (bits >> (5 * at)) & 31;
            *place = ALPHABET.get(digit as usize).copied().unwrap_or(b'0');
        }
        Self(text)
    }

    /// The thirteen characters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Reference {
    type Err = NotAReference;

    /// Takes what [`ReferencePrefix`] takes, if it is all of a reference.
    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let whole: ReferencePrefix = text.parse()?;
        whole.0.as_bytes().try_into().map(Self).map_err(|_| NotAReference)
    }
}

impl<'de> serde::Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl serde::Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The beginning of a reference, as a person types it: case does not matter, I and L
/// are 1, O is 0, hyphens are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencePrefix(String);

/// Not the beginning of a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a reference has up to {REFERENCE_LEN} letters and digits, without U")]
pub struct NotAReference;

impl ReferencePrefix {
    /// The prefix in the form in which references are written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first millisecond in which a reference that begins so can have been made.
    pub fn earliest_millis(&self) -> u64 {
        let place = |letter: u8| ALPHABET.iter().position(|known| *known == letter).unwrap_or(0);
        let digits = self.0.bytes().chain(std::iter::repeat(b'0')).take(REFERENCE_LEN);
        let bits = digits.fold(0u128, |bits, letter| (bits << 5) | place(letter) as u128);
        u64::try_from(bits >> 20).unwrap_or(0)
    }

    /// Whether `reference` begins with it.
    pub fn matches(&self, reference: &str) -> bool {
        reference.starts_with(&self.0)
    }
}

impl FromStr for ReferencePrefix {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        let mut prefix = String::with_capacity(REFERENCE_LEN);
        for letter in text.trim().chars().filter(|letter| *letter != '-') {
            let letter = match letter.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                letter if letter.is_ascii() && ALPHABET.contains(&(letter as u8)) => letter,
                _ => return Err(NotAReference),
            };
            prefix.push(letter);
        }
        if prefix.is_empty() || prefix.len() > REFERENCE_LEN {
            return Err(NotAReference);
        }
        Ok(Self(prefix))
    }
}

/// Makes references, for all sessions of a process, without a lock.
#[derive(Debug)]
pub struct Mint {
    counter: AtomicU32,
    secret: Secret,
}

/// Not shown by `Debug`.
struct Secret([u8; 32]);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl Mint {
    /// `start`: anything; different processes should start at different places. `secret`: what
    /// nobody else knows.
    pub fn new(start: u32, secret: [u8; 32]) -> Self {
        Self { counter: AtomicU32::new(start), secret: Secret(secret) }
    }

    /// 32 hexadecimal digits that were never used before, and that nobody can tell in advance
    /// (RFC 5802 s5.1).
    pub fn nonce(&self, unix_millis: u64) -> String {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        let digest = Sha256::new()
            .chain_update(self.secret.0)
            .chain_update(unix_millis.to_be_bytes())
            .chain_update(count.to_be_bytes())
            .finalize();
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The next reference. Two are the same only if over a million are made within
    /// one millisecond, or the clock is put back and exactly a million times some
    /// number were made since that millisecond came first.
    pub fn next(&self, unix_millis: u64) -> Reference {
        let count = self.counter.fetch_add(1, Ordering::Relaxed);
        // An odd factor permutes the 20 bits: as unique as the count, and two made one
        // after the other differ early, so that a beginning is enough to name one.
        Reference::new(unix_millis, count.wrapping_mul(0x9_E375))
    }
}

#[cfg(test)]
mod tests;
