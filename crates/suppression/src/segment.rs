//! A sorted, immutable run of the index: exact, no pointer per row.
//!
//! A row is the key (16 bytes) and the packed fact (8 bytes), both big-endian, so that rows
//! sort as bytes and memory and file hold the same bytes. All keys of a segment begin with its
//! shard's four bits. A directory of 2^bits + 1 row numbers says where the rows begin that have
//! the same next `bits`. What shard and directory say of a key need not be stored again, so the
//! whole bytes of those bits are left out of the rows. At ten million rows: 22 bytes a row and
//! 0.1 for the directory.
//!
//! Keys are the output of an HMAC and therefore evenly spread, which is why the place within
//! a bucket can be guessed from the bits after the directory's: one line of a directory that
//! is mostly in the cache, and a few neighbouring lines of the rows, which are not. Keys that
//! are not spread only make it slower, not wrong.
//!
//! Invariants: rows ascend strictly by (key, fact); `directory` ascends from 0 to the number
//! of rows; every row's key begins with the numbers of its shard and its bucket.

use crate::error::SuppressionError;
use crate::layout::{
    Pair, ROW, SHARD_BITS, SHARDS, bucket_of, dropped, pair, shard_of, stride_for,
};
use crate::rows::RowBytes;

/// A bucket of up to this many rows is searched from the guess, a larger one by halves.
const WALK: usize = 512;

/// Aligned so that the count of its owners, which every new state of the index changes, is not
/// in a line of the cache that readers need.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Segment {
    shard: u8,
    bits: u32,
    directory: Box<[u32]>,
    rows: RowBytes,
    /// How many ledger rows had been taken back when it was made. Of those it has none, or did
    /// not have when it was made.
    seen: u64,
}

impl Segment {
    /// Puts together what [`DirectoryWriter`] and its user made; both sides keep the invariants.
    pub(crate) fn from_parts(shard: u8, bits: u32, directory: Vec<u32>, rows: RowBytes) -> Self {
        Self { shard, bits, directory: directory.into_boxed_slice(), rows, seen: 0 }
    }

    /// The same, made when that many ledger rows had been taken back.
    pub(crate) fn having_seen(self, withdrawn: u64) -> Self {
        Self { seen: withdrawn, ..self }
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.bytes().len() / stride_for(self.bits)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.bytes().is_empty()
    }

    pub(crate) fn shard(&self) -> u8 {
        self.shard
    }

    pub(crate) fn bits(&self) -> u32 {
        self.bits
    }

    pub(crate) fn directory(&self) -> &[u32] {
        &self.directory
    }

    pub(crate) fn row_bytes(&self) -> &[u8] {
        self.rows.bytes()
    }

    /// Bytes of memory it takes.
    pub(crate) fn memory(&self) -> usize {
        self.rows.bytes().len() + self.directory.len() * size_of::<u32>()
    }

    /// The packed facts of a key of this shard; none for one of another.
    pub(crate) fn find(&self, key: u128) -> Hits<'_> {
        let bucket = bucket_of(key, self.bits);
        let start = self.directory.get(bucket).map_or(0, |row| *row as usize);
        let end = match self.directory.get(bucket + 1) {
            Some(row) if shard_of(key) == self.shard => *row as usize,
            _ => start,
        };
        let wanted = Wanted::new(key, self.bits);
        let next = self.lower_bound(&wanted, start, end);
        Hits { segment: self, wanted, next, end }
    }

    /// The first row of `start..end`, one bucket, that does not sort before the key.
    fn lower_bound(&self, wanted: &Wanted, start: usize, end: usize) -> usize {
        let (first, last) = wanted.stored;
        let stride = stride_for(self.bits);
        let before = |row: usize| match self.word(row * stride) {
            Some(word) if word != first => word < first,
            Some(_) => self.word(row * stride + stride - 16).is_some_and(|word| word < last),
            None => false,
        };
        let count = end.saturating_sub(start);
        if count > WALK {
            let (mut low, mut high) = (start, end);
            while low < high {
                let middle = low + (high - low) / 2;
                if before(middle) {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            return low;
        }
        let mut at = start + ((count * wanted.fraction as usize) >> 32);
        if before(at) {
            while at < end && before(at) {
                at += 1;
            }
        } else {
            while at > start && !before(at - 1) {
                at -= 1;
            }
        }
        at.min(end)
    }

    /// What is stored of a row's key, as its first and its last eight bytes. They overlap, and
    /// still compare as the key does. None beyond the last row.
    fn stored_key(&self, row: usize) -> Option<(u64, u64)> {
        let stride = stride_for(self.bits);
        let at = row * stride;
        Some((self.word(at)?, self.word(at + stride - 16)?))
    }

    fn payload(&self, row: usize) -> Option<u64> {
        let stride = stride_for(self.bits);
        self.word(row * stride + stride - 8)
    }

    fn word(&self, at: usize) -> Option<u64> {
        self.rows.bytes().get(at..)?.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Every row with its whole key, in order.
    pub(crate) fn iter(&self) -> Rows<'_> {
        Rows { segment: self, row: 0, bucket: 0 }
    }

    /// Holds bytes that came from outside against the invariants. Without them a probe would
    /// miss rows, and a missed row is a mail to somebody who opted out.
    pub(crate) fn check(&self) -> Result<(), SuppressionError> {
        const DAMAGED: fn(&'static str) -> SuppressionError = SuppressionError::SnapshotDamaged;
        let stride = stride_for(self.bits);
        let shard = usize::from(self.shard) < SHARDS;
        if !shard
            || !self.rows.bytes().len().is_multiple_of(stride)
            || self.directory.len() != (1 << self.bits) + 1
        {
            return Err(DAMAGED("lengths do not fit each other"));
        }
        let ends = (self.directory.first(), self.directory.last().map(|row| *row as usize));
        if ends != (Some(&0), Some(self.len())) || !self.directory.is_sorted() {
            return Err(DAMAGED("directory does not ascend to the number of rows"));
        }
        let mut last = None;
        for (index, pair) in self.iter().enumerate() {
            // Those bits of shard and bucket that are no whole byte are in the row too.
            let bucket = bucket_of(pair.0, self.bits);
            let starts = self.directory.get(bucket).is_some_and(|row| *row as usize <= index);
            let ends = self.directory.get(bucket + 1).is_some_and(|row| *row as usize > index);
            if !(starts && ends) || shard_of(pair.0) != self.shard {
                return Err(DAMAGED("row in the wrong place"));
            }
            if last.is_some_and(|last| last >= pair) {
                return Err(DAMAGED("rows do not ascend"));
            }
            last = Some(pair);
        }
        Ok(())
    }
}

/// A key as a segment compares it.
#[derive(Debug, Clone)]
struct Wanted {
    stored: (u64, u64),
    /// Where in its bucket an evenly spread key lies, in 2^-32.
    fraction: u32,
}

impl Wanted {
    #[expect(clippy::cast_possible_truncation, reason = "the wanted bits are shifted down first")]
    fn new(key: u128, bits: u32) -> Self {
        let implied = 8 * ((SHARD_BITS + bits) / 8);
        let first = (key << implied) >> 64;
        Self {
            stored: (first as u64, key as u64),
            fraction: ((key << (SHARD_BITS + bits)) >> 96) as u32,
        }
    }
}

/// The packed facts of one key in one segment.
#[derive(Debug, Clone)]
pub(crate) struct Hits<'a> {
    segment: &'a Segment,
    wanted: Wanted,
    next: usize,
    end: usize,
}

impl Iterator for Hits<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        if self.next >= self.end || self.segment.stored_key(self.next)? != self.wanted.stored {
            return None;
        }
        let payload = self.segment.payload(self.next)?;
        self.next += 1;
        Some(payload)
    }
}

/// All rows of a segment, with the bytes put back that the directory implies.
#[derive(Debug, Clone)]
pub(crate) struct Rows<'a> {
    segment: &'a Segment,
    row: usize,
    bucket: usize,
}

impl Iterator for Rows<'_> {
    type Item = Pair;

    fn next(&mut self) -> Option<Pair> {
        let bits = self.segment.bits;
        let stride = stride_for(bits);
        let at = self.row * stride;
        let stored = self.segment.rows.bytes().get(at..at + stride)?;
        while self
            .segment
            .directory
            .get(self.bucket + 1)
            .is_some_and(|end| *end as usize <= self.row)
        {
            self.bucket += 1;
        }
        let mut whole = [0; ROW];
        let (implied, rest) = whole.split_at_mut(dropped(bits));
        let known = usize::from(self.segment.shard) << bits | self.bucket;
        let prefix = (known >> ((SHARD_BITS + bits) % 8)).to_be_bytes();
        for (byte, value) in implied.iter_mut().rev().zip(prefix.into_iter().rev()) {
            *byte = value;
        }
        rest.copy_from_slice(stored);
        self.row += 1;
        Some(pair(&whole))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.segment.len().saturating_sub(self.row);
        (left, Some(left))
    }
}
