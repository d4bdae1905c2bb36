//! One shard's immutable segments and its small delta.
//!
//! A single addition makes a new delta of at most [`Limits::delta`] rows and shares everything else.
//! A delta that outgrows that becomes a segment, taking along the last segment if that is
//! small ([`Limits::small`]), so that one-by-one additions leave few segments even when nobody merges.
//! After background merging each segment is more than [`TIER`] times as large as all smaller
//! ones together: at ten million rows a shard has at most four or five, and each row is
//! rewritten a few times in its life.

use std::sync::Arc;

use crate::merge::merge;
use crate::segment::Segment;

/// How large parts of a stack may be, in rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The delta, copied at every addition: 3 KB, a few microseconds.
    pub(crate) delta: usize,
    /// What is merged on the spot: less than a millisecond.
    pub(crate) small: usize,
}

impl Limits {
    pub(crate) const DEFAULT: Limits = Limits { delta: 128, small: 8192 };
}

/// A segment joins the merge of all smaller ones unless it is larger than this times their sum.
const TIER: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct Stack {
    segments: Vec<Arc<Segment>>,
    delta: Arc<Segment>,
    limits: Limits,
}

impl Stack {
    pub(crate) fn empty(shard: u8, limits: Limits) -> Self {
        Self { segments: Vec::new(), delta: Arc::new(Segment::empty(shard)), limits }
    }

    /// The stack with this segment as it is.
    pub(crate) fn push(&mut self, segment: Arc<Segment>) {
        self.segments.push(segment);
    }

    /// All segments that have rows, the delta last.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().chain([&self.delta]).filter(|segment| !segment.is_empty())
    }

    pub(crate) fn find(&self, key: u128) -> impl Iterator<Item = u64> {
        [&self.delta].into_iter().chain(&self.segments).flat_map(move |segment| segment.find(key))
    }

    /// The stack with these rows as well.
    pub(crate) fn with(&self, addition: Segment) -> Self {
        let mut next = self.clone();
        let addition = Arc::new(addition);
        if addition.is_empty() {
            return next;
        }
        if addition.len() > self.limits.small {
            next.segments.push(addition);
            return next;
        }
        let rows = self.delta.len() + addition.len();
        let mut parts = vec![addition];
        if !self.delta.is_empty() {
            parts.push(Arc::clone(&self.delta));
        }
        if rows <= self.limits.delta {
            next.delta = join(parts);
            return next;
        }
        if let Some(last) = next.segments.pop_if(|last| last.len() <= self.limits.small) {
            parts.push(last);
        }
        next.segments.push(join(parts));
        next.delta = Arc::new(Segment::empty(self.delta.shard()));
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
        Some(Self { segments, delta: Arc::clone(&self.delta), limits: self.limits })
    }
}

/// One segment of several; the same one if there is only one.
fn join(mut parts: Vec<Arc<Segment>>) -> Arc<Segment> {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => Arc::new(merge(&parts)),
    }
}
