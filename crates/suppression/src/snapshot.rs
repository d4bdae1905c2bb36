//! The index as bytes, so that a start reads these and the tail of the ledger instead of the
//! whole ledger (DESIGN s7). A snapshot is never the truth: whatever is wrong with one, the
//! caller throws it away and reads the ledger.
//!
//! ```text
//! magic 8 | version u32 | header length u32 | header | header MAC 32 | segments | body MAC 32
//! header:  key id u32 | position u64 | epoch u64 | anchor 32
//!          | origins u32 | { kind u8, scope u8, name u32 + bytes, source u32 + bytes,
//!                            subject u8, form u32 + bytes, lapses u8, lifetime u16 }
//!          | withdrawn rows: u32 + bytes (the portable Roaring format)
//!          | segments u32 | { half u8, shard u8, bits u8, rows u32, withdrawn when made u64 }
//! segment: directory (2^bits + 1) x u32 | rows, as in memory
//! ```
//! Numbers are big-endian. Both MACs are made by the hasher of the rows: under another key no
//! row would ever be found and everybody could be mailed, so such a snapshot does not open.
//! The header is proven before its lengths are believed. The anchor is the ledger's hash at
//! `position`; a caller compares it, so that a snapshot of another ledger, or of one that was
//! put back to an older state, is not taken for this one's.

use std::io::{Read, Write};
use std::sync::Arc;

use crate::error::SuppressionError;
use crate::fact::Fact;
use crate::hasher::{Digest, Hasher};
use crate::index::Index;
use crate::layout::stride_for;
use crate::merge::Which;
use crate::rows::RowWriter;
use crate::segment::Segment;
use crate::shards::Shards;

mod header;
mod summed;

use self::header::{Fields, Header, Listed};
use self::summed::Summed;

const MAGIC: &[u8; 8] = b"OPTGIDX\n";
const VERSION: u32 = 4;
/// 65,536 origins of ordinary length are 5 MB.
const HEADER_MAX: u32 = 256 << 20;
const HEADER_SPACE: &str = "index-snapshot-header";
const BODY_SPACE: &str = "index-snapshot-body";
/// Directory words are turned into bytes and back in pieces of this many.
const WORDS: usize = 16 * 1024;
/// Rows are read in pieces of this many bytes.
const PIECE: usize = 256 * 1024;

/// An index together with the place in the ledger it was made at.
#[derive(Debug)]
pub struct Snapshot {
    /// The index.
    pub index: Index,
    /// The ledger's hash of the row at the index's position.
    pub anchor: [u8; 32],
}

impl Snapshot {
    /// Writes it piece by piece; nothing of the size of the index is held besides the index.
    ///
    /// # Errors
    /// When writing fails.
    pub fn write_to(&self, out: &mut impl Write, hasher: &Hasher) -> Result<(), SuppressionError> {
        let segments: Vec<_> = self.segments().collect();
        let mut header = hasher.key_id().0.to_be_bytes().to_vec();
        let place = (self.index.position, self.index.epoch, self.anchor);
        let tables = (&*self.index.origins, &*self.index.withdrawn);
        header::write(&mut header, place, tables, &segments)?;
        let length = u32::try_from(header.len())
            .ok()
            .filter(|length| *length <= HEADER_MAX)
            .ok_or_else(|| SuppressionError::Io("more origins than a snapshot holds".to_owned()))?;
        let proof = hasher.digest(HEADER_SPACE, &header);
        let mut out = Summed::new(out);
        out.put(MAGIC)?;
        out.put(&VERSION.to_be_bytes())?;
        out.put(&length.to_be_bytes())?;
        out.put(&header)?;
        out.put(proof.as_bytes())?;
        for (_, segment) in segments {
            for words in segment.directory().chunks(WORDS) {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
                out.put(&bytes)?;
            }
            out.put(segment.row_bytes())?;
        }
        let proof = hasher.digest(BODY_SPACE, &out.sum());
        out.put(proof.as_bytes())?;
        out.flush()
    }

    /// Reads what [`write_to`](Self::write_to) wrote, and checks all of it.
    ///
    /// # Errors
    /// When it is no snapshot, of another version, made under another key, or damaged.
    pub fn read_from(input: &mut impl Read, hasher: &Hasher) -> Result<Self, SuppressionError> {
        let mut input = Summed::new(input);
        if &input.take::<8>()? != MAGIC {
            return Err(SuppressionError::NotASnapshot("it begins with other bytes"));
        }
        let version = u32::from_be_bytes(input.take()?);
        if version != VERSION {
            return Err(SuppressionError::SnapshotVersion { found: version, known: VERSION });
        }
        let length = u32::from_be_bytes(input.take()?);
        if length > HEADER_MAX {
            return Err(SuppressionError::SnapshotDamaged("header too long"));
        }
        let header = input.take_many(u64::from(length))?;
        let proof = Digest(input.take()?);
        let mut fields = Fields { rest: &header };
        let key_id = fields.u32()?;
        if key_id != hasher.key_id().0 {
            return Err(SuppressionError::SnapshotKey { found: key_id, ours: hasher.key_id().0 });
        }
        if hasher.digest(HEADER_SPACE, &header) != proof {
            return Err(SuppressionError::SnapshotDamaged(
                "header changed, or made under a key that has our number",
            ));
        }
        let header = Header::read(&mut fields)?;

        let (mut objections, mut consents) = (Vec::new(), Vec::new());
        for listed in header.segments {
            let segment = Arc::new(read_segment(&mut input, &listed)?);
            segment.check()?;
            let unknown = |fact: Fact| header.origins.get(fact.origin).is_none();
            if segment.iter().any(|(_, payload)| unknown(Fact::unpack(payload))) {
                return Err(SuppressionError::SnapshotDamaged("row of an unknown origin"));
            }
            match listed.which {
                Which::Objections => objections.push(segment),
                Which::Consents => consents.push(segment),
            }
        }
        let proof = hasher.digest(BODY_SPACE, &input.sum());
        if Digest(input.take()?) != proof {
            return Err(SuppressionError::SnapshotDamaged("rows changed"));
        }
        let index = Index::from_parts(
            Shards::from_segments(objections),
            Shards::from_segments(consents),
            header.origins,
            header.withdrawn,
            header.epoch,
            header.position,
        );
        Ok(Self { index, anchor: header.anchor })
    }

    /// All of it in memory.
    ///
    /// # Errors
    /// When it is too long to be written.
    pub fn to_bytes(&self, hasher: &Hasher) -> Result<Vec<u8>, SuppressionError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes, hasher)?;
        Ok(bytes)
    }

    /// Reads what [`to_bytes`](Self::to_bytes) made. More bytes behind it are an error.
    ///
    /// # Errors
    /// As for [`read_from`](Self::read_from).
    pub fn from_bytes(mut bytes: &[u8], hasher: &Hasher) -> Result<Self, SuppressionError> {
        let snapshot = Self::read_from(&mut bytes, hasher)?;
        match bytes {
            [] => Ok(snapshot),
            _ => Err(SuppressionError::SnapshotDamaged("bytes behind its end")),
        }
    }

    fn segments(&self) -> impl Iterator<Item = (Which, &Segment)> {
        let objections = self.index.objections.segments();
        let consents = self.index.consents.segments();
        objections
            .map(|segment| (Which::Objections, segment.as_ref()))
            .chain(consents.map(|segment| (Which::Consents, segment.as_ref())))
    }
}

fn read_segment(
    input: &mut Summed<'_, impl Read>,
    listed: &Listed,
) -> Result<Segment, SuppressionError> {
    let Listed { shard, bits, rows, seen, .. } = *listed;
    let mut left = (1_usize << bits) + 1;
    let mut directory = Vec::with_capacity(left);
    while left > 0 {
        let words = left.min(WORDS);
        let bytes = input.take_many(4 * words as u64)?;
        directory.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)));
        left -= words;
    }
    let length = u64::from(rows) * stride_for(bits) as u64;
    let length = usize::try_from(length).map_err(|_| summed::TOO_LONG)?;
    let mut rows = RowWriter::with_capacity(length);
    let mut left = length;
    while left > 0 {
        let piece = left.min(PIECE);
        rows.push(&input.take_many(piece as u64)?);
        left -= piece;
    }
    Ok(Segment::from_parts(shard, bits, directory, rows.finish()).having_seen(seen))
}

#[cfg(test)]
mod tests;
