//! Proof that no row was changed, removed or put in between: both chains, recomputed, and what is
//! derived from the rows held against them.
//!
//! What it cannot see by itself is a ledger whose last rows were cut off *together with* the head
//! noted in `meta`, or one rewritten whole: for that a head is kept elsewhere (a checkpoint, see
//! `extension`).

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;

use rusqlite::{Connection, Row};
use suppression::Timestamp;

use crate::chain::{self, Hash, Link};
use crate::error::LedgerError;
use crate::events::Events;
use crate::ledger::{Head, Ledger, counters, ledger_id};
use crate::origins::{self, KnownOrigin};
use crate::recorded::{ListedKeys, WrongKey};
use crate::row;

/// What a walk over the chains found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verification {
    /// Every row is as it was written.
    Intact {
        /// The last row.
        head: Head,
        /// Rows whose personal free fields were erased, as they may be.
        erased: u64,
        /// The last event.
        events: Head,
    },
    /// The first row that is not.
    Broken {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The rows are, and this is the first event that is not.
    BrokenEvent {
        /// Its number.
        number: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Rows and events are, and this is a key that is not.
    BrokenKey {
        /// Its id, as `hash_key` has it.
        key: String,
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

/// A walk, and the hashes it came by at the places it was told to note.
#[derive(Debug)]
pub(crate) struct Walk {
    pub(crate) verification: Verification,
    pub(crate) ledger_id: [u8; 16],
    pub(crate) row_hash: Option<Hash>,
    pub(crate) event_hash: Option<Hash>,
}

impl Ledger {
    /// Walks the chains from the first row and the first event. `progress` is told the position
    /// from time to time.
    ///
    /// # Errors
    /// When the file cannot be read; what is wrong in the rows is no error but the result.
    pub fn verify(&self, progress: impl FnMut(u64)) -> Result<Verification, LedgerError> {
        Ok(self.walk(0, 0, progress)?.verification)
    }

    /// As [`Self::verify`], and notes the hashes at a position and of an event.
    pub(crate) fn walk(
        &self,
        position: u64,
        event: u64,
        mut progress: impl FnMut(u64),
    ) -> Result<Walk, LedgerError> {
        let mut begin = || {
            let snapshot = self.connection.unchecked_transaction()?;
            walk(&snapshot, position, event, &mut progress)
        };
        begin().map_err(|error: rusqlite::Error| self.fault(error))
    }
}

fn walk(
    snapshot: &Connection,
    position: u64,
    event: u64,
    progress: &mut impl FnMut(u64),
) -> rusqlite::Result<Walk> {
    let expected = counters(snapshot)?;
    let ledger_id = ledger_id(snapshot)?;
    let (origins, imports) = (origins::all(snapshot)?, origins::imports(snapshot)?);
    let start = Head { position: 0, hash: chain::genesis(&ledger_id) };
    let keys = ListedKeys::read(snapshot)?;
    let mut events = Events::read(snapshot, &ledger_id, event)?;
    let mut walker = Walker {
        origins: &origins,
        imports: &imports,
        keys: &keys,
        may_be_erased: events.erased().clone(),
        head: start,
        erased: 0,
        unrecorded: None,
        runs: HashMap::new(),
        buffer: Vec::new(),
    };
    let mut row_hash = (position == 0).then_some(start.hash);
    let mut broken = None;
    events.pass(start);
    let mut statement =
        snapshot.prepare(&format!("SELECT {COLUMNS} FROM entry ORDER BY position"))?;
    let mut rows = statement.query(())?;
    while let Some(row) = rows.next()? {
        if let Err(what) = walker.step(row) {
            broken = Some(Verification::Broken { position: walker.head.position + 1, what });
            break;
        }
        if walker.head.position == position {
            row_hash = Some(walker.head.hash);
        }
        events.pass(walker.head);
        if walker.head.position.is_multiple_of(10_000) {
            progress(walker.head.position);
        }
    }
    let broken = broken.or_else(|| walker.end(expected.head));
    // Where events are missing, those of erasures may be.
    let unrecorded = walker.unrecorded.filter(|_| !events.is_broken()).map(|position| {
        let what = "its personal fields were blanked without a record of it".to_owned();
        Verification::Broken { position, what }
    });
    let broken = match unrecorded.or(broken) {
        Some(broken) => Some(broken),
        None => walker.check_runs(snapshot)?,
    };
    let verification = broken
        .or_else(|| {
            let (number, what) = events.end(expected.events)?;
            Some(Verification::BrokenEvent { number, what })
        })
        .or_else(|| Some(wrong_key(keys.against(events.keys())?)))
        .unwrap_or(Verification::Intact {
            head: walker.head,
            erased: walker.erased,
            events: events.head(),
        });
    Ok(Walk { verification, ledger_id, row_hash, event_hash: events.noted() })
}

fn wrong_key(wrong: WrongKey) -> Verification {
    match wrong {
        WrongKey::Event(number, what) => Verification::BrokenEvent { number, what },
        WrongKey::Key(key, what) => Verification::BrokenKey { key, what },
    }
}

const COLUMNS: &str = "position, origin, key_id, exact, person, stated, recorded, import, hash, \
                       plain, reason, evidence, refers_to, refers_import, expires, personal, salt";

struct Walker<'a> {
    origins: &'a HashMap<i64, KnownOrigin>,
    imports: &'a HashMap<i64, String>,
    keys: &'a ListedKeys,
    /// The rows of which an event says so.
    may_be_erased: HashSet<u64>,
    head: Head,
    erased: u64,
    /// The first row that is erased and of which none does.
    unrecorded: Option<u64>,
    /// The runs of rows of each import, as the rows say.
    runs: HashMap<i64, Vec<RangeInclusive<u64>>>,
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
        let key_id = row::key_id(found, 2).map_err(read)?;
        let origin =
            self.origins.get(&found.get(1).map_err(read)?).ok_or("its origin is missing")?;
        let link = Link {
            position,
            origin: &origin.bytes,
            hashed: origin.is_hashed(),
            key_id,
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
        if !self.keys.has(key_id.0) {
            let key = crate::digits::show(key_id);
            return Err(format!("its key {key} is missing in the table hash_key"));
        }
        self.head = Head { position, hash };
        if let Some(import) = number(7)? {
            let runs = self.runs.entry(import).or_default();
            match runs.last_mut() {
                Some(run) if *run.end() + 1 == position => *run = *run.start()..=position,
                _ => runs.push(position..=position),
            }
        }
        Ok(())
    }

    /// Whether the table of imports says what the rows say: the undo of an import goes by it.
    fn check_runs(&self, snapshot: &Connection) -> rusqlite::Result<Option<Verification>> {
        let mut statement = snapshot
            .prepare_cached("SELECT import, first, last FROM import_rows ORDER BY import, first")?;
        let mut noted: HashMap<i64, Vec<RangeInclusive<u64>>> = HashMap::new();
        let mut rows = statement.query(())?;
        while let Some(found) = rows.next()? {
            let (first, last) = (row::position(found, 1)?, row::position(found, 2)?);
            let runs = noted.entry(found.get(0)?).or_default();
            match runs.last_mut() {
                Some(run) if *run.end() + 1 == first => *run = *run.start()..=last,
                _ => runs.push(first..=last),
            }
        }
        let differs = |import: &&i64| self.runs.get(import) != noted.get(import);
        let all = self.runs.keys().chain(noted.keys());
        Ok(all.filter(differs).min().map(|import| {
            let runs = self.runs.get(import).or(noted.get(import));
            let position = runs.and_then(|runs| runs.first()).map_or(1, |run| *run.start());
            let what = "the table import_rows does not fit the rows of its import".to_owned();
            Verification::Broken { position, what }
        }))
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
            None if none => {
                self.erased += 1;
                let position = self.head.position + 1;
                if !self.may_be_erased.contains(&position) {
                    self.unrecorded.get_or_insert(position);
                }
            }
            _ => return Err("a personal field was changed".to_owned()),
        }
        Ok(Some(digest))
    }

    fn end(&self, expected: Head) -> Option<Verification> {
        if self.head == expected {
            return None;
        }
        let what = if self.head.position < expected.position {
            format!("it is missing; the ledger once ended at row {}", expected.position)
        } else {
            "it is not accounted for in the noted end of the ledger".to_owned()
        };
        let position = self.head.position.min(expected.position) + 1;
        Some(Verification::Broken { position, what })
    }
}
