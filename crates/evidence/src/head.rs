//! The head of a chain: where it ends, short enough to be kept elsewhere.
//!
//! Written as one word, `chain/file/byte/hash`: with a checkpoint of the ledger it can be
//! printed, mailed, signed or time-stamped. A chain that goes through it has not been changed
//! before it.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use suppression::{Digest, Timestamp};

use crate::chain::ChainId;

/// The end of what is sealed at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Head {
    /// The chain.
    pub chain: ChainId,
    /// The file's place in it.
    pub number: u64,
    /// The first byte of the file that is not sealed.
    pub to: u64,
    /// The hash of everything before.
    pub hash: Digest,
    /// When the seal was made; the epoch in a head that was read.
    pub time: Timestamp,
}

impl Head {
    /// Whether both are the same place of the same chain.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Self { time: other.time, ..*self } == *other
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.chain, self.number, self.to, self.hash)
    }
}

/// Not a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a head has the form CHAIN/FILE/BYTE/HASH, as `optgate evidence verify` prints it")]
pub struct NotAHead;

impl FromStr for Head {
    type Err = NotAHead;

    fn from_str(text: &str) -> Result<Self, NotAHead> {
        let mut parts = text.trim().split('/');
        let mut next = || parts.next().ok_or(NotAHead);
        let head = Self {
            chain: next()?.parse().map_err(|_| NotAHead)?,
            number: next()?.parse().map_err(|_| NotAHead)?,
            to: next()?.parse().map_err(|_| NotAHead)?,
            hash: next()?.parse().map_err(|_| NotAHead)?,
            time: Timestamp::EPOCH,
        };
        if parts.next().is_some() { Err(NotAHead) } else { Ok(head) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head {
            chain: ChainId(77),
            number: 3,
            to: 4096,
            hash: Digest([9; 32]),
            time: "2026-03-02T10:15:00Z".parse().unwrap(),
        };
        let read: Head = format!(" {head}\n").parse().unwrap();
        assert!(head.is(&read));
        assert!(!head.is(&Head { to: 4097, ..read }));
        for bad in ["", "1/2/3", &format!("{head}/x"), &head.to_string()[1..]] {
            assert_eq!(bad.parse::<Head>(), Err(NotAHead), "{bad}");
        }
    }
}
