//! Taking rows back. Nothing is ever removed: a withdrawal is a row of its own that names the
//! row, or the import, it takes back, with author and reason. It is the only way a mirrored
//! removal, a lifted block or the undo of an import is expressed (DESIGN s4).

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use suppression::{AddressKeys, Digest, KeyId, Kind, Scope, Subject, Timestamp};

use crate::chain::{self, Hash, first_word};
use crate::entropy::random;
use crate::error::LedgerError;
use crate::import;
use crate::keys;
use crate::ledger::Ledger;
use crate::lookup::{Pointer, WITHDRAWN};
use crate::origins::KnownOrigin;
use crate::pen::{NewRow, Pen};
use crate::row;
use crate::said_again;
use crate::sources;
use crate::transaction::Fault;
use crate::unfit::names_address;
use crate::withdrawn;

/// What the undo of an import did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The row that says so.
    pub position: u64,
    /// How many rows it took back.
    pub rows: u64,
    /// How many of them a later one-off import had said again: they were written once more, as
    /// rows of that import, and stand.
    pub stayed: u64,
    /// The source they were of. If it is kept in step with a file, the file is to be read again.
    pub source: String,
}

impl Ledger {
    /// Takes back rows, one new row for each, in one transaction. Returns their positions. The
    /// sources of the rows are to be read again: what their files still say is added again.
    ///
    /// # Errors
    /// [`LedgerError::NotWithdrawable`] for a row that is not there, takes others back itself or
    /// was taken back before; nothing is recorded then.
    pub fn withdraw(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        positions: &[u64],
    ) -> Result<Vec<u64>, LedgerError> {
        accountable(by, reason)?;
        let seed = random()?;
        self.write(|transaction, memory, counters, written| {
            let mut pen = Pen::new(transaction, counters.head, now.micros())?;
            let mut done = Vec::with_capacity(positions.len());
            for position in positions {
                let target = Target::read(transaction, *position)?;
                let what = if memory.withdrawn.contains(*position) {
                    let by = by_which(transaction, *position)?.unwrap_or(0);
                    Some(format!("row {by} has taken it back"))
                } else if !written.withdrawn.insert(*position) {
                    Some("it was given twice".to_owned())
                } else {
                    None
                };
                if let Some(what) = what {
                    return Err(LedgerError::NotWithdrawable { position: *position, what }.into());
                }
                sources::doubt(transaction, &target.source)?;
                let (kind, scope) = (Kind::Withdrawn, &target.scope);
                let origin =
                    memory.origins.intern(transaction, by, kind, scope, &target.subject)?;
                let personal = personal(&seed, *position, reason);
                let row = withdrawal(&origin, target.key_id, &target.keys, reason, &personal);
                let at = pen.write(&NewRow { refers_to: Some(*position), ..row })?;
                let person = first_word(target.keys.person.as_bytes());
                written.pointers.push(Pointer { person, position: at, identity: WITHDRAWN });
                done.push(at);
            }
            pen.put_down()?;
            Ok(done)
        })
    }

    /// Takes back every row that an import has brought so far and that still stands, by one new
    /// row. What the import brings afterwards, should it still run, is not taken back; nor is
    /// what another one-off import has said again since, unless that was undone as well. What is
    /// remembered of the last reading of its source is forgotten.
    ///
    /// # Errors
    /// [`LedgerError::NotUndoable`] when there is no such import or none of its rows stands.
    pub fn undo_import(
        &mut self,
        now: Timestamp,
        by: &str,
        reason: &str,
        id: &str,
    ) -> Result<Undone, LedgerError> {
        const NOBODY: AddressKeys = AddressKeys { exact: Digest([0; 32]), person: Digest([0; 32]) };
        accountable(by, reason)?;
        let seed = random()?;
        self.write(|transaction, memory, counters, written| {
            let not = |what: &str| {
                Fault::Rule(LedgerError::NotUndoable { id: id.to_owned(), what: what.to_owned() })
            };
            let Some(number) = import::find(transaction, id)? else {
                return Err(not("there is none of that name"));
            };
            let all = withdrawn::rows_of(transaction, number, counters.head.position + 1)?;
            let standing = memory.withdrawn.standing(all);
            if standing.is_empty() && !said_again::stands(transaction, number)? {
                return Err(not("none of its rows stands, it was undone before"));
            }
            let source = import::source(transaction, number)?.unwrap_or_default();
            sources::forget(transaction, &source)?;
            let (kind, scope, subject) = (Kind::Withdrawn, &Scope::All, &Subject::Address);
            let origin = memory.origins.intern(transaction, by, kind, scope, subject)?;
            let Some(key_id) = keys::known(transaction)?.last().map(|key| key.id) else {
                return Err(not("the ledger has no key"));
            };
            let mut pen = Pen::new(transaction, counters.head, now.micros())?;
            let personal = personal(&seed, 0, reason);
            let row = withdrawal(&origin, key_id, &NOBODY, reason, &personal);
            let again = said_again::by_others(transaction, number, &standing)?;
            let position = pen.write(&NewRow { refers_import: Some((number, id)), ..row })?;
            written.pointers.push(Pointer { person: 0, position, identity: WITHDRAWN });
            let pointers = &mut written.pointers;
            let stayed = said_again::write(transaction, &mut pen, &again, &seed, pointers)?;
            pen.put_down()?;
            let rows = standing.len();
            written.withdrawn |= standing;
            Ok(Undone { position, rows, stayed, source })
        })
    }
}

/// A row that is to be taken back.
pub(crate) struct Target {
    pub(crate) source: String,
    pub(crate) scope: Scope,
    pub(crate) subject: Subject,
    pub(crate) key_id: KeyId,
    pub(crate) keys: AddressKeys,
}

impl Target {
    pub(crate) fn read(connection: &Connection, position: u64) -> Result<Self, Fault> {
        let not = |what: &str| {
            Fault::Rule(LedgerError::NotWithdrawable { position, what: what.to_owned() })
        };
        let found = connection
            .prepare_cached(
                "SELECT e.key_id, e.exact, e.person, o.kind, o.scope, o.source,
                        o.hashed
                 FROM entry e JOIN origin o ON o.id = e.origin WHERE position = ?1",
            )?
            .query_row([row::integer(position)], |found| {
                let kind: String = found.get(3)?;
                let scope: String = found.get(4)?;
                let (source, form): (String, Option<String>) = (found.get(5)?, found.get(6)?);
                let (key_id, keys) = (row::key_id(found, 0)?, row::keys(found, 1)?);
                Ok((key_id, keys, kind, scope, source, form))
            })
            .optional()?;
        let Some((key_id, keys, kind, scope, source, form)) = found else {
            return Err(not("there is no such row"));
        };
        if kind == Kind::Withdrawn.as_str() {
            return Err(not("it takes others back itself; record again what they said"));
        }
        let scope = scope.parse().map_err(|_| row::broken(4, "not a scope"))?;
        let form = form.map(|form| form.parse()).transpose();
        let form = form.map_err(|_| row::broken(6, "not a form of digests"))?;
        let subject = form.map_or(Subject::Address, |form| Subject::Hashed(Arc::new(form)));
        Ok(Self { source, scope, subject, key_id, keys })
    }
}

pub(crate) fn withdrawal<'a>(
    origin: &'a KnownOrigin,
    key_id: KeyId,
    keys: &'a AddressKeys,
    reason: &'a str,
    personal: &'a (Hash, [u8; 16]),
) -> NewRow<'a> {
    NewRow {
        origin,
        key_id,
        keys,
        stated: None,
        expires: None,
        import: None,
        refers_to: None,
        refers_import: None,
        personal: Some(personal),
        plain: None,
        reason: Some(reason),
        evidence: None,
    }
}

pub(crate) fn personal(seed: &[u8; 32], nonce: u64, reason: &str) -> (Hash, [u8; 16]) {
    let salt = chain::salt(seed, nonce);
    (chain::personal_digest(&salt, None, Some(reason), None), salt)
}

/// What is recorded here has an author and a reason. The reason outlives an erasure: it stands in
/// an event, in a row about nobody, or, where it names somebody else than the row is about, where
/// nobody looks for it. So it names no address.
pub(crate) fn accountable(by: &str, reason: &str) -> Result<(), LedgerError> {
    if by.trim().is_empty() {
        return Err(LedgerError::Unaccountable("say who asks for it"));
    }
    if reason.trim().is_empty() {
        return Err(LedgerError::Unaccountable("give a reason"));
    }
    if names_address(reason) {
        return Err(LedgerError::NamesAddress { what: "reason" });
    }
    Ok(())
}

/// The first row that took this one back.
pub(crate) fn by_which(connection: &Connection, position: u64) -> rusqlite::Result<Option<u64>> {
    connection
        .prepare_cached(
            "SELECT min(position) FROM (
                 SELECT min(position) AS position FROM entry WHERE refers_to = ?1
                 UNION ALL
                 SELECT min(position) FROM entry
                 WHERE refers_import = (SELECT import FROM entry WHERE position = ?1)
                   AND refers_import IS NOT NULL AND position > ?1)",
        )?
        .query_row([row::integer(position)], |found| row::optional_position(found, 0))
}
