//! What a one-off import said that stood there already, so that the undo of the import which
//! had brought it does not take it away: the wrong file is undone, the right one still says so.
//!
//! The table `import_seen` holds the positions of those rows, one compressed set a batch. It is
//! no part of the chain. An undo writes the rows it takes back once more, as rows of the import
//! that said them again, so that they go when that one is undone too. A source that is watched
//! notes nothing here: it is read again.

use std::collections::HashMap;

use roaring::RoaringTreemap;
use rusqlite::{Connection, OptionalExtension};
use suppression::{AddressKeys, KeyId};

use crate::chain::{self, first_word, identity};
use crate::import_rows;
use crate::lookup::Pointer;
use crate::origins;
use crate::pen::{NewRow, Pen};
use crate::row;

/// An import that is not undone, and what it said again.
pub(crate) struct SaidAgain {
    import: i64,
    name: String,
    rows: RoaringTreemap,
}

/// Only where no later row undoes the import: what it says afterwards was not meant.
const STANDING: &str = "NOT EXISTS (SELECT 1 FROM entry e
                         WHERE e.refers_import = s.import AND e.position > s.head)";

/// Notes that an import has said what these rows say. `head` is the last row there is.
pub(crate) fn note(
    connection: &Connection,
    import: i64,
    head: u64,
    rows: &RoaringTreemap,
) -> rusqlite::Result<()> {
    let mut bytes = Vec::with_capacity(rows.serialized_size());
    rows.serialize_into(&mut bytes)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    connection
        .prepare_cached(
            "INSERT INTO import_seen (import, part, head, positions)
             VALUES (?1, (SELECT coalesce(max(part), 0) + 1 FROM import_seen WHERE import = ?1),
                     ?2, ?3)",
        )?
        .execute((import, row::integer(head), bytes))?;
    Ok(())
}

/// Whether an import has said anything again, and was not undone since.
pub(crate) fn stands(connection: &Connection, import: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(&format!("SELECT 1 FROM import_seen s WHERE import = ?1 AND {STANDING}"))?
        .exists([import])
}

/// The first row that an import said again.
pub(crate) fn first_of(connection: &Connection, import: i64) -> rusqlite::Result<Option<u64>> {
    let mut statement = connection
        .prepare_cached("SELECT positions FROM import_seen WHERE import = ?1 ORDER BY part")?;
    let rows = statement.query_row([import], |found| positions(found, 0)).optional()?;
    Ok(rows.and_then(|rows| rows.min()))
}

/// Which of `rows` other imports have said again, in the order of these imports.
pub(crate) fn by_others(
    connection: &Connection,
    import: i64,
    rows: &RoaringTreemap,
) -> rusqlite::Result<Vec<SaidAgain>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT s.import, i.name, s.positions FROM import_seen s JOIN import i ON i.id = s.import
         WHERE s.import <> ?1 AND {STANDING} ORDER BY s.import, s.part"
    ))?;
    let mut others: Vec<SaidAgain> = Vec::new();
    let mut found = statement.query([import])?;
    while let Some(part) = found.next()? {
        let (import, again) = (part.get(0)?, positions(part, 2)? & rows);
        match others.last_mut() {
            Some(last) if last.import == import => last.rows |= again,
            _ if again.is_empty() => {}
            _ => others.push(SaidAgain { import, name: part.get(1)?, rows: again }),
        }
    }
    Ok(others)
}

/// Writes these rows once more. Tells how many.
pub(crate) fn write(
    connection: &Connection,
    pen: &mut Pen<'_>,
    others: &[SaidAgain],
    seed: &[u8; 32],
    pointers: &mut Vec<Pointer>,
) -> rusqlite::Result<u64> {
    if others.is_empty() {
        return Ok(0);
    }
    let origins = origins::all(connection)?;
    let mut written: HashMap<u64, u64> = HashMap::new();
    let mut buffer = Vec::new();
    for other in others {
        let (mut first, mut last, mut too) = (None, 0, RoaringTreemap::new());
        for old in &other.rows {
            if let Some(new) = written.get(&old) {
                too.insert(*new);
                continue;
            }
            let copy = Copy::read(connection, old)?;
            let origin =
                origins.get(&copy.origin).ok_or_else(|| row::broken(0, "no such origin"))?;
            let texts = (copy.plain.as_deref(), copy.reason.as_deref(), copy.evidence.as_deref());
            let personal = (texts != (None, None, None)).then(|| {
                let salt = chain::salt(seed, old);
                (chain::personal_digest(&salt, texts.0, texts.1, texts.2), salt)
            });
            let (stated, expires) = (Some(copy.effective), copy.expires);
            let position = pen.write(&NewRow {
                origin,
                key_id: copy.key_id,
                keys: &copy.keys,
                stated,
                expires,
                import: Some((other.import, &other.name)),
                refers_to: None,
                refers_import: None,
                personal: personal.as_ref(),
                plain: texts.0,
                reason: texts.1,
                evidence: texts.2,
            })?;
            pointers.push(Pointer {
                person: first_word(copy.keys.person.as_bytes()),
                position,
                identity: identity(
                    &origin.bytes,
                    copy.key_id,
                    &copy.keys,
                    stated,
                    expires,
                    &mut buffer,
                ),
            });
            written.insert(old, position);
            (first, last) = (first.or(Some(position)), position);
        }
        if let Some(first) = first {
            import_rows::add(connection, other.import, first, last)?;
        }
        // Said by one more import: the row stays when the first of them is undone.
        if !too.is_empty() {
            note(connection, other.import, pen.position(), &too)?;
        }
    }
    Ok(written.len() as u64)
}

/// Of a row that is written once more.
struct Copy {
    origin: i64,
    key_id: KeyId,
    keys: AddressKeys,
    /// Becomes the stated time: what was said again counts from when it counted before, with
    /// no new grace and not after a consent or an opt-out that was later than it.
    effective: i64,
    expires: Option<i64>,
    plain: Option<String>,
    reason: Option<String>,
    evidence: Option<String>,
}

impl Copy {
    fn read(connection: &Connection, position: u64) -> rusqlite::Result<Self> {
        connection
            .prepare_cached(
                "SELECT origin, key_id, exact, person, min(coalesce(stated, recorded), recorded),
                        expires, plain, reason, evidence
                 FROM entry WHERE position = ?1",
            )?
            .query_row([row::integer(position)], |found| {
                Ok(Self {
                    origin: found.get(0)?,
                    key_id: row::key_id(found, 1)?,
                    keys: row::keys(found, 2)?,
                    effective: found.get(4)?,
                    expires: found.get(5)?,
                    plain: found.get(6)?,
                    reason: found.get(7)?,
                    evidence: found.get(8)?,
                })
            })
    }
}

fn positions(found: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<RoaringTreemap> {
    let bytes = found.get_ref(at)?.as_blob()?;
    RoaringTreemap::deserialize_from(bytes).map_err(|_| row::broken(at, "not a set of positions"))
}
