//! All rows of one half of the index, in sixteen shards by the first bits of the key. A merge
//! then takes the memory of one shard on top of the index and not that of all of it again, and
//! an addition copies the small delta of one shard.

use std::sync::Arc;

use crate::layout::{SHARDS, shard_of};
use crate::segment::Segment;
use crate::stack::{Limits, Stack};

#[derive(Debug, Clone)]
pub(crate) struct Shards([Arc<Stack>; SHARDS]);

impl Shards {
    pub(crate) fn empty(limits: Limits) -> Self {
        Self(std::array::from_fn(|_| Arc::new(Stack::empty(limits))))
    }

    /// Takes segments as they are.
    pub(crate) fn from_segments(segments: impl IntoIterator<Item = Arc<Segment>>) -> Self {
        let mut shards = Self::empty(Limits::DEFAULT);
        for segment in segments {
            if let Some(stack) = shards.stack_mut(segment.shard()) {
                Arc::make_mut(stack).push(segment);
            }
        }
        shards
    }

    fn stack_mut(&mut self, shard: u8) -> Option<&mut Arc<Stack>> {
        self.0.get_mut(usize::from(shard))
    }

    /// The packed facts of a key.
    pub(crate) fn find(&self, key: u128) -> impl Iterator<Item = u64> {
        let stack = self.0.get(usize::from(shard_of(key)));
        stack.into_iter().flat_map(move |stack| stack.find(key))
    }

    /// All segments that have rows.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.0.iter().flat_map(|stack| stack.segments())
    }

    pub(crate) fn len(&self) -> usize {
        self.segments().map(|segment| segment.len()).sum()
    }

    pub(crate) fn memory(&self) -> usize {
        self.segments().map(|segment| segment.memory()).sum()
    }

    /// The most segments that one probe looks into.
    pub(crate) fn depth(&self) -> usize {
        self.0.iter().map(|stack| stack.segments().count()).max().unwrap_or(0)
    }

    /// These shards with further rows.
    pub(crate) fn with(&self, additions: impl IntoIterator<Item = Segment>) -> Self {
        let mut next = self.clone();
        for addition in additions {
            if let Some(stack) = next.stack_mut(addition.shard()) {
                *stack = Arc::new(stack.with(addition));
            }
        }
        next
    }

    /// Segments of one shard that should be merged now, if any, where `withdrawn` ledger rows
    /// have been taken back.
    pub(crate) fn merge_due(&self, withdrawn: u64) -> Option<Vec<Arc<Segment>>> {
        self.0.iter().find_map(|stack| stack.merge_due(withdrawn))
    }

    /// Puts `output` in the place of `inputs`, unless some of them are gone already.
    pub(crate) fn merged(&mut self, inputs: &[Arc<Segment>], output: &Arc<Segment>) {
        let Some(stack) = self.stack_mut(output.shard()) else { return };
        if let Some(smaller) = stack.merged(inputs, output) {
            *stack = Arc::new(smaller);
        }
    }
}
