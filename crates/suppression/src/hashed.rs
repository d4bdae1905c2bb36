//! Lists of digests: what was made of an address before it was hashed, and how.
//!
//! Whoever passes a list on may give digests instead of addresses. They are looked up by making
//! the same digest of each recipient, so the list has to say how that is done.
//!
//! A form has one text, which is kept with what was recorded (`md5 lower`, `sha256 as-is
//! before=706570706572`; salts in hexadecimal) and read back as the same form. It is a namespace of
//! its own as well: the same digest of two forms is about two people.

use std::fmt;
use std::str::FromStr;

use address::Canonical;
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use smallvec::SmallVec;

use crate::candidates::{self, Spellings};
use crate::error::SuppressionError;

/// The bytes of a digest as a list has it.
pub type PlainDigest = SmallVec<[u8; 64]>;

/// Digests of one address, each once.
pub type PlainDigests = SmallVec<[PlainDigest; 8]>;

/// The digest algorithm of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// MD5 (RFC 1321), 16 bytes.
    Md5,
    /// SHA-1 (FIPS 180-4), 20 bytes.
    Sha1,
    /// SHA-256 (FIPS 180-4), 32 bytes.
    Sha256,
    /// SHA-512 (FIPS 180-4), 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sha512];

    /// The word for it: `md5`, `sha1`, `sha256`, `sha512`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Bytes of its digests.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn digest(self, parts: [&str; 3]) -> PlainDigest {
        fn of<D: sha2::Digest>(parts: [&str; 3]) -> PlainDigest {
            let mut hash = D::new();
            for part in parts {
                hash.update(part);
            }
            PlainDigest::from_slice(&hash.finalize())
        }
        match self {
            Self::Md5 => of::<Md5>(parts),
            Self::Sha1 => of::<Sha1>(parts),
            Self::Sha256 => of::<Sha256>(parts),
            Self::Sha512 => of::<Sha512>(parts),
        }
    }
}

/// What is done to an address before it is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Normalise {
    /// White space around it is taken off and all of it is made lower case.
    #[default]
    Lower,
    /// Only the domain is made lower case.
    LowerDomain,
    /// Nothing: the address as somebody wrote it.
    AsIs,
}

impl Normalise {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Lower, Self::LowerDomain, Self::AsIs];

    /// The word for it: `lower`, `lower-domain`, `as-is`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lower => "lower",
            Self::LowerDomain => "lower-domain",
            Self::AsIs => "as-is",
        }
    }

    fn apply(self, text: String) -> String {
        match self {
            Self::Lower => text.trim().to_lowercase(),
            Self::LowerDomain => match text.rsplit_once('@') {
                Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
                None => text.to_lowercase(),
            },
            Self::AsIs => text,
        }
    }
}

/// What stands before and behind the address when it is hashed. Both are usually empty. They may
/// be a secret of whoever made the list: not for messages.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Salt {
    /// Before it.
    pub before: String,
    /// Behind it.
    pub behind: String,
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, behind) = (!self.before.is_empty(), !self.behind.is_empty());
        write!(f, "Salt {{ before: {before}, behind: {behind} }}")
    }
}

/// How the digests of a list are made.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HashedForm {
    /// By which algorithm.
    pub algorithm: HashAlgorithm,
    /// Of which form of the address.
    pub normalise: Normalise,
    /// With what around it.
    pub salt: Salt,
}

impl HashedForm {
    /// Every digest under which an address may stand on the list: its own, and those of its whole
    /// domain. `written`: the address as it was received, without its brackets.
    #[must_use]
    pub fn digests(&self, written: &str, address: &Canonical) -> PlainDigests {
        let mut spellings = candidates::of_person(written, address);
        spellings.extend(candidates::of_domain(address));
        self.digests_of(spellings)
    }

    /// The digests of the address, and of the person behind it.
    #[must_use]
    pub fn digests_of_person(&self, written: &str, address: &Canonical) -> PlainDigests {
        self.digests_of(candidates::of_person(written, address))
    }

    /// The digests of everybody at its domain: `example.com` and `@example.com`.
    #[must_use]
    pub fn digests_of_domain(&self, address: &Canonical) -> PlainDigests {
        self.digests_of(candidates::of_domain(address))
    }

    fn digests_of(&self, spellings: Spellings) -> PlainDigests {
        let mut texts = Spellings::new();
        for spelling in spellings {
            // Where case counts, a list may hold the address in lower case all the same.
            for text in
                [self.normalise.apply(spelling.to_lowercase()), self.normalise.apply(spelling)]
            {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts.iter().map(|text| self.digest(text)).collect()
    }

    /// The digest of a text that is in the form already.
    #[must_use]
    pub fn digest(&self, text: &str) -> PlainDigest {
        self.algorithm.digest([&self.salt.before, text, &self.salt.behind])
    }

    /// In words, for people, and without the salt: `MD5 of the address in lower case, salted`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let algorithm = match self.algorithm {
            HashAlgorithm::Md5 => "MD5",
            HashAlgorithm::Sha1 => "SHA-1",
            HashAlgorithm::Sha256 => "SHA-256",
            HashAlgorithm::Sha512 => "SHA-512",
        };
        let form = match self.normalise {
            Normalise::Lower => "in lower case",
            Normalise::LowerDomain => "with its domain in lower case",
            Normalise::AsIs => "as written",
        };
        let salted = if self.salt == Salt::default() { "" } else { ", salted" };
        format!("{algorithm} of the address {form}{salted}")
    }
}

impl fmt::Display for HashedForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm.as_str(), self.normalise.as_str())?;
        for (name, salt) in [(BEFORE, &self.salt.before), (BEHIND, &self.salt.behind)] {
            if !salt.is_empty() {
                write!(f, " {name}")?;
                salt.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            }
        }
        Ok(())
    }
}

const BEFORE: &str = "before=";
const BEHIND: &str = "behind=";

impl FromStr for HashedForm {
    type Err = SuppressionError;

    /// Reads what `Display` writes, and nothing else.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read(text).filter(|form| form.to_string() == text).ok_or(SuppressionError::BadHashedForm)
    }
}

fn read(text: &str) -> Option<HashedForm> {
    let mut words = text.split(' ');
    let (algorithm, normalise) = (words.next()?, words.next()?);
    let algorithm = HashAlgorithm::ALL.into_iter().find(|known| known.as_str() == algorithm)?;
    let normalise = Normalise::ALL.into_iter().find(|known| known.as_str() == normalise)?;
    let mut salt = Salt::default();
    for word in words {
        if let Some(digits) = word.strip_prefix(BEFORE) {
            salt.before = text_of(digits)?;
        } else {
            salt.behind = text_of(word.strip_prefix(BEHIND)?)?;
        }
    }
    Some(HashedForm { algorithm, normalise, salt })
}

/// The text that was written in hexadecimal digits.
fn text_of(digits: &str) -> Option<String> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let digit =
        |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4) | digit(*low)?);
    let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
    String::from_utf8(bytes?).ok().filter(|_| rest.is_empty())
}

#[cfg(test)]
mod tests;
