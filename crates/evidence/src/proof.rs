//! What a walk over the chain has proven, and what it has not. A chain without faults proves
//! nothing of what no seal covers, and whoever takes the seals away leaves no fault behind.

use serde::Serialize;
use suppression::Timestamp;

use crate::verify::Walk;

/// Seconds between the earliest and the latest record that no seal covers. A seal follows every
/// second in which something was recorded; on a slow disk it may come late.
const TAIL_SECONDS: i64 = 10;
/// Seconds in which evidence may be without its first seal.
const NEW_SECONDS: i64 = 60;

/// What was proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// Nothing that was sealed was changed, and all but the last seconds is sealed.
    Intact,
    /// There is nothing to prove: no record, or only those of the last minute.
    Nothing,
    /// Something was changed, or is missing.
    Broken,
    /// The head that was given is not on this chain: what stood before it was changed, or it is
    /// of another chain.
    OtherHead,
    /// There are records, and none is sealed.
    NoSeal,
    /// More than the last seconds is not sealed.
    LongTail,
}

impl Proof {
    /// Whether nothing speaks against it.
    #[must_use]
    pub fn is_fine(self) -> bool {
        matches!(self, Self::Intact | Self::Nothing)
    }
}

impl Walk {
    /// What it has proven, to somebody who asks now.
    #[must_use]
    pub fn proof(&self, now: Timestamp) -> Proof {
        if !self.intact {
            return Proof::Broken;
        }
        if self.holds == Some(false) {
            return Proof::OtherHead;
        }
        let longer = |from: Timestamp, to: Timestamp, seconds: i64| {
            to.micros().saturating_sub(from.micros()) > seconds * 1_000_000
        };
        let tail = self.unsealed.first.zip(self.unsealed.last);
        if self.head.is_none() {
            let recorded = self.torn > 0 || self.files.iter().any(|file| file.records > 0);
            return match tail {
                None if !recorded => Proof::Nothing,
                Some((first, _)) if !longer(first, now, NEW_SECONDS) => Proof::Nothing,
                _ => Proof::NoSeal,
            };
        }
        match tail {
            Some((first, last)) if longer(first, last, TAIL_SECONDS) => Proof::LongTail,
            // Whole records without a time are of nobody's making.
            None if self.unsealed.records > self.torn => Proof::LongTail,
            _ => Proof::Intact,
        }
    }
}

#[cfg(test)]
mod tests;
