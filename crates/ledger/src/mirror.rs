//! A source that is the master of its entries: what a full reading of it no longer names is taken
//! back, each row by a row of its own that says so (DESIGN s4, s7).
//!
//! Only rows that came by keeping this source in step are its own. What somebody has typed, what
//! another source says, and what a one-off import has brought stays, even under the same name;
//! what a one-off import has only said again is written once more, as a row of that import, as
//! the undo of an import does.
//!
//! First everything that the list names is recorded, then the rest is taken back: whatever comes
//! between the two leaves too many opt-outs and never too few, and the next full reading of the
//! same list finishes it.

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use suppression::{Kind, Timestamp};

use crate::appended::Appended;
use crate::chain::first_word;
use crate::entropy::random;
use crate::error::LedgerError;
use crate::ledger::Ledger;
use crate::lookup::{Pointer, WITHDRAWN};
use crate::pen::{NewRow, Pen};
use crate::row;
use crate::said_again;
use crate::withdraw::{Target, by_which, personal, withdrawal};

/// What the rows that take others back give as their reason.
const REASON: &str = "no longer on the list";

/// The rows that a full reading of a source has named: those it has added, and those that stood.
/// 64 bits each at most, and next to nothing where they lie together.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Named(RoaringTreemap);

impl Named {
    /// Notes what became of a batch of the reading.
    pub fn note(&mut self, appended: &Appended) {
        let rows = appended.added.iter().chain(&appended.stood).map(|(position, _)| *position);
        self.0.extend(rows.chain(appended.lapsed.iter().copied()));
    }
}

/// Rows of a source that a full reading did not name, and that are still to be taken back.
#[derive(Debug, Clone, PartialEq)]
pub struct Missing {
    source: String,
    rows: RoaringTreemap,
}

impl Missing {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len()
    }

    /// Whether all is done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl Ledger {
    /// The rows of a source that stand, came by keeping it in step, and were not named by a
    /// reading of all of it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn missing(&mut self, source: &str, named: &Named) -> Result<Missing, LedgerError> {
        let result = self.find_missing(source, named);
        if result.is_err() {
            self.forget();
        }
        let rows = result.map_err(|error| self.fault(error))?;
        Ok(Missing { source: source.to_owned(), rows })
    }

    fn find_missing(&mut self, source: &str, named: &Named) -> rusqlite::Result<RoaringTreemap> {
        let Self { connection, memory, .. } = self;
        let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
        memory.follow(&snapshot)?;
        let mut statement = snapshot.prepare_cached(
            "SELECT r.first, r.last FROM import_rows r JOIN import i ON i.id = r.import
             WHERE i.keeps = ?1",
        )?;
        let mut rows = RoaringTreemap::new();
        let mut runs = statement.query([source])?;
        while let Some(run) = runs.next()? {
            rows.insert_range(row::position(run, 0)?..=row::position(run, 1)?);
        }
        Ok(memory.withdrawn.standing(rows - &named.0))
    }

    /// Takes at most `limit` of the missing rows back, in one transaction, and tells how many
    /// rows that were; what somebody else has taken back meanwhile is passed over. To be called
    /// until `missing` is empty. The author is the source, and it need not be read again.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is taken back then, and all of it is still
    /// missing.
    pub fn withdraw_missing(
        &mut self,
        now: Timestamp,
        missing: &mut Missing,
        limit: usize,
    ) -> Result<u64, LedgerError> {
        let seed = random()?;
        let batch: RoaringTreemap = missing.rows.iter().take(limit).collect();
        let (source, rows) = (missing.source.as_str(), &batch);
        let done = self.write(|transaction, memory, counters, written| {
            let mut pen = Pen::new(transaction, counters.head, now.micros())?;
            for position in memory.withdrawn.standing(rows.clone()) {
                let target = Target::read(transaction, position)?;
                if target.source != source {
                    continue;
                }
                let (by, kind) = (author(source), Kind::Withdrawn);
                let origins = &mut memory.origins;
                let origin =
                    origins.intern(transaction, &by, kind, &target.scope, &target.subject)?;
                let personal = personal(&seed, position, REASON);
                let row = withdrawal(&origin, target.key_id, &target.keys, REASON, &personal);
                let at = pen.write(&NewRow { refers_to: Some(position), ..row })?;
                let person = first_word(target.keys.person.as_bytes());
                written.pointers.push(Pointer { person, position: at, identity: WITHDRAWN });
                written.withdrawn.insert(position);
            }
            let again = said_again::by_others(transaction, NO_IMPORT, &written.withdrawn)?;
            // Under a seed of its own: a row and what is written in its place differ in salt.
            said_again::write(transaction, &mut pen, &again, &random()?, &mut written.pointers)?;
            pen.put_down()?;
            Ok(written.withdrawn.len())
        })?;
        missing.rows -= batch;
        Ok(done)
    }
}

/// No import has this number.
const NO_IMPORT: i64 = 0;

/// Who takes back what a source no longer names. No name of a source holds a space.
fn author(source: &str) -> String {
    format!("source {source}")
}

/// Whether a row was taken back because its source no longer named it.
pub(crate) fn has_taken_back(
    connection: &Connection,
    position: u64,
    source: &str,
) -> rusqlite::Result<bool> {
    let Some(by) = by_which(connection, position)? else { return Ok(false) };
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT o.source FROM entry e JOIN origin o ON o.id = e.origin WHERE e.position = ?1",
        )?
        .query_row([row::integer(by)], |found| found.get(0))
        .optional()?;
    Ok(found == Some(author(source)))
}
