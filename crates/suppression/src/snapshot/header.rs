//! The header of a snapshot: origins and the list of segments. Read only after its proof was
//! checked; still no number in it is believed without looking.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::SuppressionError;
use crate::kind::Kind;
use crate::layout::BITS_MAX;
use crate::merge::Which;
use crate::origin::{Origin, Origins, Subject};
use crate::scope::Scope;
use crate::segment::Segment;

/// What the header says, but for the key id in front.
pub(super) struct Header {
    pub(super) position: u64,
    pub(super) epoch: u64,
    pub(super) anchor: [u8; 32],
    pub(super) origins: Origins,
    pub(super) withdrawn: RoaringBitmap,
    pub(super) segments: Vec<Listed>,
}

/// A segment as the header lists it.
pub(super) struct Listed {
    pub(super) which: Which,
    pub(super) shard: u8,
    pub(super) bits: u32,
    pub(super) rows: u32,
    pub(super) seen: u64,
}

impl Header {
    /// Reads what follows the key id.
    pub(super) fn read(fields: &mut Fields<'_>) -> Result<Self, SuppressionError> {
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
            let (subject, form) = (fields.u8()?, fields.text()?);
            let subject = match subject {
                0 if form.is_empty() => Subject::Address,
                1 if form.is_empty() => Subject::Domain,
                2 => Subject::Hashed(Arc::new(form.parse().map_err(|_| UNKNOWN)?)),
                _ => return Err(UNKNOWN),
            };
            let lapses = fields.u8()?;
            let days = u16::from_be_bytes(fields.take()?);
            let lifetime = match lapses {
                0 if days == 0 => None,
                1 => Some(days),
                _ => return Err(UNKNOWN),
            };
            let id = origins.intern(&Origin { source, kind, scope, subject, lifetime })?;
            if u32::from(id.0) != number {
                return Err(SuppressionError::SnapshotDamaged("origin listed twice"));
            }
        }
        let withdrawn = RoaringBitmap::deserialize_from(fields.bytes()?)
            .map_err(|_| SuppressionError::SnapshotDamaged("withdrawn rows are no bitmap"))?;
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
            let rows = fields.u32()?;
            let seen = u64::from_be_bytes(fields.take()?);
            segments.push(Listed { which, shard, bits, rows, seen });
        }
        match fields.rest {
            [] => Ok(Self { position, epoch, anchor, origins, withdrawn, segments }),
            _ => Err(SuppressionError::SnapshotDamaged("bytes behind the header's end")),
        }
    }
}

/// Fields of a header, one after the other.
pub(super) struct Fields<'a> {
    pub(super) rest: &'a [u8],
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

    pub(super) fn u32(&mut self) -> Result<u32, SuppressionError> {
        self.take().map(u32::from_be_bytes)
    }

    /// Bytes behind their length.
    fn bytes(&mut self) -> Result<&[u8], SuppressionError> {
        let length = self.u32()? as usize;
        let (bytes, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(SuppressionError::SnapshotDamaged("header ends too early"))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn text(&mut self) -> Result<String, SuppressionError> {
        match std::str::from_utf8(self.bytes()?) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(SuppressionError::SnapshotDamaged("text that is not UTF-8")),
        }
    }
}

/// Appends what [`Header::read`] reads.
pub(super) fn write(
    out: &mut Vec<u8>,
    (position, epoch, anchor): (u64, u64, [u8; 32]),
    (origins, withdrawn): (&Origins, &RoaringBitmap),
    segments: &[(Which, &Segment)],
) -> Result<(), SuppressionError> {
    out.extend(position.to_be_bytes());
    out.extend(epoch.to_be_bytes());
    out.extend(anchor);
    out.extend(length(origins.len()));
    for origin in origins.iter() {
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
        let (subject, form) = match &origin.subject {
            Subject::Address => (0, String::new()),
            Subject::Domain => (1, String::new()),
            Subject::Hashed(form) => (2, form.to_string()),
        };
        out.push(subject);
        out.extend(length(form.len()));
        out.extend(form.as_bytes());
        out.push(u8::from(origin.lifetime.is_some()));
        out.extend(origin.lifetime.unwrap_or(0).to_be_bytes());
    }
    out.extend(length(withdrawn.serialized_size()));
    withdrawn.serialize_into(&mut *out).map_err(|e| SuppressionError::Io(e.to_string()))?;
    out.extend(length(segments.len()));
    for (which, segment) in segments {
        out.push(match which {
            Which::Objections => 0,
            Which::Consents => 1,
        });
        out.push(segment.shard());
        out.push(u8::try_from(segment.bits()).unwrap_or(u8::MAX));
        out.extend(length(segment.len()));
        out.extend(segment.seen().to_be_bytes());
    }
    Ok(())
}

/// A length as four bytes. One that does not fit makes a header that is too long as a whole,
/// or a snapshot that does not open.
pub(super) fn length(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}
