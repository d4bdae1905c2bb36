//! Immutable segments and a small delta: what is swapped when an opt-out arrives.
//!
//! A single addition makes a new delta of at most [`DELTA`] rows and shares everything else.
//! A delta that outgrows that becomes a segment, taking along the last segment if that is
//! small ([`SMALL`]), so that one-by-one additions leave few segments even when nobody merges.
//! After background merging each segment is more than [`TIER`] times as large as all smaller
//! ones together: ten million rows are at most four or five segments, each row is rewritten
//! a few times in its life.

use std::sync::Arc;

use crate::merge::merge;
use crate::segment::Segment;

/// Rows of the delta: copied at every addition, so about 100 KB, some ten microseconds.
const DELTA: usize = 4096;
/// Up to this many rows are merged on the spot, about a millisecond.
const SMALL: usize = 65_536;
/// A segment joins the merge of all smaller ones unless it is larger than this times their sum.
const TIER: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    segments: Vec<Arc<Segment>>,
    delta: Arc<Segment>,
}

impl Stack {
    pub(crate) fn empty() -> Self {
        Self { segments: Vec::new(), delta: Arc::new(Segment::empty()) }
    }

    pub(crate) fn from_segments(segments: Vec<Arc<Segment>>) -> Self {
        Self { segments, ..Self::empty() }
    }

    /// All segments that have rows, the delta last.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().chain([&self.delta]).filter(|segment| !segment.is_empty())
    }

    pub(crate) fn find(&self, key: u128) -> impl Iterator<Item = u64> {
        [&self.delta].into_iter().chain(&self.segments).flat_map(move |segment| segment.find(key))
    }

    pub(crate) fn len(&self) -> usize {
        self.segments().map(|segment| segment.len()).sum()
    }

    pub(crate) fn memory(&self) -> usize {
        self.segments().map(|segment| segment.memory()).sum()
    }

    /// The stack with these rows as well.
    pub(crate) fn with(&self, addition: Segment) -> Self {
        let mut next = self.clone();
        let addition = Arc::new(addition);
        if addition.is_empty() {
            return next;
        }
        if addition.len() > SMALL {
            next.segments.push(addition);
            return next;
        }
        let rows = self.delta.len() + addition.len();
        let mut parts = vec![addition];
        if !self.delta.is_empty() {
            parts.push(Arc::clone(&self.delta));
        }
        if rows <= DELTA {
            next.delta = join(parts);
            return next;
        }
        if let Some(last) = next.segments.pop_if(|last| last.len() <= SMALL) {
            parts.push(last);
        }
        next.segments.push(join(parts));
        next.delta = Arc::new(Segment::empty());
        next
    }

    /// The segments that should be merged now, if any.
    pub(crate) fn merge_due(&self) -> Option<Vec<Arc<Segment>>> {
        let mut by_size = self.segments.clone();
        by_size.sort_by_key(|segment| segment.len());
        let (mut take, mut sum) = (0, 0_usize);
        for (index, segment) in by_size.iter().enumerate() {
            let total = sum.saturating_add(segment.len());
            if u32::try_from(total).is_err() {
                break;
            }
            if index > 0 && segment.len() <= sum.saturating_mul(TIER) {
                take = index + 1;
            }
            sum = total;
        }
        by_size.truncate(take);
        (take > 1).then_some(by_size)
    }

    /// The stack with `output` in the place of `inputs`; none if it no longer has all of them.
    pub(crate) fn merged(&self, inputs: &[Arc<Segment>], output: &Arc<Segment>) -> Option<Self> {
        let is_input =
            |segment: &Arc<Segment>| inputs.iter().any(|input| Arc::ptr_eq(input, segment));
        let mut segments = self.segments.clone();
        segments.retain(|segment| !is_input(segment));
        if segments.len() + inputs.len() != self.segments.len() {
            return None;
        }
        // In front, because the last one is the one that further additions may be joined to.
        segments.insert(0, Arc::clone(output));
        Some(Self { segments, delta: Arc::clone(&self.delta) })
    }
}

/// One segment of several; the same one if there is only one.
fn join(mut parts: Vec<Arc<Segment>>) -> Arc<Segment> {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => Arc::new(merge(&parts)),
    }
}
