//! Rows of the table `entry` as values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::ControlFlow;

use rusqlite::types::{FromSqlError, Type};
use rusqlite::{Connection, Row};
use suppression::{
    AddressKeys, Digest, Entry, KeyId, Kind, Origin, Scope, Subject, Timestamp, lifetime,
};

use crate::origins::KnownOrigin;

/// What the index needs of a row, borrowed where possible: a start reads a million of them.
#[derive(Debug, Clone, Copy)]
pub struct FeedRow<'a> {
    /// Row of the ledger, from 1, without gaps.
    pub position: u64,
    /// Source, kind and scope; the same reference for all rows that share them.
    pub origin: &'a Origin,
    /// What it says; the same as in `origin`.
    pub kind: Kind,
    /// The key the digests were made under.
    pub key_id: KeyId,
    /// The address, as digests.
    pub keys: AddressKeys,
    /// Whom it is about.
    pub subject: &'a Subject,
    /// When the person asked; none when the source gave no time.
    pub stated: Option<Timestamp>,
    /// When it was written.
    pub recorded: Timestamp,
    /// When it lapses.
    pub expires: Option<Timestamp>,
    /// The row that it takes back, for [`Kind::Withdrawn`].
    pub refers_to: Option<u64>,
    /// The import of which it takes back every row before its own, for [`Kind::Withdrawn`];
    /// which those are tells [`Ledger::import_rows`](crate::Ledger::import_rows).
    pub refers_import: Option<&'a str>,
}

impl FeedRow<'_> {
    /// What goes into the index: the origin with whom it is about and how long it lasts.
    #[must_use]
    pub fn index_origin(&self) -> Cow<'_, Origin> {
        if self.expires.is_none() && *self.subject != Subject::Domain {
            return Cow::Borrowed(self.origin);
        }
        let subject = self.subject.clone();
        let lifetime = lifetime(self.effective(), self.expires);
        Cow::Owned(Origin { subject, lifetime, ..self.origin.clone() })
    }

    /// From when it counts, as [`Entry::effective`].
    #[must_use]
    pub fn effective(&self) -> Timestamp {
        self.stated.map_or(self.recorded, |stated| stated.min(self.recorded))
    }

    /// The digest the index holds it under, as [`Entry::index_digest`].
    #[must_use]
    pub fn index_digest(&self) -> &Digest {
        match self.kind {
            Kind::Consent => &self.keys.exact,
            Kind::OptOut
            | Kind::Complaint
            | Kind::Manual
            | Kind::Undeliverable
            | Kind::Withdrawn => &self.keys.person,
        }
    }

    /// What part of the mail it is about.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.origin.scope
    }
}

/// Whom a row is about: one digest in the place of two is a whole domain, unless the origin is a
/// list of digests.
fn subject<'a>(origin: &'a Origin, keys: &AddressKeys) -> &'a Subject {
    match &origin.subject {
        hashed @ Subject::Hashed(_) => hashed,
        Subject::Address | Subject::Domain if keys.are_one() => &Subject::Domain,
        Subject::Address | Subject::Domain => &Subject::Address,
    }
}

/// Columns of a whole entry, in the order [`entry`] reads them.
pub(crate) const ENTRY: &str = "position, origin, key_id, exact, person, stated, recorded, import, \
                                hash, plain, reason, evidence, refers_to, refers_import, \
                                expires, personal, salt";

pub(crate) fn entry(
    row: &Row<'_>,
    origins: &HashMap<i64, KnownOrigin>,
    imports: &HashMap<i64, String>,
) -> rusqlite::Result<Entry> {
    let known = origins.get(&row.get(1)?).ok_or_else(|| broken(1, "no such origin"))?;
    let evidence = row.get_ref(11)?.as_str_or_null()?;
    let evidence = match evidence {
        Some(text) => serde_json::from_str(text).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(11, Type::Text, error.into())
        })?,
        None => std::collections::BTreeMap::new(),
    };
    let keys = keys(row, 3)?;
    let (personal, salt) = (row.get_ref(15)?, row.get_ref(16)?);
    let erased = personal.as_blob_or_null()?.is_some() && salt.as_blob_or_null()?.is_none();
    Ok(Entry {
        position: position(row, 0)?,
        recorded: timestamp(row, 6)?.ok_or_else(|| broken(6, "no time"))?,
        import: import(row, 7, imports)?.map(str::to_owned),
        hash: blob(row, 8)?,
        kind: known.origin.kind,
        scope: known.origin.scope.clone(),
        key_id: key_id(row, 2)?,
        subject: subject(&known.origin, &keys).clone(),
        keys,
        plain: row.get(9)?,
        source: known.origin.source.clone(),
        stated: timestamp(row, 5)?,
        expires: timestamp(row, 14)?,
        refers_to: optional_position(row, 12)?,
        refers_import: import(row, 13, imports)?.map(str::to_owned),
        erased,
        reason: row.get(10)?,
        evidence,
    })
}

/// Calls `each` for every row after `position`, in order, until it says stop.
pub(crate) fn for_each_feed(
    connection: &Connection,
    after: u64,
    origins: &HashMap<i64, KnownOrigin>,
    imports: &HashMap<i64, String>,
    mut each: impl FnMut(&FeedRow<'_>, &KnownOrigin) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT position, origin, key_id, exact, person, stated, recorded,
                expires, refers_to, refers_import
         FROM entry WHERE position > ?1 ORDER BY position",
    )?;
    let mut rows = statement.query([integer(after)])?;
    while let Some(row) = rows.next()? {
        let known = origins.get(&row.get(1)?).ok_or_else(|| broken(1, "no such origin"))?;
        let keys = keys(row, 3)?;
        let feed = FeedRow {
            position: position(row, 0)?,
            origin: &known.origin,
            kind: known.origin.kind,
            key_id: key_id(row, 2)?,
            keys,
            subject: subject(&known.origin, &keys),
            stated: timestamp(row, 5)?,
            recorded: timestamp(row, 6)?.ok_or_else(|| broken(6, "no time"))?,
            expires: timestamp(row, 7)?,
            refers_to: optional_position(row, 8)?,
            refers_import: import(row, 9, imports)?,
        };
        if each(&feed, known).is_break() {
            break;
        }
    }
    Ok(())
}

pub(crate) fn position(row: &Row<'_>, at: usize) -> rusqlite::Result<u64> {
    u64::try_from(row.get::<_, i64>(at)?).map_err(|_| broken(at, "negative position"))
}

pub(crate) fn optional_position(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(at)?
        .map(|found| u64::try_from(found).map_err(|_| broken(at, "negative position")))
        .transpose()
}

fn import<'a>(
    row: &Row<'_>,
    at: usize,
    imports: &'a HashMap<i64, String>,
) -> rusqlite::Result<Option<&'a str>> {
    row.get::<_, Option<i64>>(at)?
        .map(|id| imports.get(&id).map(String::as_str).ok_or_else(|| broken(at, "no such import")))
        .transpose()
}

/// A position as SQLite stores it. Positions never come near 2^63.
pub(crate) fn integer(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

pub(crate) fn key_id(row: &Row<'_>, at: usize) -> rusqlite::Result<KeyId> {
    u32::try_from(row.get::<_, i64>(at)?).map(KeyId).map_err(|_| broken(at, "not a key id"))
}

/// The two digests, in this column and the next.
pub(crate) fn keys(row: &Row<'_>, at: usize) -> rusqlite::Result<AddressKeys> {
    Ok(AddressKeys { exact: Digest(blob(row, at)?), person: Digest(blob(row, at + 1)?) })
}

pub(crate) fn timestamp(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    let micros: Option<i64> = row.get(at)?;
    micros
        .map(|micros| Timestamp::from_micros(micros).map_err(|_| broken(at, "not a time")))
        .transpose()
}

pub(crate) fn blob(row: &Row<'_>, at: usize) -> rusqlite::Result<[u8; 32]> {
    row.get_ref(at)?.as_blob()?.try_into().map_err(|_| broken(at, "not 32 bytes long"))
}

/// A value that no version of this program wrote.
pub(crate) fn broken(at: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(
        at,
        Type::Null,
        FromSqlError::Other(what.into()).into(),
    )
}
