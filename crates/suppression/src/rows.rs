//! The memory that the rows of a segment lie in.
//!
//! A probe reads one place of some hundred megabytes, at random. In pages of 4 KiB nearly each
//! such read has to ask first where the page is (the processor remembers a few thousand of
//! them), which takes longer than the read. So rows of some size lie in a mapping of their own
//! for which the kernel is asked for pages of 2 MiB (`/sys/kernel/mm/transparent_hugepage/enabled`
//! is `madvise` or `always`); where it gives none, everything works and is slower. Only whole
//! pages of 2 MiB are asked for, so that the end of a mapping takes no more than its rows.

use memmap2::MmapMut;

/// Pages that the processor finds quickly.
const HUGE: usize = 2 << 20;

/// The bytes of rows that do not change any more.
#[derive(Debug)]
pub(crate) struct RowBytes(Place<Box<[u8]>>);

/// Rows that are being written.
#[derive(Debug)]
pub(crate) struct RowWriter(Place<Vec<u8>>);

#[derive(Debug)]
enum Place<Heap> {
    Heap(Heap),
    Map(Mapped),
}

/// The rows lie at `start..end` of the mapping; a page of 2 MiB begins at `start`.
#[derive(Debug)]
struct Mapped {
    map: MmapMut,
    start: usize,
    end: usize,
}

impl RowBytes {
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Place::Heap(bytes) => bytes,
            Place::Map(Mapped { map, start, end }) => map.get(*start..*end).unwrap_or_default(),
        }
    }
}

impl From<Vec<u8>> for RowBytes {
    fn from(bytes: Vec<u8>) -> Self {
        if bytes.len() < HUGE {
            return Self(Place::Heap(bytes.into_boxed_slice()));
        }
        let mut rows = RowWriter::with_capacity(bytes.len());
        rows.push(&bytes);
        rows.finish()
    }
}

impl RowWriter {
    /// Room for that many bytes.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        if bytes < HUGE {
            return Self(Place::Heap(Vec::with_capacity(bytes)));
        }
        // Without a mapping the memory grows with what is written: the number may be a lie.
        Self(Mapped::new(bytes).map_or_else(|| Place::Heap(Vec::new()), Place::Map))
    }

    /// Appends bytes, for which there is room.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Place::Heap(rows) => rows.extend_from_slice(bytes),
            Place::Map(mapped) => mapped.push(bytes),
        }
    }

    /// The rows written.
    pub(crate) fn finish(self) -> RowBytes {
        RowBytes(match self.0 {
            Place::Heap(rows) => Place::Heap(rows.into_boxed_slice()),
            Place::Map(mapped) => Place::Map(mapped),
        })
    }
}

impl Mapped {
    fn new(bytes: usize) -> Option<Self> {
        let map = MmapMut::map_anon(bytes.checked_add(HUGE)?).ok()?;
        let start = map.as_ptr().align_offset(HUGE);
        // A kernel without huge pages refuses, and gives small ones.
        #[cfg(target_os = "linux")]
        let _ = map.advise_range(memmap2::Advice::HugePage, start, bytes / HUGE * HUGE);
        Some(Self { map, start, end: start })
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.end + bytes.len();
        if let Some(room) = self.map.get_mut(self.end..end) {
            room.copy_from_slice(bytes);
            self.end = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    #[test]
    fn what_is_written_is_read_in_either_place() {
        for length in [0, 1, 24, HUGE - 1, HUGE, HUGE + 1, 3 * HUGE - 5] {
            let bytes = pattern(length);
            let mut rows = RowWriter::with_capacity(length);
            for piece in bytes.chunks(65_537) {
                rows.push(piece);
            }
            let rows = rows.finish();
            assert!(rows.bytes() == bytes, "{length}");
            assert_eq!(matches!(rows.0, Place::Map(_)), length >= HUGE, "{length}");
            assert!(RowBytes::from(bytes.clone()).bytes() == bytes, "{length}");
        }
    }

    #[test]
    fn fewer_rows_than_announced_are_no_more() {
        let bytes = pattern(1000);
        let mut rows = RowWriter::with_capacity(5 * HUGE);
        rows.push(&bytes);
        assert!(rows.finish().bytes() == bytes);
    }

    #[test]
    fn more_than_there_can_be_is_announced_in_vain() {
        let mut rows = RowWriter::with_capacity(usize::MAX / 2);
        rows.push(b"abc");
        assert_eq!(rows.finish().bytes(), b"abc");
    }

    #[test]
    fn rows_in_a_mapping_begin_with_a_huge_page() {
        let rows = RowBytes::from(pattern(2 * HUGE));
        assert_eq!(rows.bytes().as_ptr().align_offset(HUGE), 0);
    }
}
