//! Merging of segments. A pure function over immutable input, so that a thread in the
//! background can run it while probes go on and while further segments arrive. What was taken
//! back is left out, so that an undone import of millions gives its memory back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::fact::Fact;
use crate::layout::{DirectoryWriter, Pair, bits_for, dropped, row, stride_for};
use crate::rows::RowWriter;
use crate::segment::Segment;

/// Which half of an index a merge belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    Objections,
    Consents,
}

/// Segments that should become one. Made by [`Index::merge_due`](crate::Index::merge_due).
#[derive(Debug)]
pub struct Merge {
    pub(crate) which: Which,
    pub(crate) inputs: Vec<Arc<Segment>>,
    /// Ledger rows that were taken back: what the index says of them it need not keep.
    pub(crate) withdrawn: Arc<RoaringBitmap>,
}

impl Merge {
    /// How many rows it will read and write, 24 bytes of memory each while it runs.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.inputs.iter().map(|segment| segment.len()).sum()
    }

    /// Does the work: seconds for tens of millions of rows, so not where mail waits.
    #[must_use]
    pub fn run(self) -> Merged {
        let output = merge(&self.inputs, &self.withdrawn).having_seen(self.withdrawn.len());
        let output = Arc::new(output);
        Merged { merge: self, output }
    }
}

/// A finished merge, to be given to [`Index::merged`](crate::Index::merged).
#[derive(Debug)]
pub struct Merged {
    pub(crate) merge: Merge,
    pub(crate) output: Arc<Segment>,
}

/// One segment with the rows of all, which are of one shard; a row that several have is there
/// once, one of a ledger row that was taken back not at all.
pub(crate) fn merge(inputs: &[Arc<Segment>], withdrawn: &RoaringBitmap) -> Segment {
    let shard = inputs.first().map_or(0, |segment| segment.shard());
    let gone = |payload| withdrawn.contains(Fact::unpack(payload).position);
    let left = |segment: &Arc<Segment>| match withdrawn.is_empty() {
        true => segment.len(),
        false => segment.iter().filter(|(_, payload)| !gone(*payload)).count(),
    };
    let total = inputs.iter().map(left).sum();
    let bits = bits_for(total);
    let mut directory = DirectoryWriter::new(bits);
    let mut rows = RowWriter::with_capacity(total * stride_for(bits));

    let mut sources: Vec<_> = inputs.iter().map(|segment| segment.iter()).collect();
    let mut heads: BinaryHeap<Reverse<(Pair, usize)>> = sources
        .iter_mut()
        .enumerate()
        .filter_map(|(source, rows)| rows.next().map(|pair| Reverse((pair, source))))
        .collect();
    let mut last = None;
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((pair, source)) = *head;
        match sources.get_mut(source).and_then(Iterator::next) {
            Some(next) => *head = Reverse((next, source)),
            None => drop(PeekMut::pop(head)),
        }
        if last.replace(pair) == Some(pair) || gone(pair.1) {
            continue;
        }
        directory.push(pair.0);
        rows.push(row(pair).get(dropped(bits)..).unwrap_or_default());
    }
    Segment::from_parts(shard, bits, directory.finish(), rows.finish())
}
