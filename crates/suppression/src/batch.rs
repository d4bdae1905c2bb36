//! Rows on their way into the index: collected in any order, sorted where they stand, packed
//! where they stand. A million rows never take more than their 24 bytes each (and what the
//! vector grew beyond them, nothing when the number was told beforehand).

use crate::error::SuppressionError;
use crate::fact::Fact;
use crate::hasher::IndexKey;
use crate::kind::Kind;
use crate::origin::{Origin, OriginId, Origins};
use crate::segment::{DirectoryWriter, ROW, Segment, bits_for, dropped, pair, row, stride_for};
use crate::time::Day;

/// Facts that enter the index together. Independent of any index: origins get their numbers
/// when the batch is added, by [`Index::with_batch`](crate::Index::with_batch).
#[derive(Debug)]
pub struct Batch {
    pub(crate) origins: Origins,
    pub(crate) objections: Vec<[u8; ROW]>,
    pub(crate) consents: Vec<[u8; ROW]>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(0)
    }

    /// An empty batch with room for that many facts, so that it need not grow.
    #[must_use]
    pub fn with_capacity(facts: usize) -> Self {
        Self {
            origins: Origins::new(),
            objections: Vec::with_capacity(facts),
            consents: Vec::new(),
        }
    }

    /// Adds a fact: the key, where it comes from, from when it counts, and its ledger row.
    ///
    /// # Errors
    /// When there are too many origins or rows, or the ledger row needs more than 32 bits.
    pub fn push(
        &mut self,
        key: IndexKey,
        origin: &Origin,
        day: Day,
        position: u64,
    ) -> Result<(), SuppressionError> {
        let position =
            u32::try_from(position).map_err(|_| SuppressionError::PositionTooLarge(position))?;
        let fact = Fact { origin: self.origins.intern(origin)?, day, position };
        let rows = match origin.kind {
            Kind::Consent => &mut self.consents,
            Kind::OptOut
            | Kind::Complaint
            | Kind::Manual
            | Kind::Undeliverable
            | Kind::Withdrawn => &mut self.objections,
        };
        if u32::try_from(rows.len()).is_err() {
            return Err(SuppressionError::SegmentTooLarge);
        }
        rows.push(row((key.0, fact.pack())));
        Ok(())
    }

    /// How many facts it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objections.len() + self.consents.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives the facts the origin numbers of an index. `numbers` has one for each of ours.
    pub(crate) fn renumber(&mut self, numbers: &[OriginId]) {
        for bytes in self.objections.iter_mut().chain(&mut self.consents) {
            let (key, payload) = pair(bytes);
            let mut fact = Fact::unpack(payload);
            if let Some(number) = numbers.get(usize::from(fact.origin.0)) {
                fact.origin = *number;
            }
            *bytes = row((key, fact.pack()));
        }
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

/// Sorts rows and packs them into a segment, in the memory they are in.
pub(crate) fn seal(mut rows: Vec<[u8; ROW]>) -> Segment {
    rows.sort_unstable_by_key(pair);
    rows.dedup();
    let bits = bits_for(rows.len());
    let mut directory = DirectoryWriter::new(bits);
    for row in &rows {
        directory.push(pair(row).0);
    }
    let (count, stride) = (rows.len(), stride_for(bits));
    let mut bytes = rows.into_flattened();
    for index in 0..count {
        let start = index * ROW;
        bytes.copy_within(start + dropped(bits)..start + ROW, index * stride);
    }
    bytes.truncate(count * stride);
    Segment::from_parts(bits, directory.finish(), bytes)
}
