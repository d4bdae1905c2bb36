//! How a list is read: what its format is, and where in it things are.

use std::ops::Range;

use sources::{
    AccessMapSpec, Column, Columns, CsvSpec, Engine, FieldPath, Format, JsonSpec, XlsxSpec, XmlSpec,
};

use super::keys::Source;
use super::place::{ListKind, Located};
use crate::config::fault::Fault;
use crate::config::naming::ColumnSaid;
use crate::config::section::Maybe;

/// The format of what is in this place.
pub(crate) fn format(
    source: &Source,
    located: Located<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Format> {
    let encoding = source.encoding.get().map(|said| said.0);
    let header = source.header.get().map(|said| said.0);
    let delimiter = source.delimiter.get().map(|said| said.0);
    let kind = match located {
        Located::List(kind, _) => kind,
        Located::Server(engine, _) => {
            let mut columns = columns(source);
            // Its columns are the `attributes`, and the first of these is the address.
            if engine == Engine::Ldap {
                columns.email.get_or_insert(Column::Number(1));
            }
            return Some(Format::Table(columns));
        }
        Located::Sqlite(_) => return Some(Format::Table(columns(source))),
    };
    let csv = || CsvSpec { columns: columns(source), delimiter, encoding, header };
    Some(match kind {
        ListKind::Csv => Format::Csv(csv()),
        ListKind::Any => Format::Detect(csv()),
        ListKind::Text => {
            Format::Csv(CsvSpec { delimiter: "none".parse().ok(), encoding, ..CsvSpec::default() })
        }
        ListKind::Xml => Format::Xml(xml(source, faults)?),
        ListKind::Json => {
            counted(source, "members of JSON have names", faults);
            let records = source.records.get().map(|said| said.0.clone());
            Format::Json(JsonSpec { records, columns: columns(source), encoding })
        }
        ListKind::Xlsx => {
            let sheet = source.sheet.get().map(|said| said.0.clone());
            Format::Xlsx(XlsxSpec { sheet, columns: columns(source), header })
        }
        ListKind::AccessMap => Format::AccessMap(AccessMapSpec { encoding }),
    })
}

fn columns(source: &Source) -> Columns {
    let column = |maybe: &Maybe<ColumnSaid>| {
        maybe.get().map(|column| match column {
            ColumnSaid::Name(name) => Column::Name(name.clone()),
            ColumnSaid::Number(n) => Column::Number(*n),
        })
    };
    Columns {
        email: column(&source.email),
        date: column(&source.date),
        reason: column(&source.reason),
        kind: column(&source.kind_column),
        scope: column(&source.scope_column),
        until: column(&source.until),
    }
}

/// Columns by number, where there are none to count.
fn counted(source: &Source, why: &str, faults: &mut Vec<Fault>) {
    let s = source;
    let all = [&s.email, &s.date, &s.reason, &s.kind_column, &s.scope_column, &s.until];
    for said in all.into_iter().filter_map(|column| column.said()) {
        if let ColumnSaid::Number(n) = said.value {
            let message = format!("there is no column number {n} to count: {why}");
            faults.push(Fault::maybe_at(said.span(), message).help("its name, such as \"email\""));
        }
    }
}

fn xml(source: &Source, faults: &mut Vec<Fault>) -> Option<XmlSpec> {
    if matches!(source.record, Maybe::Absent) {
        faults.push(source.fault("`record` is missing for an XML list").help(
            "which elements are one person each: record = \"/customers/customer[@optout='1']\"",
        ));
    }
    let mut path = |column: &Maybe<ColumnSaid>| {
        let said = column.said()?;
        match &said.value {
            ColumnSaid::Name(path) => match path.parse::<FieldPath>() {
                Ok(path) => return Some(path),
                Err(error) => faults.push(no_path(said.span(), &error.to_string())),
            },
            ColumnSaid::Number(_) => {
                faults.push(no_path(said.span(), "an XML list has no columns to count"));
            }
        }
        None
    };
    let (email, date, reason) = (path(&source.email), path(&source.date), path(&source.reason));
    let (kind, scope) = (path(&source.kind_column), path(&source.scope_column));
    let until = path(&source.until);
    Some(XmlSpec {
        record: source.record.get()?.0.clone(),
        email,
        date,
        reason,
        kind,
        scope,
        until,
        encoding: source.encoding.get().map(|said| said.0),
    })
}

fn no_path(span: Option<Range<usize>>, words: &str) -> Fault {
    Fault::maybe_at(span, words)
        .help("a path inside the record, for example \"contact/email\" or \"@email\"")
}

/// Whether the rows of a list may differ in their scope.
pub(crate) fn has_scopes(source: &Source) -> bool {
    !matches!(source.scope_column, Maybe::Absent)
}

/// Whether the rows of a list may differ in their kind.
pub(crate) fn has_kinds(source: &Source) -> bool {
    !matches!(source.kind_column, Maybe::Absent)
}
