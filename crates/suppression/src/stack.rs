//! One shard's immutable segments and its small delta.
//!
//! A single addition makes a new delta of at most [`Limits::delta`] rows and shares everything else.
//! A delta that outgrows that becomes a segment, taking along the last segment if that is
//! small ([`Limits::small`]), so that one-by-one additions leave few segments even when nobody merges.
//! After background merging each segment is more than [`TIER`] times as large as all smaller
//! ones together: at ten million rows a shard has at most four or five, and each row is
//! rewritten a few times in its life.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::layout::SHARDS;
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

/// Aligned as a segment is, and for the same reason.
#[derive(Debug, Clone)]
#[repr(align(128))]
pub(crate) struct Stack {
    segments: Vec<Arc<Segment>>,
    delta: Option<Arc<Segment>>,
    limits: Limits,
}

impl Stack {
    pub(crate) fn empty(limits: Limits) -> Self {
        Self { segments: Vec::new(), delta: None, limits }
    }

    /// The stack with this segment as it is.
    pub(crate) fn push(&mut self, segment: Arc<Segment>) {
        self.segments.push(segment);
    }

    /// All segments that have rows, the delta last.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &Arc<Segment>> {
        self.segments.iter().chain(&self.delta)
    }

    pub(crate) fn find(&self, key: u128) -> impl Iterator<Item = u64> {
        self.segments().flat_map(move |segment| segment.find(key))
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
        let mut parts = vec![addition];
        parts.extend(next.delta.take());
        if parts.iter().map(|part| part.len()).sum::<usize>() <= self.limits.delta {
            next.delta = Some(join(parts));
            return next;
        }
        if let Some(last) = next.segments.pop_if(|last| last.len() <= self.limits.small) {
            parts.push(last);
        }
        next.segments.push(join(parts));
        next
    }

    /// The segments that should be merged now, if any, where `withdrawn` ledger rows have been
    /// taken back.
    pub(crate) fn merge_due(&self, withdrawn: u64) -> Option<Vec<Arc<Segment>>> {
        if self.holds_many_withdrawn(withdrawn) {
            return Some(self.segments.clone());
        }
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

    /// Whether about a quarter of its rows, and enough to be worth the work, were taken back
    /// since they were written. Which rows is not counted: keys are evenly spread over the
    /// shards, and a merge for nothing sees the withdrawals and is not asked for again.
    fn holds_many_withdrawn(&self, withdrawn: u64) -> bool {
        let rows = self.segments.iter().map(|segment| segment.len() as u64);
        let gone = self.segments.iter().map(|segment| {
            let since = withdrawn.saturating_sub(segment.seen()) / SHARDS as u64;
            since.min(segment.len() as u64)
        });
        let (rows, gone) = (rows.sum::<u64>(), gone.sum::<u64>());
        gone > self.limits.small as u64 && gone >= rows / 4 && u32::try_from(rows).is_ok()
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
        if !output.is_empty() {
            // In front, because the last one is the one that further additions may be joined to.
            segments.insert(0, Arc::clone(output));
        }
        Some(Self { segments, delta: self.delta.clone(), limits: self.limits })
    }
}

/// One segment of several; the same one if there is only one.
fn join(mut parts: Vec<Arc<Segment>>) -> Arc<Segment> {
    match parts.len() {
        1 => parts.swap_remove(0),
        _ => {
            let seen = parts.iter().map(|part| part.seen()).min().unwrap_or(0);
            Arc::new(merge(&parts, &RoaringBitmap::new()).having_seen(seen))
        }
    }
}
