//! Source, kind, scope and the form of a list of digests, and the names of imports: stored once,
//! referred to by number.
//! The caches hold only what is committed or about to be; after a failed transaction the ledger
//! throws them away (see `Ledger::forget`).

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use suppression::{HashedForm, Kind, Origin, Scope, Subject};

use crate::chain::origin_bytes;

/// An origin with its number and its form in the hash chain.
#[derive(Debug)]
pub(crate) struct KnownOrigin {
    pub(crate) id: i64,
    pub(crate) origin: Origin,
    pub(crate) bytes: Vec<u8>,
}

impl KnownOrigin {
    fn new(id: i64, origin: Origin) -> Self {
        let form = form_of(&origin.subject).map(AsRef::as_ref);
        let bytes = origin_bytes(&origin.source, origin.kind, &origin.scope, form);
        Self { id, origin, bytes }
    }

    /// Whether it is a list of digests.
    pub(crate) fn is_hashed(&self) -> bool {
        form_of(&self.origin.subject).is_some()
    }
}

/// What an origin keeps of whom its rows are about: whether it is a whole domain is seen by the
/// digests of a row.
pub(crate) fn form_of(subject: &Subject) -> Option<&Arc<HashedForm>> {
    match subject {
        Subject::Hashed(form) => Some(form),
        Subject::Address | Subject::Domain => None,
    }
}

/// The origin that rows of this source, kind, scope and subject share.
pub(crate) fn origin_of(source: &str, kind: Kind, scope: &Scope, subject: &Subject) -> Origin {
    let form = form_of(subject).cloned();
    let subject = form.map_or(Subject::Address, Subject::Hashed);
    Origin { subject, ..Origin::new(source, kind, scope.clone()) }
}

/// Origins met so far.
#[derive(Debug, Default)]
pub(crate) struct Origins {
    /// The last one asked for: an import asks for the same one a million times.
    last: Option<Arc<KnownOrigin>>,
    by_value: HashMap<Origin, Arc<KnownOrigin>>,
}

impl Origins {
    /// The origin with its number, given one when it is new. Inside a write transaction.
    pub(crate) fn intern(
        &mut self,
        connection: &Connection,
        source: &str,
        kind: Kind,
        scope: &Scope,
        subject: &Subject,
    ) -> rusqlite::Result<Arc<KnownOrigin>> {
        if let Some(last) = &self.last {
            let Origin { source: s, kind: k, scope: c, subject: of, .. } = &last.origin;
            if s == source && *k == kind && c == scope && form_of(of) == form_of(subject) {
                return Ok(Arc::clone(last));
            }
        }
        let origin = origin_of(source, kind, scope, subject);
        let known = match self.by_value.get(&origin) {
            Some(known) => Arc::clone(known),
            None => {
                let known = Arc::new(KnownOrigin::new(number(connection, &origin)?, origin));
                self.by_value.insert(known.origin.clone(), Arc::clone(&known));
                known
            }
        };
        self.last = Some(Arc::clone(&known));
        Ok(known)
    }
}

fn number(connection: &Connection, origin: &Origin) -> rusqlite::Result<i64> {
    let form = form_of(&origin.subject).map(|form| form.to_string());
    let values = (&origin.source, origin.kind.as_str(), origin.scope.as_str(), form);
    let found = connection
        .prepare_cached(
            "SELECT id FROM origin
             WHERE source = ?1 AND kind = ?2 AND scope = ?3 AND hashed IS ?4",
        )?
        .query_row(values.clone(), |row| row.get(0))
        .optional()?;
    match found {
        Some(id) => Ok(id),
        None => {
            if origin.scope.as_str().parse() != Ok(origin.scope.clone()) {
                // It would read back as another scope, and the chain would seem broken.
                let text = format!("the scope name {:?} cannot be stored", origin.scope.as_str());
                return Err(rusqlite::Error::ToSqlConversionFailure(text.into()));
            }
            connection
                .prepare_cached(
                    "INSERT INTO origin (source, kind, scope, hashed) VALUES (?1, ?2, ?3, ?4)",
                )?
                .execute(values)?;
            Ok(connection.last_insert_rowid())
        }
    }
}

/// All origins by number, for reading rows.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<HashMap<i64, KnownOrigin>> {
    let mut statement =
        connection.prepare_cached("SELECT id, source, kind, scope, hashed FROM origin")?;
    let rows = statement.query_map((), |row| {
        let word = |at: usize, error| {
            rusqlite::Error::FromSqlConversionFailure(at, rusqlite::types::Type::Text, error)
        };
        let kind: Kind =
            row.get_ref(2)?.as_str()?.parse().map_err(|error| word(2, Box::new(error)))?;
        let scope: Scope =
            row.get_ref(3)?.as_str()?.parse().map_err(|error| word(3, Box::new(error)))?;
        let id = row.get(0)?;
        let source: String = row.get(1)?;
        let form = row.get_ref(4)?.as_str_or_null()?.map(str::parse::<HashedForm>).transpose();
        let form = form.map_err(|error| word(4, Box::new(error)))?;
        let subject = form.map_or(Subject::Address, |form| Subject::Hashed(Arc::new(form)));
        let origin = Origin { subject, ..Origin::new(&source, kind, scope) };
        Ok((id, KnownOrigin::new(id, origin)))
    })?;
    rows.collect()
}

/// All names of imports by number, for reading rows.
pub(crate) fn imports(connection: &Connection) -> rusqlite::Result<HashMap<i64, String>> {
    let mut statement = connection.prepare_cached("SELECT id, name FROM import")?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
