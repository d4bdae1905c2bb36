//! What the keeper's thread has in its hands: the ledger, and the pen for the index.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use address::PersonRules;
use ledger::{Appended, Ledger, SourceState};
use suppression::{
    AddressKeys, Batch, Entry, IndexKey, NewEntry, SharedIndex, SuppressionError, Timestamp,
};

use super::fresh;
use super::image;
use super::states::ListStates;
use crate::clock;
use crate::error::AppError;
use crate::keys::Keys;

/// Rows that enter the index in one step while the ledger is followed.
const STEP: usize = 64 * 1024;
/// The name under which a ledger that cannot be followed is unknown. No source can have
/// it: names of sources hold no space.
const LEDGER: &str = "the ledger";
/// The ledger and the index, for one piece of work at a time.
#[derive(Debug)]
pub struct Desk {
    ledger: Ledger,
    keys: Keys,
    index: Arc<SharedIndex>,
    states: Arc<ListStates>,
    /// The ledger's data version as last seen; another one means another writer.
    version: i64,
    /// Up to which position the image on disk goes.
    imaged: u64,
    /// When the last image was made.
    imaged_at: std::time::Instant,
}

impl Desk {
    /// Loads the image, reads the tail of the ledger, and has an index.
    pub(super) fn open(
        mut ledger: Ledger,
        keys: Keys,
        rules: &PersonRules,
        states: Arc<ListStates>,
    ) -> Result<Self, AppError> {
        ledger.keep_rules(&rules.to_string())?;
        let start = clock::instant();
        let version = ledger.data_version()?;
        let index = image::load(&ledger, keys.load().current());
        let imaged = index.position();
        let mut desk = Self {
            ledger,
            keys,
            index: Arc::new(SharedIndex::new(index)),
            states,
            version,
            imaged,
            imaged_at: start,
        };
        desk.follow()?;
        let entries = desk.index.load().len();
        let tail = desk.index.load().position() - imaged;
        let took = start.elapsed();
        tracing::info!(entries, image = imaged, tail, ?took, "index ready");
        Ok(desk)
    }

    /// The index, to share.
    pub fn index(&self) -> &Arc<SharedIndex> {
        &self.index
    }

    /// What makes keys of addresses.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Records entries. When this returns they are on disk, and the index refuses them.
    ///
    /// # Errors
    /// Then nothing was recorded, or the index could not take what was; the gate answers
    /// 451 then until it can.
    pub fn append(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        entries: &[NewEntry],
    ) -> Result<Appended, AppError> {
        let appended = self.ledger.append(now, import, entries)?;
        self.take_in(now, entries, &appended)?;
        Ok(appended)
    }

    /// Brings rows into the index that were just appended: from the entries they were made
    /// of, if no other writer's rows came before them, else as they stand in the ledger.
    fn take_in(
        &mut self,
        now: Timestamp,
        entries: &[NewEntry],
        appended: &Appended,
    ) -> Result<(), AppError> {
        let position = self.index.load().position();
        let gapless = position + appended.added.len() as u64 == appended.head;
        if !gapless || self.states.all_unknown().contains_key(LEDGER) {
            return self.follow();
        }
        let batch = fresh::batch(now, entries, &appended.added);
        let taken = batch.and_then(|batch| {
            self.index.update(|index| index.with_batch(batch, appended.head))?;
            Ok(())
        });
        // Whatever it was, the rows are in the ledger, and that is where they are read.
        if taken.is_err() { self.follow() } else { Ok(()) }
    }

    /// Brings rows that others have written into the index.
    pub(super) fn follow_others(&mut self) -> Result<(), AppError> {
        let version = self.ledger.data_version()?;
        if version != self.version || self.states.all_unknown().contains_key(LEDGER) {
            self.follow()?;
            self.version = version;
        }
        Ok(())
    }

    /// Brings every row behind the index's position into it.
    fn follow(&mut self) -> Result<(), AppError> {
        let result = self.follow_steps();
        match &result {
            Ok(()) => self.states.known(LEDGER),
            Err(error) => {
                tracing::error!(%error, "the index cannot follow the ledger, deferring mail");
                self.states.unknown(LEDGER, "it cannot be read");
            }
        }
        result
    }

    fn follow_steps(&mut self) -> Result<(), AppError> {
        loop {
            let from = self.index.load().position();
            let mut batch = Batch::new();
            let mut wrong: Option<SuppressionError> = None;
            let last = self.ledger.for_each_since(from, |row| {
                let key = IndexKey::from(row.index_digest());
                match batch.push(key, row.origin, row.effective().day(), row.position) {
                    Ok(()) if batch.len() < STEP => ControlFlow::Continue(()),
                    Ok(()) => ControlFlow::Break(()),
                    Err(error) => {
                        wrong = Some(error);
                        ControlFlow::Break(())
                    }
                }
            })?;
            if let Some(error) = wrong {
                return Err(error.into());
            }
            let full = batch.len() >= STEP;
            if last > from {
                self.index.update(|index| index.with_batch(batch, last))?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    /// Every entry about an address.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn entries_of(&mut self, keys: &AddressKeys) -> Result<Vec<Entry>, AppError> {
        let found = self.ledger.entries_of(std::slice::from_ref(keys))?;
        Ok(found.into_iter().map(|found| found.entry).collect())
    }

    /// One entry.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn entry(&self, position: u64) -> Result<Option<Entry>, AppError> {
        Ok(self.ledger.entry(position)?)
    }

    /// How a source fared.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn source_state(&self, name: &str) -> Result<Option<SourceState>, AppError> {
        Ok(self.ledger.source_state(name)?)
    }

    /// Notes how a source fared.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn set_source_state(&mut self, state: &SourceState) -> Result<(), AppError> {
        Ok(self.ledger.set_source_state(state)?)
    }

    /// Does a little of what can wait; tells whether there is more.
    pub(super) fn settle(&mut self) -> Result<bool, AppError> {
        Ok(self.ledger.settle()?)
    }

    /// An image that is worth writing now: many rows since the last one, and some time.
    pub(super) fn image_due(&self) -> bool {
        let behind = self.index.load().position().saturating_sub(self.imaged);
        behind > 100_000 && self.imaged_at.elapsed() > Duration::from_secs(60)
    }

    /// What is needed to write an image, if there are rows that the last one lacks.
    pub(super) fn image(&mut self) -> Result<Option<Image>, AppError> {
        let index = self.index.load_full();
        self.imaged_at = clock::instant();
        if index.position() == self.imaged {
            return Ok(None);
        }
        let Some(anchor) = image::anchor(&self.ledger, index.position())? else { return Ok(None) };
        self.imaged = index.position();
        Ok(Some(Image {
            ledger: self.ledger.path().to_path_buf(),
            index: suppression::Index::clone(&index),
            anchor,
            hasher: self.keys.current(),
        }))
    }
}

/// An image on its way to the disk.
#[derive(Debug)]
pub(super) struct Image {
    ledger: std::path::PathBuf,
    index: suppression::Index,
    anchor: [u8; 32],
    hasher: suppression::Hasher,
}

impl Image {
    pub(super) fn write(self) {
        let position = self.index.position();
        match image::store(&self.ledger, self.index, self.anchor, &self.hasher) {
            Ok(()) => tracing::debug!(position, "index image written"),
            Err(error) => {
                tracing::warn!(%error, "index image not written; the next start takes longer")
            }
        }
    }
}
