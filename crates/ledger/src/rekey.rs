//! A new key for new entries (DESIGN s6): after a suspicion, or on a schedule. Older entries stay
//! under their keys and are found by looking up under all of them.
//!
//! The order is: lock the ledger; add the new key to the key file (written beside, synced,
//! renamed over it); note the key and an event in the ledger; commit. Whatever happens in between,
//! each state is whole: before the rename nothing has changed; between rename and commit the file
//! holds a key more than the ledger knows, which is left alone; after the commit it is current.
//! Two processes that do it at once do it one after the other, and both keys stand.

use std::path::Path;

use suppression::Timestamp;

use crate::digits::{hex, show};
use crate::error::LedgerError;
use crate::event::{self, Event};
use crate::keyfile::{Key, KeyFile};
use crate::keys::{self, Keys};
use crate::ledger::Ledger;
use crate::withdraw::accountable;

impl Ledger {
    /// Makes a new key the current one. When this returns, the key file and the ledger are on
    /// disk; keep a new backup of both. Other processes notice by [`Ledger::current_key`].
    ///
    /// # Errors
    /// When the key file is not this ledger's or cannot be replaced, or the ledger cannot be
    /// written. The old key is current then.
    pub fn rekey(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        key_file: &Path,
    ) -> Result<Keys, LedgerError> {
        accountable(by, reason)?;
        let file = self.add_key(now, by, reason, key_file)?;
        self.keys(&file)
    }

    fn add_key(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        path: &Path,
    ) -> Result<KeyFile, LedgerError> {
        // Looked at before the lock too, so that a wrong file is told of whatever it costs.
        self.keys(&KeyFile::load(path)?)?;
        self.write(|transaction, _, counters, _| {
            // Under the lock: another process may have added a key to both since.
            let mut file = KeyFile::load(path)?;
            let known = keys::known(transaction)?;
            let taken =
                |id| known.iter().any(|key| key.id == id) || file.keys().any(|key| key.id == id);
            let mut key = Key::new()?;
            while taken(key.id) {
                key = Key::new()?;
            }
            let (id, fingerprint) = (key.id, key.fingerprint());
            file.add(key)?;
            transaction
                .prepare_cached(
                    "INSERT INTO hash_key (id, fingerprint, added) VALUES (?1, ?2, ?3)",
                )?
                .execute((id.0, &fingerprint.0[..], now.micros()))?;
            let details = serde_json::json!({
                "key": show(id), "fingerprint": hex(&fingerprint.0), "reason": reason,
            });
            let event = Event { what: "rekey", by, details: &details.to_string() };
            event::put(transaction, counters.head, now, &event)?;
            Ok(file)
        })
    }
}
