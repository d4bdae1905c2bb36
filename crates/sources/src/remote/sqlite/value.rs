//! Values of SQLite, each of which has a type of its own, whatever the column says.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Row, ToSql};

use super::super::cell_text;
use super::super::mark::{Level, Mark};

/// A row as texts.
pub(super) fn cells(row: &Row<'_>, columns: usize) -> rusqlite::Result<Vec<Option<String>>> {
    (0..columns).map(|at| Ok(text(row.get_ref(at)?).map(Cow::into_owned))).collect()
}

fn text(value: ValueRef<'_>) -> Option<Cow<'_, str>> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(value) => Cow::Owned(value.to_string()),
        ValueRef::Real(value) => Cow::Owned(value.to_string()),
        // What is no UTF-8 is no address either, and is reported as a bad row.
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes),
        ValueRef::Blob(bytes) => cell_text::of(bytes),
    })
}

/// A value, where it can be a mark.
pub(super) fn level(value: ValueRef<'_>) -> Option<Level<'_>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(value) => Some(Level::Integer(value.into())),
        ValueRef::Real(value) => Level::real(value),
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok().map(Level::text),
        ValueRef::Blob(bytes) => Some(Level::Bytes(bytes.into())),
    }
}

/// A mark as a parameter; none when it is not one of SQLite.
#[derive(Debug)]
pub(super) struct From(Value);

impl From {
    pub(super) fn of(mark: &Mark) -> Option<Self> {
        Some(Self(match Level::of(mark)? {
            Level::Integer(value) => Value::Integer(value.try_into().ok()?),
            Level::Real(value) => Value::Real(value),
            Level::Time(text) | Level::Text(text) => Value::Text(text.into_owned()),
            Level::Bytes(bytes) => Value::Blob(bytes.into_owned()),
            Level::Decimal(_) => return None,
        }))
    }
}

impl ToSql for From {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}
