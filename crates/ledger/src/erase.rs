//! Blanking the personal free fields of a person (GDPR Art. 17): plain address, reason, evidence
//! and their salt. The fact that the person must not be mailed stays, as a keyed hash, and so
//! does the chain, which covers only the salted digest of those fields.
//!
//! SQLite is told to overwrite what it frees (`secure_delete`), and the write-ahead log, in which
//! the old pages still stand, is brought in and cut to nothing. What the file system or a backup
//! keeps of the old bytes is beyond this file.

use suppression::{AddressKeys, Timestamp};

use crate::error::LedgerError;
use crate::event::{self, Event};
use crate::ledger::Ledger;
use crate::read;
use crate::row;
use crate::withdraw::accountable;

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The rows that were blanked, now.
    pub positions: Vec<u64>,
    /// Rows of this person that hold nothing to blank, or were blanked before.
    pub nothing_to_do: u64,
    /// The event that records it; none where no row is about them, and nothing was done.
    pub event: Option<u64>,
    /// Whether the old bytes are gone from the files. If not, another process was reading; they
    /// go when the log is next brought in, at the latest when the last process closes the file.
    pub swept: bool,
}

impl Ledger {
    /// Blanks the personal free fields of every row about these addresses or persons: give the
    /// keys under every key of the ring. `reason` is kept for ever and must not name the person.
    ///
    /// # Errors
    /// When author or reason are missing, or the file cannot be written; nothing is blanked then.
    pub fn erase(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        keys: &[AddressKeys],
    ) -> Result<Erased, LedgerError> {
        accountable(by, reason)?;
        let mut erased = self.write(|transaction, memory, counters, _| {
            let found = read::find(transaction, memory, keys)?;
            if found.is_empty() {
                return Ok(Erased {
                    positions: Vec::new(),
                    nothing_to_do: 0,
                    event: None,
                    swept: true,
                });
            }
            let mut blank = transaction.prepare_cached(
                "UPDATE entry SET plain = NULL, reason = NULL, evidence = NULL, salt = NULL
                 WHERE position = ?1 AND salt IS NOT NULL",
            )?;
            let mut positions = Vec::new();
            for row in &found {
                if blank.execute([row::integer(row.entry.position)])? > 0 {
                    positions.push(row.entry.position);
                }
            }
            let details = serde_json::json!({ "reason": reason, "rows": positions }).to_string();
            let event = Event { what: "erase", by, details: &details };
            let event = Some(event::put(transaction, counters.head, now, &event)?);
            let nothing_to_do = (found.len() - positions.len()) as u64;
            Ok(Erased { positions, nothing_to_do, event, swept: false })
        })?;
        erased.swept = erased.event.is_none() || self.sweep();
        Ok(erased)
    }

    /// Brings the write-ahead log into the file and empties it. Whether that could be done.
    fn sweep(&self) -> bool {
        self.connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |found| found.get::<_, i64>(0))
            .is_ok_and(|busy| busy == 0)
    }
}
