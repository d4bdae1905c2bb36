//! Which keys of the key file are this ledger's, and which of them is the current one.
//!
//! The ledger decides: its table `hash_key` lists its keys in the order in which they were added,
//! and the last one is the key of new entries. A key that the file has and the ledger does not
//! know is a rekey that did not finish, or one of a newer state of the ledger: it is left alone.
//! A key that the ledger knows and the file lacks stops everything, because opt-outs made under
//! it would not be found.

use rusqlite::Connection;
use suppression::{Hasher, KeyId, KeyRing};

use crate::digits::show;
use crate::error::LedgerError;
use crate::keyfile::{Fingerprint, KeyFile};
use crate::ledger::Ledger;
use crate::row;

/// The keys of a ledger.
#[derive(Debug, Clone)]
pub struct Keys {
    /// Those to look addresses up under; the current one is that of new entries.
    pub ring: KeyRing,
    /// Whether others than its owner may read the key file: worth a warning.
    pub exposed: bool,
    /// Keys in the file that the ledger does not know: worth a note.
    pub unfinished: Vec<KeyId>,
}

/// A key as the ledger knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownKey {
    pub(crate) id: KeyId,
    pub(crate) fingerprint: Fingerprint,
}

impl Ledger {
    /// The keys of this ledger out of its key file.
    ///
    /// # Errors
    /// [`LedgerError::KeyWrong`] when it has none of them, [`LedgerError::KeyLacking`] when one
    /// is not there.
    pub fn keys(&self, file: &KeyFile) -> Result<Keys, LedgerError> {
        let known = known(&self.connection).map_err(|error| self.fault(error))?;
        let find = |known: &KnownKey| -> Option<Hasher> {
            file.keys()
                .find(|key| key.id == known.id && key.fingerprint() == known.fingerprint)
                .map(|key| key.hasher())
        };
        let ids =
            |keys: &mut dyn Iterator<Item = KeyId>| keys.map(show).collect::<Vec<_>>().join(", ");
        // The newest first, as a ring has them.
        let mut found: Vec<_> = known.iter().rev().filter_map(find).collect();
        if found.is_empty() {
            let expected = match known.is_empty() {
                true => "it has none yet".to_owned(),
                false => ids(&mut known.iter().map(|key| key.id)),
            };
            return Err(LedgerError::KeyWrong {
                key: file.path().to_owned(),
                ledger: self.path.clone(),
                found: ids(&mut file.keys().map(|key| key.id)),
                expected,
            });
        }
        if found.len() < known.len() {
            let missing = known.iter().filter(|key| find(key).is_none());
            return Err(LedgerError::KeyLacking {
                key: file.path().to_owned(),
                ledger: self.path.clone(),
                missing: ids(&mut missing.map(|key| key.id)),
            });
        }
        let strange = file.keys().map(|key| key.id).filter(|id| known.iter().all(|k| k.id != *id));
        let (unfinished, exposed) = (strange.collect(), file.is_exposed());
        let current = found.remove(0);
        Ok(Keys { ring: KeyRing::new(current, found), exposed, unfinished })
    }

    /// The key of new entries: another one than before means that some process has changed it.
    /// None only before the first start has ended.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn current_key(&self) -> Result<Option<KeyId>, LedgerError> {
        let known = known(&self.connection).map_err(|error| self.fault(error))?;
        Ok(known.last().map(|key| key.id))
    }
}

/// The keys this ledger's entries were hashed under, the oldest first.
pub(crate) fn known(connection: &Connection) -> rusqlite::Result<Vec<KnownKey>> {
    connection
        .prepare_cached("SELECT id, fingerprint FROM hash_key ORDER BY number")?
        .query_map((), |found| {
            let fingerprint = Fingerprint(row::blob(found, 1)?);
            Ok(KnownKey { id: row::key_id(found, 0)?, fingerprint })
        })?
        .collect()
}
