//! What is done with the ledger besides adding to it: rows taken back, personal fields
//! erased, a new key, checkpoints, and the record of all that.

use std::collections::BTreeSet;

use ledger::{
    Checkpoint, Erased, Event, EventLine, Found, IfMissing, ImportLine, Missing, Named, Undone,
    open_pair,
};
use suppression::{AddressKeys, Timestamp};

use super::desk::{Desk, LEDGER};
use super::placing::{
    Places, PreparedRestore, RestoreOutcome, RestoreRequest, check_restore, put_in_place,
    restore_details,
};
use crate::error::AppError;

/// The new key, and the event that records it.
#[derive(Clone, Debug)]
pub struct Rekeyed {
    /// Its number.
    pub key: String,
    /// How many there are before it.
    pub older: usize,
    /// The event.
    pub event: u64,
}

/// Rows that were taken back.
#[derive(Clone, Debug)]
pub struct TakenBack {
    /// The rows that say so.
    pub rows: Vec<u64>,
    /// The sources they were of, which are read again.
    pub read_again: Vec<String>,
}

impl Desk {
    /// Every entry under one of these keys, and whether it was taken back.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn found(&mut self, keys: &[AddressKeys]) -> Result<Vec<Found>, AppError> {
        Ok(self.ledger()?.entries_of(keys)?)
    }

    /// Takes rows back. When this returns the index goes by it. The sources they were of are
    /// read again at once, so that an entry that a file still asks for comes back now and not
    /// some day; meanwhile they are known, since nothing else of them is in doubt.
    ///
    /// # Errors
    /// What the ledger says; nothing was taken back then.
    pub fn withdraw(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        positions: &[u64],
    ) -> Result<TakenBack, AppError> {
        let ledger = self.ledger()?;
        let mut sources = BTreeSet::new();
        for position in positions {
            sources.extend(ledger.entry(*position)?.map(|entry| entry.source));
        }
        let rows = ledger.withdraw(now, by, reason, positions)?;
        self.follow()?;
        let read_again = self.states.again(|name| sources.contains(name), None);
        Ok(TakenBack { rows, read_again })
    }

    /// What a reading of all of a source has not named, of the rows that keep it in step.
    ///
    /// # Errors
    /// What the ledger says.
    pub(super) fn missing(&mut self, source: &str, named: &Named) -> Result<Missing, AppError> {
        Ok(self.ledger()?.missing(source, named)?)
    }

    /// Takes some of the missing rows back. When this returns the index goes by it. The source is
    /// not read again: it has just been.
    ///
    /// # Errors
    /// What the ledger says; nothing was taken back then, or the index could not follow.
    pub(super) fn withdraw_missing(
        &mut self,
        now: Timestamp,
        missing: &mut Missing,
        limit: usize,
    ) -> Result<u64, AppError> {
        let rows = self.ledger()?.withdraw_missing(now, missing, limit)?;
        self.follow()?;
        Ok(rows)
    }

    /// Takes a whole import back. When this returns the index goes by it. A source that it was
    /// of is unknown until it was read again, because its file may name the same people still.
    ///
    /// # Errors
    /// What the ledger says; nothing was taken back then.
    pub fn undo_import(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        import: &str,
    ) -> Result<(Undone, Vec<String>), AppError> {
        let undone = self.ledger()?.undo_import(now, by, reason, import)?;
        // Before the index opens anything.
        let why = format!("import {import} was taken back, the file is to be read again");
        let read_again = self.states.again(|name| name == undone.source, Some(&why));
        self.follow()?;
        Ok((undone, read_again))
    }

    /// Every import.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn imports(&mut self) -> Result<Vec<ImportLine>, AppError> {
        Ok(self.ledger()?.imports()?)
    }

    /// Blanks the personal fields of every entry under these keys.
    ///
    /// # Errors
    /// What the ledger says; nothing was blanked then.
    pub fn erase(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        keys: &[AddressKeys],
    ) -> Result<Erased, AppError> {
        Ok(self.ledger()?.erase(now, by, reason, keys)?)
    }

    /// Makes a new key. When this returns it is used for every new entry and look-up.
    ///
    /// # Errors
    /// What the ledger says; the old key is the current one then.
    pub fn rekey(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: Option<&str>,
    ) -> Result<Rekeyed, AppError> {
        let file = self.key_file.clone();
        let reason = reason.unwrap_or("a new key was asked for");
        let opened = self.ledger()?.rekey(now, by, reason, &file)?;
        let rekeyed = Rekeyed {
            key: format!("{:08x}", opened.ring.current().key_id().0),
            older: opened.ring.older().len(),
            event: self.checkpoint(now)?.events,
        };
        self.keys.replace(opened.ring);
        Ok(rekeyed)
    }

    /// Where the ledger stands.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn checkpoint(&mut self, now: Timestamp) -> Result<Checkpoint, AppError> {
        Ok(self.ledger()?.checkpoint(now)?)
    }

    /// Records that something was done; the number of the event.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn record(
        &mut self,
        now: Timestamp,
        what: &str,
        by: &str,
        details: &serde_json::Value,
    ) -> Result<u64, AppError> {
        let details = details.to_string();
        Ok(self.ledger()?.record_event(now, &Event { what, by, details: &details })?)
    }

    /// Everything that was done.
    ///
    /// # Errors
    /// What the ledger says.
    pub fn events(&mut self) -> Result<Vec<EventLine>, AppError> {
        Ok(self.ledger()?.events()?)
    }

    /// Puts a backup in the place of the ledger. Until that is done mail is deferred. Where
    /// it cannot be done, the ledger stays as it is.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn restore(
        &mut self,
        now: Timestamp,
        prepared: &PreparedRestore,
        request: &RestoreRequest,
    ) -> Result<RestoreOutcome, AppError> {
        // The ledger that is open, even if its file was taken away: its entries are in force.
        if let Some(present) = self.ledger.as_ref().filter(|_| !request.replace) {
            check_restore(present, prepared, now)?;
        }
        self.states.unknown(LEDGER, "it is being restored");
        let places = Places { ledger: self.path.clone(), key: self.key_file.clone() };
        self.ledger = None;
        let placed = put_in_place(prepared, &places, now);
        // The files of the sources say more than a backup of an earlier day.
        let why = "the ledger was restored, the file is to be read again";
        let read_again = self.states.again(|_| true, Some(why));
        let opened = open_pair(&self.path, &self.key_file, IfMissing::Refuse, now)
            .map_err(AppError::from)
            .and_then(|(ledger, opened)| {
                self.keys.replace(opened.ring);
                self.take_over(ledger)
            });
        if let Err(error) = opened {
            tracing::error!(%error, "no ledger after a restore, deferring mail");
            return Err(error);
        }
        let kept = placed?;
        let details = restore_details(prepared, request, &kept);
        self.record(now, "restore", &request.by, &details)?;
        let position = prepared.checkpoint.position;
        Ok(RestoreOutcome { position, kept, enforced: true, read_again })
    }
}
