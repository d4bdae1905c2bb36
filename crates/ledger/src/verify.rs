//! Proof that no row was changed, removed or put in between: the whole chain, recomputed.
//!
//! What it cannot see by itself is a ledger whose last rows were cut off *together with* the head
//! noted in `meta`, or one rewritten whole: for that a head is kept elsewhere (a checkpoint).

use std::collections::HashMap;

use rusqlite::Row;
use suppression::Timestamp;

use crate::chain::{self, Hash, Link};
use crate::error::LedgerError;
use crate::ledger::{Head, Ledger, counters};
use crate::origins::{self, KnownOrigin};
use crate::row;

/// What a walk over the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// Every row is as it was written.
    Intact {
        /// The last row.
        head: Head,
        /// Rows whose personal free fields were erased, as they may be.
        erased: u64,
    },
    /// The first row that is not.
    Broken {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl Verification {
    /// Whether nothing was wrong.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        matches!(self, Self::Intact { .. })
    }
}

impl Ledger {
    /// Walks the chain from the first row. `progress` is told the position from time to time.
    ///
    /// # Errors
    /// When the file cannot be read; what is wrong in the rows is no error but the result.
    pub fn verify(&self, mut progress: impl FnMut(u64)) -> Result<Verification, LedgerError> {
        let mut walk = || {
            let snapshot = self.connection.unchecked_transaction()?;
            let expected = counters(&snapshot)?.head;
            let (origins, imports) = (origins::all(&snapshot)?, origins::imports(&snapshot)?);
            let ledger_id: Vec<u8> =
                snapshot.query_row("SELECT value FROM meta WHERE name = 'ledger_id'", (), |r| {
                    r.get(0)
                })?;
            let ledger_id = <[u8; 16]>::try_from(ledger_id)
                .map_err(|_| row::broken(0, "the id of the ledger is damaged"))?;
            let mut walker = Walker {
                origins: &origins,
                imports: &imports,
                head: Head { position: 0, hash: chain::genesis(&ledger_id) },
                erased: 0,
                buffer: Vec::new(),
            };
            let mut statement =
                snapshot.prepare(&format!("SELECT {COLUMNS} FROM entry ORDER BY position"))?;
            let mut rows = statement.query(())?;
            while let Some(row) = rows.next()? {
                if let Err(what) = walker.step(row) {
                    let position = walker.head.position + 1;
                    return Ok(Verification::Broken { position, what });
                }
                if walker.head.position.is_multiple_of(10_000) {
                    progress(walker.head.position);
                }
            }
            Ok(walker.end(expected))
        };
        walk().map_err(|error| self.fault(error))
    }
}

const COLUMNS: &str = "position, origin, key_id, exact, person, stated, recorded, import, hash, \
                       plain, reason, evidence, refers_to, refers_import, expires, personal, salt";

struct Walker<'a> {
    origins: &'a HashMap<i64, KnownOrigin>,
    imports: &'a HashMap<i64, String>,
    head: Head,
    erased: u64,
    buffer: Vec<u8>,
}

impl Walker<'_> {
    fn step(&mut self, found: &Row<'_>) -> Result<(), String> {
        let read = |error: rusqlite::Error| format!("it cannot be read: {error}");
        let position = row::position(found, 0).map_err(read)?;
        let expected = self.head.position + 1;
        if position != expected {
            return Err(format!("it is missing; the next row there is has position {position}"));
        }
        let keys = row::keys(found, 3).map_err(read)?;
        let hash = row::blob(found, 8).map_err(read)?;
        let personal = self.personal(found)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let number = |at| found.get::<_, Option<i64>>(at).map_err(read);
        let refers_to = number(12)?
            .map(|at| u64::try_from(at).map_err(|_| "it refers to no position".to_owned()))
            .transpose()?;
        let link = Link {
            position,
            origin: &self
                .origins
                .get(&found.get(1).map_err(read)?)
                .ok_or("its origin is missing")?
                .bytes,
            key_id: row::key_id(found, 2).map_err(read)?,
            keys: &keys,
            recorded: number(6)?.ok_or("its time is missing")?,
            stated: row::timestamp(found, 5).map_err(read)?.map(Timestamp::micros),
            import: self.import(number(7)?)?,
            refers_to,
            refers_import: self.import(number(13)?)?,
            expires: number(14)?,
            personal: personal.as_ref(),
        };
        let fits = link.hash(&self.head.hash, &mut buffer) == hash;
        self.buffer = buffer;
        if !fits {
            return Err("its hash does not fit: it, or a row before it, was changed".to_owned());
        }
        self.head = Head { position, hash };
        Ok(())
    }

    fn import(&self, id: Option<i64>) -> Result<Option<&str>, String> {
        id.map(|id| self.imports.get(&id).map(String::as_str).ok_or("its import is missing".into()))
            .transpose()
    }

    /// The digest of the personal free fields as stored, checked against them unless erased.
    fn personal(&mut self, found: &Row<'_>) -> Result<Option<Hash>, String> {
        let text = |at| {
            let value = found.get_ref(at).map_err(|error| error.to_string())?;
            value.as_str_or_null().map_err(|error| error.to_string())
        };
        let (plain, reason, evidence) = (text(9)?, text(10)?, text(11)?);
        let none = plain.is_none() && reason.is_none() && evidence.is_none();
        let blob = |at| {
            let value = found.get_ref(at).map_err(|error| error.to_string())?;
            value.as_blob_or_null().map_err(|error| error.to_string())
        };
        let Some(digest) = blob(15)? else {
            return if none { Ok(None) } else { Err("a personal field was put in".to_owned()) };
        };
        let digest: Hash = digest.try_into().map_err(|_| "its digest is cut off".to_owned())?;
        match blob(16)? {
            Some(salt) if chain::personal_digest(salt, plain, reason, evidence) == digest => {}
            None if none => self.erased += 1,
            _ => return Err("a personal field was changed".to_owned()),
        }
        Ok(Some(digest))
    }

    fn end(&self, expected: Head) -> Verification {
        if self.head == expected {
            return Verification::Intact { head: self.head, erased: self.erased };
        }
        let what = if self.head.position < expected.position {
            format!("it is missing; the ledger once ended at row {}", expected.position)
        } else {
            "it is not accounted for in the noted end of the ledger".to_owned()
        };
        let position = self.head.position.min(expected.position) + 1;
        Verification::Broken { position, what }
    }
}
