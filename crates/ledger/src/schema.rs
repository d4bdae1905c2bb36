//! The tables, and what marks a file as ours.
//!
//! `entry` is the record: append-only, positions from 1 without gaps, each row's hash over the
//! row before (see `chain`). `event` is the record of what was done with it: exports, erasures,
//! new keys, chained in the same way. `origin` and `import` hold what many rows share.
//! `import_rows` says which rows an import brought, `lookup` finds the rows of an address; both
//! are derived from `entry`. `import_seen` says what a one-off import found standing, which no row
//! tells. The views `entries` and `events` show the records in words to
//! whoever opens the file with another tool. docs/ledger.md describes all of it for them.

use rusqlite::Connection;

/// "optg": says which program's file this is.
pub(crate) const APPLICATION_ID: i64 = 0x6f70_7467;
/// The format of the tables. A file with a higher number is left alone.
pub(crate) const FORMAT: i64 = 1;
/// Bytes of a page. An import writes pages by the hundred thousand, one system call each; an
/// `optout add` writes four.
const PAGE: i64 = 8192;

const TABLES: &str = "
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE hash_key (
    number      INTEGER PRIMARY KEY,
    id          INTEGER NOT NULL UNIQUE,
    fingerprint BLOB NOT NULL,
    added       INTEGER NOT NULL
) STRICT;

CREATE TABLE origin (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    kind   TEXT NOT NULL,
    scope  TEXT NOT NULL,
    hashed TEXT
) STRICT;

CREATE UNIQUE INDEX origin_once ON origin (source, kind, scope, ifnull(hashed, ''));

CREATE TABLE import (
    id      INTEGER PRIMARY KEY,
    name    TEXT NOT NULL UNIQUE,
    started INTEGER NOT NULL,
    keeps   TEXT
) STRICT;

CREATE TABLE entry (
    position      INTEGER PRIMARY KEY,
    origin        INTEGER NOT NULL REFERENCES origin (id),
    key_id        INTEGER NOT NULL REFERENCES hash_key (id),
    exact         BLOB NOT NULL,
    person        BLOB NOT NULL,
    stated        INTEGER,
    recorded      INTEGER NOT NULL,
    import        INTEGER REFERENCES import (id),
    refers_to     INTEGER REFERENCES entry (position),
    refers_import INTEGER REFERENCES import (id),
    expires       INTEGER,
    hash          BLOB NOT NULL,
    personal      BLOB,
    salt          BLOB,
    plain         TEXT,
    reason        TEXT,
    evidence      TEXT
) STRICT;

CREATE INDEX entry_refers_to ON entry (refers_to) WHERE refers_to IS NOT NULL;
CREATE INDEX entry_refers_import ON entry (refers_import) WHERE refers_import IS NOT NULL;

CREATE TABLE import_rows (
    import INTEGER NOT NULL REFERENCES import (id),
    first  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (import, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_seen (
    import    INTEGER NOT NULL REFERENCES import (id),
    part      INTEGER NOT NULL,
    head      INTEGER NOT NULL,
    positions BLOB NOT NULL,
    PRIMARY KEY (import, part)
) STRICT;

CREATE TABLE event (
    number       INTEGER PRIMARY KEY,
    recorded     INTEGER NOT NULL,
    what         TEXT NOT NULL,
    by           TEXT NOT NULL,
    details      TEXT NOT NULL,
    entries      INTEGER NOT NULL,
    entries_hash BLOB NOT NULL,
    hash         BLOB NOT NULL
) STRICT;

CREATE TABLE lookup (
    person   INTEGER NOT NULL,
    position INTEGER NOT NULL,
    identity INTEGER NOT NULL,
    PRIMARY KEY (person, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    name         TEXT PRIMARY KEY NOT NULL,
    last_attempt INTEGER,
    last_success INTEGER,
    last_rows    INTEGER,
    fingerprint  TEXT,
    cursor       TEXT,
    last_error   TEXT
) STRICT, WITHOUT ROWID;

CREATE VIEW entries AS
SELECT e.position, o.kind, o.scope, o.source, o.hashed,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.stated / 1000000.0, 'unixepoch') AS stated,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded / 1000000.0, 'unixepoch') AS recorded,
       i.name AS import, e.refers_to, r.name AS refers_import,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.expires / 1000000.0, 'unixepoch') AS expires,
       e.plain, e.reason, e.evidence,
       e.personal IS NOT NULL AND e.salt IS NULL AS erased,
       printf('%08x', e.key_id) AS key_id, hex(e.exact) AS exact, hex(e.person) AS person,
       hex(e.hash) AS hash
FROM entry e
JOIN origin o ON o.id = e.origin
LEFT JOIN import i ON i.id = e.import
LEFT JOIN import r ON r.id = e.refers_import;

CREATE VIEW events AS
SELECT number, strftime('%Y-%m-%dT%H:%M:%fZ', recorded / 1000000.0, 'unixepoch') AS recorded,
       what, by, details, entries, hex(entries_hash) AS entries_hash, hex(hash) AS hash
FROM event;
";

/// Makes the tables of an empty ledger, in one transaction.
pub(crate) fn create(
    connection: &mut Connection,
    ledger_id: &[u8; 16],
    created: i64,
) -> rusqlite::Result<()> {
    connection.pragma_update(None, "page_size", PAGE)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(TABLES)?;
    let mut meta = transaction.prepare("INSERT INTO meta (name, value) VALUES (?1, ?2)")?;
    meta.execute(("ledger_id", &ledger_id[..]))?;
    meta.execute(("created", created))?;
    meta.execute(("head", 0))?;
    meta.execute(("head_hash", &crate::chain::genesis(ledger_id)[..]))?;
    meta.execute(("indexed", 0))?;
    meta.execute(("events", 0))?;
    meta.execute(("events_hash", &crate::chain::events_genesis(ledger_id)[..]))?;
    drop(meta);
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
