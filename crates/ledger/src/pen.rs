//! What writes a row: gives it the next position, chains it to the row before, inserts it.
//! Made at the start of a write transaction, put down before its commit.

use rusqlite::{CachedStatement, Connection};
use suppression::{AddressKeys, KeyId};

use crate::chain::{Hash, Link};
use crate::ledger::{Head, set_head};
use crate::origins::KnownOrigin;
use crate::row;

/// A row but for what the pen gives it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewRow<'a> {
    pub(crate) origin: &'a KnownOrigin,
    pub(crate) key_id: KeyId,
    pub(crate) keys: &'a AddressKeys,
    pub(crate) stated: Option<i64>,
    pub(crate) expires: Option<i64>,
    /// Number and name.
    pub(crate) import: Option<(i64, &'a str)>,
    pub(crate) refers_to: Option<u64>,
    /// Number and name.
    pub(crate) refers_import: Option<(i64, &'a str)>,
    /// Digest and salt of the three that follow; none where all are absent.
    pub(crate) personal: Option<&'a (Hash, [u8; 16])>,
    pub(crate) plain: Option<&'a str>,
    pub(crate) reason: Option<&'a str>,
    /// As JSON.
    pub(crate) evidence: Option<&'a str>,
}

/// Writes rows behind the last one.
pub(crate) struct Pen<'a> {
    connection: &'a Connection,
    statement: CachedStatement<'a>,
    begun: u64,
    head: Head,
    recorded: i64,
    buffer: Vec<u8>,
}

impl<'a> Pen<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        head: Head,
        recorded: i64,
    ) -> rusqlite::Result<Self> {
        let statement = connection.prepare_cached(
            "INSERT INTO entry (position, origin, key_id, exact, person, stated, recorded,
                 import, refers_to, refers_import, expires, hash, personal, salt,
                 plain, reason, evidence)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)",
        )?;
        let buffer = Vec::with_capacity(512);
        Ok(Self { connection, statement, begun: head.position, head, recorded, buffer })
    }

    /// The position the row was given.
    pub(crate) fn write(&mut self, new: &NewRow<'_>) -> rusqlite::Result<u64> {
        let position = self.head.position + 1;
        let hash = Link {
            position,
            origin: &new.origin.bytes,
            hashed: new.origin.is_hashed(),
            key_id: new.key_id,
            keys: new.keys,
            recorded: self.recorded,
            stated: new.stated,
            import: new.import.map(|(_, name)| name),
            refers_to: new.refers_to,
            refers_import: new.refers_import.map(|(_, name)| name),
            expires: new.expires,
            personal: new.personal.map(|(digest, _)| digest),
        }
        .hash(&self.head.hash, &mut self.buffer);
        self.statement.execute(rusqlite::params![
            row::integer(position),
            new.origin.id,
            new.key_id.0,
            new.keys.exact.as_bytes(),
            new.keys.person.as_bytes(),
            new.stated,
            self.recorded,
            new.import.map(|(number, _)| number),
            new.refers_to.map(row::integer),
            new.refers_import.map(|(number, _)| number),
            new.expires,
            hash,
            new.personal.map(|(digest, _)| digest),
            new.personal.map(|(_, salt)| salt),
            new.plain,
            new.reason,
            new.evidence,
        ])?;
        self.head = Head { position, hash };
        Ok(position)
    }

    /// The last row there is by now.
    pub(crate) fn position(&self) -> u64 {
        self.head.position
    }

    /// Notes the new end of the ledger.
    pub(crate) fn put_down(self) -> rusqlite::Result<Head> {
        if self.head.position != self.begun {
            set_head(self.connection, self.head.position, &self.head.hash)?;
        }
        Ok(self.head)
    }
}
