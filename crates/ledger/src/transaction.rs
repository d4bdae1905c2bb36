//! A write transaction: takes the lock, follows what others wrote, does its work, commits. When
//! anything fails the whole of it is undone and nothing remembered is trusted any more.

use roaring::RoaringTreemap;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::LedgerError;
use crate::ledger::{Counters, Ledger, Memory, set_indexed};
use crate::lookup::{self, Pointer};
use crate::origins::Origins;
use crate::recent::Brought;

/// What stops the work inside a transaction: the database, or a rule of ours.
#[derive(Debug)]
pub(crate) enum Fault {
    Sqlite(rusqlite::Error),
    Rule(LedgerError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Rule(error)
    }
}

/// What the work of a transaction leaves to remember once it is committed.
#[derive(Debug, Default)]
pub(crate) struct Written {
    /// Rows added, as the look-up knows them.
    pub(crate) pointers: Vec<Pointer>,
    /// Rows taken back.
    pub(crate) withdrawn: RoaringTreemap,
    /// Look for older rows that can be brought in, whether there are many or not.
    pub(crate) force: bool,
}

impl Ledger {
    /// Runs `work` in a transaction of its own. `BEGIN IMMEDIATE` takes the lock before the head
    /// is read, so two processes cannot give the same position; `synchronous = FULL` means that
    /// when this returns, what was written is on disk.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Memory, Counters, &mut Written) -> Result<T, Fault>,
    ) -> Result<T, LedgerError> {
        let result = self.transact(work);
        result.map_err(|fault| {
            match fault {
                Fault::Sqlite(error) => {
                    self.forget();
                    self.fault(error)
                }
                Fault::Rule(error) => {
                    // What was read is true; numbers that were given out are not.
                    self.memory.origins = Origins::default();
                    error
                }
            }
        })
    }

    fn transact<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Memory, Counters, &mut Written) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self { connection, memory, .. } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let counters = memory.follow(&transaction)?;
        let mut written = Written::default();
        let done = work(&transaction, memory, counters, &mut written)?;
        let withdrawn = std::mem::take(&mut written.withdrawn);
        let head = counters.head.position + written.pointers.len() as u64;
        let (pointers, brought) = look_up(&transaction, memory, counters, head, written)?;
        transaction.commit()?;
        memory.recent.committed(&brought);
        memory.recent.insert(pointers);
        memory.withdrawn.insert_all(withdrawn);
        memory.followed = Some(head);
        Ok(done)
    }
}

/// Puts few new rows straight into the table of addresses; of many, leaves them to be remembered
/// and brings a slice of older ones in.
fn look_up(
    connection: &Connection,
    memory: &mut Memory,
    counters: Counters,
    head: u64,
    written: Written,
) -> rusqlite::Result<(Vec<Pointer>, Brought)> {
    let Written { pointers, force, .. } = written;
    if !force && memory.recent.takes_at_once(pointers.len()) {
        lookup::insert(connection, &pointers)?;
        if !pointers.is_empty() {
            set_indexed(connection, head)?;
        }
        return Ok((Vec::new(), Brought::default()));
    }
    let (end, indexed) = (counters.head.position, counters.indexed);
    let brought = memory.recent.bring_in(connection, end, indexed, pointers.len(), force)?;
    if let Some(indexed) = brought.indexed {
        set_indexed(connection, indexed)?;
    }
    Ok((pointers, brought))
}
