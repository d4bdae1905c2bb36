//! Whether today's ledger extends the state of a checkpoint: the one question that a chain alone
//! cannot answer, because a chain can be rewritten whole.

use crate::checkpoint::Checkpoint;
use crate::digits::hex;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::verify::Verification;

/// What a ledger is to a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extension {
    /// The chains are intact, and what the checkpoint covers stands unchanged below what was
    /// added since.
    Extends {
        /// Rows added since.
        rows: u64,
        /// Events added since.
        events: u64,
        /// Rows whose personal free fields were erased, as they may be.
        erased: u64,
    },
    /// The ledger is not what it was, or was never it.
    Not {
        /// How.
        what: String,
    },
    /// The chains of the ledger are broken in themselves.
    Broken(Verification),
}

impl Extension {
    /// Whether the checkpoint is proven.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        matches!(self, Self::Extends { .. })
    }
}

impl Ledger {
    /// Walks both chains and proves that this ledger extends a checkpoint, or says how it does
    /// not. `progress` is told the position from time to time. Check the signature first.
    ///
    /// # Errors
    /// When the file cannot be read; what is wrong in it is no error but the result.
    pub fn verify_against(
        &self,
        checkpoint: &Checkpoint,
        progress: impl FnMut(u64),
    ) -> Result<Extension, LedgerError> {
        let walk = self.walk(checkpoint.position, checkpoint.events, progress)?;
        if walk.ledger_id != checkpoint.ledger_id {
            let (this, that) = (hex(&walk.ledger_id), hex(&checkpoint.ledger_id));
            let what = format!("the checkpoint is of another ledger: {that}, and this is {this}");
            return Ok(Extension::Not { what });
        }
        let Verification::Intact { head, erased, events } = walk.verification else {
            return Ok(Extension::Broken(walk.verification));
        };
        let parts = [
            ("row", checkpoint.position, head.position, checkpoint.hash, walk.row_hash),
            ("event", checkpoint.events, events.position, checkpoint.events_hash, walk.event_hash),
        ];
        for (word, then, now, hash, found) in parts {
            if now < then {
                let what = format!(
                    "it was cut back: it ends at {word} {now}, and on {} it ended at {word} {then}",
                    checkpoint.time
                );
                return Ok(Extension::Not { what });
            }
            if found != Some(hash) {
                let what = format!(
                    "it was rewritten: {word} {then}, or one before it, is not the one there was \
                     on {}",
                    checkpoint.time
                );
                return Ok(Extension::Not { what });
            }
        }
        Ok(Extension::Extends {
            rows: head.position - checkpoint.position,
            events: events.position - checkpoint.events,
            erased,
        })
    }
}
