//! The index: what the RCPT path asks, derived from the ledger and always rebuildable from it
//! (DESIGN s7). A value of it never changes; the next state shares nearly everything with the
//! one before, so a session keeps a consistent state for as long as it holds on to it.
//!
//! Objections and consents are kept apart: objections are nearly all rows and are asked for
//! every recipient, consents are few and asked only when an objection was found.
//!
//! Invariant: the epoch changes exactly when an answer may, so two equal epochs of one lineage
//! mean equal verdicts. Merging changes no verdict and no epoch; it forgets what was taken back.

use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::batch::Batch;
use crate::decide::{Case, Known};
use crate::error::SuppressionError;
use crate::fact::Fact;
use crate::hashed::HashedForm;
use crate::hasher::{AddressKeys, IndexKey};
use crate::kind::Kind;
use crate::merge::{Merge, Merged, Which};
use crate::origin::{Origin, OriginId, Origins};
use crate::scope::Scope;
use crate::segment::Segment;
use crate::shards::Shards;
use crate::stack::Limits;
use crate::time::Day;

/// Ledger rows taken back together from which on they are kept as a run (some bytes) instead
/// of bit by bit (a megabyte for an undone import of ten million).
const UNDONE: u32 = 4096;

/// One immutable state of everything known. Cloning it is cheap. Aligned so that the count of
/// its owners is not in a line of the cache that readers need.
#[derive(Debug, Clone)]
#[repr(align(128))]
pub struct Index {
    pub(crate) objections: Shards,
    pub(crate) consents: Shards,
    pub(crate) origins: Arc<Origins>,
    /// Ledger rows that later ones took back.
    pub(crate) withdrawn: Arc<RoaringBitmap>,
    pub(crate) epoch: u64,
    pub(crate) position: u64,
    /// Stands for an origin number without an origin, which cannot be: a fact nobody can read
    /// must refuse, not vanish.
    unreadable: Arc<Origin>,
}

impl Index {
    /// The index of an empty ledger.
    #[must_use]
    pub fn empty() -> Self {
        Self::with_limits(Limits::DEFAULT)
    }

    pub(crate) fn with_limits(limits: Limits) -> Self {
        let (objections, consents) = (Shards::empty(limits), Shards::empty(limits));
        Self::from_parts(objections, consents, Origins::new(), RoaringBitmap::new(), 0, 0)
    }

    pub(crate) fn from_parts(
        objections: Shards,
        consents: Shards,
        origins: Origins,
        withdrawn: RoaringBitmap,
        epoch: u64,
        position: u64,
    ) -> Self {
        let unreadable = Origin::new("unknown", Kind::Manual, Scope::All);
        Self {
            objections,
            consents,
            origins: Arc::new(origins),
            withdrawn: Arc::new(withdrawn),
            epoch,
            position,
            unreadable: Arc::new(unreadable),
        }
    }

    /// Everything known about a key but consents, in no particular order. What was taken back
    /// may be missing.
    pub fn facts(&self, key: IndexKey) -> impl Iterator<Item = Fact> {
        self.objections.find(key.0).map(Fact::unpack)
    }

    /// The consents under a key, in no particular order. What was taken back may be missing.
    pub fn consents(&self, key: IndexKey) -> impl Iterator<Item = Fact> {
        self.consents.find(key.0).map(Fact::unpack)
    }

    /// Whether it holds any consent.
    #[must_use]
    pub fn has_consents(&self) -> bool {
        self.consents.len() > 0
    }

    /// Every origin there is, or was.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        self.origins.iter()
    }

    /// The origin with that number.
    #[must_use]
    pub fn origin(&self, id: OriginId) -> Option<&Origin> {
        self.origins.get(id)
    }

    /// Whether a later entry took this ledger row back.
    #[must_use]
    pub fn is_withdrawn(&self, position: u32) -> bool {
        self.withdrawn.contains(position)
    }

    /// Whether anything in it is about a whole domain; else nobody need ask for one.
    #[must_use]
    pub fn has_domains(&self) -> bool {
        self.origins.any_domain()
    }

    /// Whether anything in it is about a class of solicitation; else nobody need ask who refuses
    /// which.
    #[must_use]
    pub fn has_classes(&self) -> bool {
        self.origins.any_class()
    }

    /// The forms of the lists of digests in it, each once; nearly always none, and then nobody
    /// need make a digest.
    #[must_use]
    pub fn hashed_forms(&self) -> &[Arc<HashedForm>] {
        self.origins.hashed_forms()
    }

    /// Adds what is known about these keys to a case. Asks for objections to the person and to
    /// the address as written, because a source may be configured to match by either.
    pub fn gather<'a>(&'a self, keys: &AddressKeys, case: &mut Case<'a>) {
        let (person, exact) = (IndexKey::from(&keys.person), IndexKey::from(&keys.exact));
        case.objections.extend(self.facts(person).map(|fact| self.known(fact)));
        if exact != person {
            case.objections.extend(self.facts(exact).map(|fact| self.known(fact)));
        }
        case.consents.extend(self.consents(exact).map(|fact| self.known(fact)));
    }

    fn known(&self, fact: Fact) -> Known<'_> {
        let origin = self.origin(fact.origin).unwrap_or(&self.unreadable);
        Known { fact, origin, withdrawn: self.is_withdrawn(fact.position) }
    }

    /// The number of this state; larger for a later one.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// This state as one that follows a state of that number: for one that was made from
    /// scratch and takes its place.
    #[must_use]
    pub fn after(mut self, epoch: u64) -> Self {
        self.epoch = self.epoch.max(epoch.saturating_add(1));
        self
    }

    /// The last ledger position it includes.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many facts it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.objections.len() + self.consents.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory its rows and directories take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.objections.memory() + self.consents.memory()
    }

    /// How many segments a probe looks into at most.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.objections.depth()
    }

    /// The next state, with a few more facts. `position` is the last ledger position included.
    ///
    /// # Errors
    /// When there are too many origins; this state goes on unchanged.
    pub fn with(
        &self,
        additions: impl IntoIterator<Item = (IndexKey, Origin, Day, u32)>,
        position: u64,
    ) -> Result<Self, SuppressionError> {
        let mut batch = Batch::new();
        for (key, origin, day, row) in additions {
            batch.push(key, &origin, day, u64::from(row))?;
        }
        self.with_batch(batch, position)
    }

    /// The next state, with a batch of facts. `position` is the last ledger position included.
    /// A batch without facts only moves the position.
    ///
    /// # Errors
    /// When there are too many origins; this state goes on unchanged.
    pub fn with_batch(&self, mut batch: Batch, position: u64) -> Result<Self, SuppressionError> {
        let mut next = self.clone();
        next.position = position.max(self.position);
        if batch.is_empty() {
            return Ok(next);
        }
        next.epoch += 1;
        if !batch.withdrawn.is_empty() {
            let withdrawn = Arc::make_mut(&mut next.withdrawn);
            for range in batch.withdrawn.drain(..) {
                let undone = range.end().saturating_sub(*range.start()) > UNDONE;
                withdrawn.insert_range(range);
                if undone {
                    withdrawn.optimize();
                }
            }
        }
        let known: Option<Vec<_>> =
            batch.origins.iter().map(|origin| self.origins.find(origin)).collect();
        let numbers = if let Some(numbers) = known {
            numbers
        } else {
            let mut origins = Origins::clone(&self.origins);
            let numbers =
                batch.origins.iter().map(|origin| origins.intern(origin)).collect::<Result<_, _>>();
            next.origins = Arc::new(origins);
            numbers?
        };
        batch.renumber(&numbers);
        let seen = self.withdrawn.len();
        let made = |segment: Segment| segment.having_seen(seen);
        next.objections = self.objections.with(batch.objections.seal().map(made));
        next.consents = self.consents.with(batch.consents.seal().map(made));
        Ok(next)
    }

    /// What should be merged now, if anything. For a thread in the background; ask again after
    /// each merge.
    #[must_use]
    pub fn merge_due(&self) -> Option<Merge> {
        let count = self.withdrawn.len();
        [(Which::Objections, &self.objections), (Which::Consents, &self.consents)]
            .into_iter()
            .find_map(|(which, shards)| {
                let withdrawn = Arc::clone(&self.withdrawn);
                Some(Merge { which, inputs: shards.merge_due(count)?, withdrawn })
            })
    }

    /// This state with a finished merge in place: the same verdicts from fewer segments or rows.
    /// Unchanged if the merge was made from segments it no longer has.
    #[must_use]
    pub fn merged(&self, merged: &Merged) -> Self {
        let mut next = self.clone();
        let shards = match merged.merge.which {
            Which::Objections => &mut next.objections,
            Which::Consents => &mut next.consents,
        };
        shards.merged(&merged.merge.inputs, &merged.output);
        next
    }
}

impl Default for Index {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests;
