//! What the keeper's thread has in its hands: the ledger, and the pen for the index.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use address::PersonRules;
use ledger::{Appended, Followed, Found, KeyFile, Ledger, LedgerError, Prepared, SourceState};
use suppression::{AddressKeys, Entry, Hasher, Index, KeyId, NewEntry, SharedIndex, Timestamp};

use super::feed::{self, Fed};
use super::image;
use super::states::ListStates;
use crate::clock;
use crate::error::AppError;
use crate::keys::Keys;

/// The name under which a ledger that cannot be followed is unknown. No source can have
/// it: names of sources hold no space.
pub(super) const LEDGER: &str = "the ledger";

/// The ledger and the index, for one piece of work at a time.
#[derive(Debug)]
pub struct Desk {
    /// None only while a restore is at work, or when one failed half way.
    pub(super) ledger: Option<Ledger>,
    /// Where the ledger is.
    pub(super) path: PathBuf,
    /// Where its key file is.
    pub(super) key_file: PathBuf,
    pub(super) rules: PersonRules,
    pub(super) keys: Keys,
    pub(super) index: Arc<SharedIndex>,
    pub(super) states: Arc<ListStates>,
    /// Which file the ledger is.
    number: Number,
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
        ledger: Ledger,
        key_file: PathBuf,
        keys: Keys,
        rules: &PersonRules,
        states: Arc<ListStates>,
    ) -> Result<Self, AppError> {
        let path = ledger.path().to_path_buf();
        let mut desk = Self {
            ledger: None,
            path,
            key_file,
            rules: rules.clone(),
            keys,
            index: Arc::new(SharedIndex::default()),
            states,
            number: Number::default(),
            version: 0,
            imaged: 0,
            imaged_at: clock::instant(),
        };
        desk.take_over(ledger)?;
        Ok(desk)
    }

    /// Puts a ledger and an index made of it in the place of those before. The keys are its
    /// own already.
    pub(super) fn take_over(&mut self, mut ledger: Ledger) -> Result<(), AppError> {
        ledger.keep_rules(&self.rules.to_string())?;
        let start = clock::instant();
        let version = ledger.data_version()?;
        let ring = self.keys.load();
        let mut index = image::load(&ledger, &ring);
        let imaged = index.position();
        loop {
            match feed::step(&ledger, &ring, index.position())? {
                Fed::Rows { batch, last, more } => {
                    index = index.with_batch(*batch, last)?;
                    if !more {
                        break;
                    }
                }
                Fed::Nothing => break,
                Fed::Strange(key) => return Err(strange(key)),
            }
        }
        drop(ring);
        let (entries, tail) = (index.len(), index.position() - imaged);
        let took = start.elapsed();
        self.index.store(index.after(self.index.load().epoch()));
        (self.version, self.imaged, self.imaged_at) = (version, imaged, start);
        self.number = Number::of(&self.path).map_err(|e| AppError::io(&self.path, e))?;
        self.ledger = Some(ledger);
        self.states.known(LEDGER);
        tracing::info!(entries, image = imaged, tail, ?took, "index ready");
        Ok(())
    }

    /// The index, to share.
    pub fn index(&self) -> &Arc<SharedIndex> {
        &self.index
    }

    /// What makes keys of addresses.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The ledger, if it is still the file under its name: what is written into a file
    /// that was removed or replaced meanwhile is nowhere.
    pub(super) fn ledger(&mut self) -> Result<&mut Ledger, AppError> {
        let ledger = self.ledger.as_mut().ok_or(AppError::Away)?;
        match Number::of(&self.path) {
            Ok(number) if number == self.number => Ok(ledger),
            Ok(_) => Err(AppError::Displaced(self.path.clone())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(AppError::Displaced(self.path.clone()))
            }
            Err(error) => Err(AppError::io(&self.path, error)),
        }
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
        self.append_prepared(now, import, &Prepared::new(entries.to_vec())?)
    }

    /// As [`append`](Self::append), for entries that another thread has made ready.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_prepared(
        &mut self,
        now: Timestamp,
        import: Option<&str>,
        prepared: &Prepared,
    ) -> Result<Appended, AppError> {
        self.append_as(now, prepared, |ledger, followed| {
            ledger.append_prepared(now, import, prepared, followed)
        })
    }

    /// As [`append_prepared`](Self::append_prepared), for an import that is not repeated by
    /// itself: what it says again stays when the import that brought it is undone.
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_once(
        &mut self,
        now: Timestamp,
        import: &str,
        prepared: &Prepared,
    ) -> Result<Appended, AppError> {
        self.append_as(now, prepared, |ledger, followed| {
            ledger.append_once(now, import, prepared, followed)
        })
    }

    /// How many of these entries an import would add. Writes nothing.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn foresee(&mut self, now: Timestamp, prepared: &Prepared) -> Result<usize, AppError> {
        let followed = !self.states.is_unknown(LEDGER);
        let index = self.index.load_full();
        let may_know = |entry: &NewEntry| feed::may_know(&index, entry);
        let known = Followed { position: index.position(), may_know: &may_know };
        Ok(self.ledger()?.foresee(now, prepared, followed.then_some(known))?)
    }

    /// As [`append_prepared`](Self::append_prepared), for a source that is the master of its
    /// entries: see [`Ledger::append_mirrored`], and [`Keeper::take_back_missing`] for what a full
    /// reading of it no longer names.
    ///
    /// [`Keeper::take_back_missing`]: super::Keeper::take_back_missing
    ///
    /// # Errors
    /// As for [`append`](Self::append).
    pub fn append_mirrored(
        &mut self,
        now: Timestamp,
        import: &str,
        prepared: &Prepared,
    ) -> Result<Appended, AppError> {
        self.append_as(now, prepared, |ledger, followed| {
            ledger.append_mirrored(now, import, prepared, followed)
        })
    }

    fn append_as(
        &mut self,
        now: Timestamp,
        prepared: &Prepared,
        append: impl FnOnce(&mut Ledger, Option<Followed<'_>>) -> Result<Appended, LedgerError>,
    ) -> Result<Appended, AppError> {
        let followed = !self.states.is_unknown(LEDGER);
        let index = self.index.load_full();
        let may_know = |entry: &NewEntry| feed::may_know(&index, entry);
        let known = Followed { position: index.position(), may_know: &may_know };
        let ledger = self.ledger()?;
        let appended = append(ledger, followed.then_some(known))?;
        drop(index);
        self.take_in(now, prepared, &appended)?;
        Ok(appended)
    }

    /// Brings rows into the index that were just appended: from the entries they were made
    /// of, if no other writer's rows came before them, else as they stand in the ledger.
    fn take_in(
        &mut self,
        now: Timestamp,
        prepared: &Prepared,
        appended: &Appended,
    ) -> Result<(), AppError> {
        if self.index.load().position() != appended.before || self.states.is_unknown(LEDGER) {
            return self.follow();
        }
        let batch = feed::batch(prepared.rows(appended, now), appended.added.len());
        let taken = batch
            .and_then(|batch| self.index.update(|index| index.with_batch(batch, appended.head)));
        // Whatever it was, the rows are in the ledger, and that is where they are read.
        if taken.is_err() { self.follow() } else { Ok(()) }
    }

    /// Brings rows that others have written into the index, and notices a new key of theirs.
    pub(super) fn follow_others(&mut self) -> Result<(), AppError> {
        let followed = self.follow_if_changed();
        if followed.is_err() && !self.states.is_unknown(LEDGER) {
            self.states.unknown(LEDGER, "it cannot be read");
        }
        followed
    }

    fn follow_if_changed(&mut self) -> Result<(), AppError> {
        let version = self.ledger()?.data_version()?;
        if version != self.version || self.states.is_unknown(LEDGER) {
            self.follow()?;
            self.version = version;
            let current = self.ledger()?.current_key()?;
            if current.is_some_and(|key| key != self.keys.current().key_id()) {
                self.reload_keys()?;
            }
        }
        Ok(())
    }

    /// Brings every row behind the index's position into it.
    pub(super) fn follow(&mut self) -> Result<(), AppError> {
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
        let mut reloaded = false;
        loop {
            let ledger = self.ledger.as_ref().ok_or(AppError::Away)?;
            let from = self.index.load().position();
            match feed::step(ledger, &self.keys.load(), from)? {
                Fed::Rows { batch, last, more } => {
                    self.index.update(|index| index.with_batch(*batch, last))?;
                    if !more {
                        return Ok(());
                    }
                }
                Fed::Nothing => return Ok(()),
                Fed::Strange(_) if !reloaded => {
                    self.reload_keys()?;
                    reloaded = true;
                }
                Fed::Strange(key) => return Err(strange(key)),
            }
        }
    }

    /// Reads the key file again: another process has made a new key.
    fn reload_keys(&mut self) -> Result<(), AppError> {
        let file = KeyFile::load(&self.key_file)?;
        let opened = self.ledger()?.keys(&file)?;
        self.keys.replace(opened.ring);
        tracing::info!("another process has made a new key; it is used from now on");
        Ok(())
    }

    /// Every entry about an address.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn entries_of(&mut self, keys: &AddressKeys) -> Result<Vec<Entry>, AppError> {
        let found = self.ledger()?.entries_of(std::slice::from_ref(keys))?;
        Ok(found.into_iter().map(|found| found.entry).collect())
    }

    /// Every entry under any of these keys, and by which row it was taken back.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn found_of(&mut self, keys: &[AddressKeys]) -> Result<Vec<Found>, AppError> {
        Ok(self.ledger()?.entries_of(keys)?)
    }

    /// One entry.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn entry(&mut self, position: u64) -> Result<Option<Entry>, AppError> {
        Ok(self.ledger()?.entry(position)?)
    }

    /// How a source fared.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn source_state(&mut self, name: &str) -> Result<Option<SourceState>, AppError> {
        Ok(self.ledger()?.source_state(name)?)
    }

    /// Notes how a source fared in a round; false, and nothing noted, if that round is over.
    ///
    /// # Errors
    /// What the ledger says.
    pub(crate) fn set_source_state(
        &mut self,
        state: &SourceState,
        round: u64,
    ) -> Result<bool, AppError> {
        // Rounds end at this desk.
        if self.states.round(&state.name) != round {
            return Ok(false);
        }
        self.ledger()?.set_source_state(state)?;
        Ok(true)
    }

    /// Does a little of what can wait; tells whether there is more.
    pub(super) fn settle(&mut self) -> Result<bool, AppError> {
        Ok(self.ledger()?.settle()?)
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
        let Some(anchor) = image::anchor(self.ledger()?, index.position())? else {
            return Ok(None);
        };
        self.imaged = index.position();
        Ok(Some(Image {
            ledger: self.path.clone(),
            index: Index::clone(&index),
            anchor,
            hasher: self.keys.current(),
        }))
    }
}

/// Which file is under a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Number {
    device: u64,
    file: u64,
}

impl Number {
    fn of(path: &Path) -> std::io::Result<Self> {
        let found = std::fs::metadata(path)?;
        Ok(Self { device: found.dev(), file: found.ino() })
    }
}

fn strange(key: KeyId) -> AppError {
    AppError::StrangeKey(format!("{:08x}", key.0))
}

/// An image on its way to the disk.
#[derive(Debug)]
pub(super) struct Image {
    ledger: PathBuf,
    index: Index,
    anchor: [u8; 32],
    hasher: Hasher,
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
