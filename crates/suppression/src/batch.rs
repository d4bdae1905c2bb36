//! Rows on their way into the index: collected by shard in any order, sorted where they stand,
//! packed where they stand. A million rows never take more than their 24 bytes each (and what
//! the vectors grew beyond them, next to nothing when the number was told beforehand).

use std::ops::RangeInclusive;

use crate::error::SuppressionError;
use crate::fact::Fact;
use crate::hasher::IndexKey;
use crate::kind::Kind;
use crate::layout::{
    DirectoryWriter, Pair, ROW, SHARDS, bits_for, dropped, pair, row, shard_of, stride_for,
};
use crate::origin::{Origin, OriginId, Origins};
use crate::segment::Segment;
use crate::time::Day;

/// Facts that enter the index together. Independent of any index: origins get their numbers
/// when the batch is added, by [`Index::with_batch`](crate::Index::with_batch).
#[derive(Debug)]
pub struct Batch {
    pub(crate) origins: Origins,
    /// The origin of the row before: rows come in long runs of one.
    latest: Option<OriginId>,
    pub(crate) objections: Unsorted,
    pub(crate) consents: Unsorted,
    pub(crate) withdrawn: Vec<RangeInclusive<u32>>,
}

/// Whole rows, by shard.
#[derive(Debug, Default)]
pub(crate) struct Unsorted([Vec<[u8; ROW]>; SHARDS]);

impl Unsorted {
    /// Room for that many rows, if their keys are evenly spread. A few percent more than the
    /// even share, so that next to no shard has to grow.
    fn with_capacity(rows: usize) -> Self {
        let share = rows / SHARDS;
        Self(std::array::from_fn(|_| Vec::with_capacity(share + share / 32)))
    }

    fn push(&mut self, pair: Pair) -> Result<(), SuppressionError> {
        let rows = self
            .0
            .get_mut(usize::from(shard_of(pair.0)))
            .filter(|rows| u32::try_from(rows.len()).is_ok())
            .ok_or(SuppressionError::SegmentTooLarge)?;
        rows.push(row(pair));
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }

    /// Sorts and packs the rows of each shard that has some. Each shard's rows are freed, or
    /// become the segment's, before the next ones are touched.
    pub(crate) fn seal(self) -> impl Iterator<Item = Segment> {
        let shards = (0_u8..).zip(self.0).filter(|(_, rows)| !rows.is_empty());
        shards.map(|(shard, rows)| seal(shard, rows))
    }
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
            latest: None,
            objections: Unsorted::with_capacity(facts),
            consents: Unsorted::default(),
            withdrawn: Vec::new(),
        }
    }

    /// Adds a fact: the key, where it comes from, from when it counts, and its ledger row.
    /// What takes others back is no fact: see [`Self::withdraw`].
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
        if origin.kind == Kind::Withdrawn {
            return Err(SuppressionError::NotAFact);
        }
        let fact = Fact { origin: self.number(origin)?, day, position };
        let rows = match origin.kind {
            Kind::Consent => &mut self.consents,
            Kind::OptOut
            | Kind::Complaint
            | Kind::Manual
            | Kind::Undeliverable
            | Kind::Withdrawn => &mut self.objections,
        };
        rows.push((key.0, fact.pack()))
    }

    fn number(&mut self, origin: &Origin) -> Result<OriginId, SuppressionError> {
        if let Some(latest) = self.latest
            && self.origins.get(latest) == Some(origin)
        {
            return Ok(latest);
        }
        let number = self.origins.intern(origin)?;
        self.latest = Some(number);
        Ok(number)
    }

    /// Takes back the facts of these ledger rows, whenever they were or will be added.
    pub fn withdraw(&mut self, positions: RangeInclusive<u32>) {
        self.withdrawn.push(positions);
    }

    /// How many facts it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objections.len() + self.consents.len()
    }

    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.withdrawn.is_empty()
    }

    /// Gives the facts the origin numbers of an index. `numbers` has one for each of ours.
    pub(crate) fn renumber(&mut self, numbers: &[OriginId]) {
        for bytes in self.objections.0.iter_mut().chain(&mut self.consents.0).flatten() {
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

/// Sorts the rows of a shard and packs them into a segment, in the memory they are in.
fn seal(shard: u8, mut rows: Vec<[u8; ROW]>) -> Segment {
    rows.sort_unstable_by_key(pair);
    rows.dedup();
    let bits = bits_for(rows.len());
    pack(shard, rows, bits)
}

/// Packs sorted rows under a directory of that many bits.
fn pack(shard: u8, rows: Vec<[u8; ROW]>, bits: u32) -> Segment {
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
    Segment::from_parts(shard, bits, directory.finish(), bytes.into())
}

#[cfg(test)]
mod tests;
