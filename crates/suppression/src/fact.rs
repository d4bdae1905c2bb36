//! What the index knows about a key, packed into eight bytes: origin (2), day (2), row of the
//! ledger (4). Together with 16 bytes of key that is 24 bytes an address.

use crate::origin::OriginId;
use crate::time::Day;

/// One fact about a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fact {
    /// Source, kind and scope.
    pub origin: OriginId,
    /// The day from which it counts.
    pub day: Day,
    /// Row of the ledger that says so, or [`Fact::NO_ROW`].
    pub position: u32,
}

impl Fact {
    /// In the place of a row: what is known comes from a list that was asked just now, and
    /// stands in no ledger. Rows of a ledger count from 1.
    pub const NO_ROW: u32 = 0;

    pub(crate) fn pack(self) -> u64 {
        (u64::from(self.origin.0) << 48)
            | (u64::from(self.day.number()) << 32)
            | u64::from(self.position)
    }

    pub(crate) fn unpack(packed: u64) -> Self {
        let [o1, o2, d1, d2, p @ ..] = packed.to_be_bytes();
        Self {
            origin: OriginId(u16::from_be_bytes([o1, o2])),
            day: Day::from_number(u16::from_be_bytes([d1, d2])),
            position: u32::from_be_bytes(p),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packing_loses_nothing(origin: u16, day: u16, position: u32) {
            let fact = Fact { origin: OriginId(origin), day: Day::from_number(day), position };
            prop_assert_eq!(Fact::unpack(fact.pack()), fact);
        }
    }
}
