//! The index as bytes, so that a start reads these and the tail of the ledger instead of the
//! whole ledger (DESIGN s7). A snapshot is never the truth: whatever is wrong with one, the
//! caller throws it away and reads the ledger.
//!
//! ```text
//! magic 8 | version u32 | header length u32 | header | header MAC 32 | segments | body MAC 32
//! header:  key id u32 | position u64 | epoch u64 | anchor 32
//!          | origins u32 | { kind u8, scope u8, name u32 + bytes, source u32 + bytes }
//!          | segments u32 | { half u8, shard u8, bits u8, rows u32 }
//! segment: directory (2^bits + 1) x u32 | rows, as in memory
//! ```
//! Numbers are big-endian. Both MACs are made by the hasher of the rows: under another key no
//! row would ever be found and everybody could be mailed, so such a snapshot does not open.
//! The header is proven before its lengths are believed. The anchor is the ledger's hash at
//! `position`; a caller compares it, so that a snapshot of another ledger, or of one that was
//! put back to an older state, is not taken for this one's.

use std::io::{Read, Write};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::error::SuppressionError;
use crate::fact::Fact;
use crate::hasher::{Digest, Hasher};
use crate::index::Index;
use crate::kind::Kind;
use crate::merge::Which;
use crate::origin::{Origin, Origins};
use crate::scope::Scope;
use crate::segment::{BITS_MAX, Segment, stride_for};
use crate::shards::Shards;

const MAGIC: &[u8; 8] = b"OPTGIDX\n";
const VERSION: u32 = 1;
/// 65,536 origins of ordinary length are 5 MB.
const HEADER_MAX: u32 = 256 << 20;
const HEADER_SPACE: &str = "index-snapshot-header";
const BODY_SPACE: &str = "index-snapshot-body";
/// Directory words are turned into bytes and back in pieces of this many.
const WORDS: usize = 16 * 1024;

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
        let header = self.header(hasher);
        let length = u32::try_from(header.len())
            .ok()
            .filter(|length| *length <= HEADER_MAX)
            .ok_or(SuppressionError::NotASnapshot("header too long to be written"))?;
        let proof = hasher.digest(HEADER_SPACE, &header);
        let mut out = Summed { inner: out, sum: Sha256::new() };
        out.put(MAGIC)?;
        out.put(&VERSION.to_be_bytes())?;
        out.put(&length.to_be_bytes())?;
        out.put(&header)?;
        out.put(proof.as_bytes())?;
        for (_, segment) in self.segments() {
            for words in segment.directory().chunks(WORDS) {
                let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
                out.put(&bytes)?;
            }
            out.put(segment.row_bytes())?;
        }
        let proof = hasher.digest(BODY_SPACE, &out.sum.finalize());
        out.inner.write_all(proof.as_bytes()).and_then(|()| out.inner.flush()).map_err(io)
    }

    /// Reads what [`write_to`](Self::write_to) wrote, and checks all of it.
    ///
    /// # Errors
    /// When it is no snapshot, of another version, made under another key, or damaged.
    pub fn read_from(input: &mut impl Read, hasher: &Hasher) -> Result<Self, SuppressionError> {
        let mut input = Summed { inner: input, sum: Sha256::new() };
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
        let proof = hasher.digest(BODY_SPACE, &input.sum.finalize_reset());
        if Digest(input.take()?) != proof {
            return Err(SuppressionError::SnapshotDamaged("rows changed"));
        }
        let index = Index::from_parts(
            Shards::from_segments(objections),
            Shards::from_segments(consents),
            header.origins,
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

    fn segments(&self) -> impl Iterator<Item = (Which, &Arc<Segment>)> {
        let objections = self.index.objections.segments();
        let consents = self.index.consents.segments();
        objections
            .map(|segment| (Which::Objections, segment))
            .chain(consents.map(|segment| (Which::Consents, segment)))
    }

    fn header(&self, hasher: &Hasher) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(hasher.key_id().0.to_be_bytes());
        out.extend(self.index.position.to_be_bytes());
        out.extend(self.index.epoch.to_be_bytes());
        out.extend(self.anchor);
        out.extend(length(self.index.origins.len()));
        for origin in self.index.origins.iter() {
            out.push(origin.kind.code());
            let name = match &origin.scope {
                Scope::Named(name) => name.as_str(),
                Scope::All | Scope::Commercial => "",
            };
            out.push(origin.scope.narrowness());
            for text in [name, origin.source.as_str()] {
                out.extend(length(text.len()));
                out.extend(text.as_bytes());
            }
        }
        out.extend(length(self.segments().count()));
        for (which, segment) in self.segments() {
            out.push(match which {
                Which::Objections => 0,
                Which::Consents => 1,
            });
            out.push(segment.shard());
            out.push(u8::try_from(segment.bits()).unwrap_or(u8::MAX));
            out.extend(length(segment.len()));
        }
        out
    }
}

/// A length as four bytes. One that does not fit makes a header that is too long as a whole,
/// or a snapshot that does not open.
fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

fn io(error: std::io::Error) -> SuppressionError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => SuppressionError::SnapshotDamaged("cut short"),
        _ => SuppressionError::Io(error.to_string()),
    }
}

fn read_segment(
    input: &mut Summed<'_, impl Read>,
    listed: &Listed,
) -> Result<Segment, SuppressionError> {
    let Listed { shard, bits, rows, .. } = *listed;
    let mut left = (1_usize << bits) + 1;
    let mut directory = Vec::with_capacity(left);
    while left > 0 {
        let words = left.min(WORDS);
        let bytes = input.take_many(4 * words as u64)?;
        directory.extend(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word)));
        left -= words;
    }
    let rows = input.take_many(u64::from(rows) * stride_for(bits) as u64)?;
    Ok(Segment::from_parts(shard, bits, directory, rows))
}

struct Header {
    position: u64,
    epoch: u64,
    anchor: [u8; 32],
    origins: Origins,
    segments: Vec<Listed>,
}

/// A segment as the header lists it.
struct Listed {
    which: Which,
    shard: u8,
    bits: u32,
    rows: u32,
}

impl Header {
    /// Reads what follows the key id.
    fn read(fields: &mut Fields<'_>) -> Result<Self, SuppressionError> {
        const UNKNOWN: SuppressionError = SuppressionError::SnapshotDamaged("unknown code");
        let position = u64::from_be_bytes(fields.take()?);
        let epoch = u64::from_be_bytes(fields.take()?);
        let anchor = fields.take()?;
        let mut origins = Origins::new();
        for number in 0..fields.u32()? {
            let kind = Kind::from_code(fields.u8()?).ok_or(UNKNOWN)?;
            let scope = fields.u8()?;
            let name = fields.text()?;
            let source = fields.text()?;
            let scope = match scope {
                0 => Scope::All,
                1 => Scope::Commercial,
                2 => Scope::Named(name),
                _ => return Err(UNKNOWN),
            };
            let id = origins.intern(&Origin { source, kind, scope })?;
            if u32::from(id.0) != number {
                return Err(SuppressionError::SnapshotDamaged("origin listed twice"));
            }
        }
        let mut segments = Vec::new();
        for _ in 0..fields.u32()? {
            let which = match fields.u8()? {
                0 => Which::Objections,
                1 => Which::Consents,
                _ => return Err(UNKNOWN),
            };
            let shard = fields.u8()?;
            let bits = u32::from(fields.u8()?);
            if bits > BITS_MAX {
                return Err(UNKNOWN);
            }
            segments.push(Listed { which, shard, bits, rows: fields.u32()? });
        }
        match fields.rest {
            [] => Ok(Self { position, epoch, anchor, origins, segments }),
            _ => Err(SuppressionError::SnapshotDamaged("bytes behind the header's end")),
        }
    }
}

/// Fields of a header, one after the other.
struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SuppressionError> {
        let (field, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(SuppressionError::SnapshotDamaged("header ends too early"))?;
        self.rest = rest;
        Ok(*field)
    }

    fn u8(&mut self) -> Result<u8, SuppressionError> {
        self.take().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, SuppressionError> {
        self.take().map(u32::from_be_bytes)
    }

    fn text(&mut self) -> Result<String, SuppressionError> {
        let length = self.u32()? as usize;
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(SuppressionError::SnapshotDamaged("header ends too early"))?;
        self.rest = rest;
        match std::str::from_utf8(text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(SuppressionError::SnapshotDamaged("text that is not UTF-8")),
        }
    }
}

/// Reads or writes, and sums up what went by.
struct Summed<'a, T> {
    inner: &'a mut T,
    sum: Sha256,
}

impl<W: Write> Summed<'_, W> {
    fn put(&mut self, bytes: &[u8]) -> Result<(), SuppressionError> {
        self.sum.update(bytes);
        self.inner.write_all(bytes).map_err(io)
    }
}

impl<R: Read> Summed<'_, R> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SuppressionError> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes).map_err(io)?;
        self.sum.update(bytes);
        Ok(bytes)
    }

    /// As many bytes as the file says. A wrong number costs address space, not memory: pages
    /// are touched only as bytes arrive.
    fn take_many(&mut self, length: u64) -> Result<Vec<u8>, SuppressionError> {
        const TOO_LONG: SuppressionError = SuppressionError::SnapshotDamaged("too long to be held");
        let wanted = usize::try_from(length).map_err(|_| TOO_LONG)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(wanted).map_err(|_| TOO_LONG)?;
        let read = self.inner.by_ref().take(length).read_to_end(&mut bytes).map_err(io)?;
        if read != wanted {
            return Err(SuppressionError::SnapshotDamaged("cut short"));
        }
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests;
