//! The query that is sent: the user's as it stands, as a table in ours.
//!
//! Ours names the columns by number, so that theirs may have any name twice, and has each of them
//! as text: the library would have them in the binary form of their types, of which there is no
//! end.

use tokio_postgres::types::{Kind, Type};
use tokio_postgres::{Column, Statement};

use super::super::error::RemoteError;

/// Characters of a cell that are sent. More is no address, and a document of megabytes beside it
/// would come over the network for nothing.
const TEXT_MAX: u32 = 65_536;

/// The columns of a query.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) types: Vec<Type>,
}

impl Columns {
    /// Those of a prepared query.
    pub(super) fn of(statement: &Statement) -> Result<Self, RemoteError> {
        let columns = statement.columns();
        if columns.is_empty() {
            return Err(RemoteError::Setting { what: "the query gives no columns".to_owned() });
        }
        Ok(Self {
            names: columns.iter().map(|column| column.name().to_owned()).collect(),
            types: columns.iter().map(Column::type_).cloned().collect(),
        })
    }

    /// Our query around theirs; with a column, only rows whose value there is at least `$1`,
    /// and those without a value: they could be new.
    pub(super) fn around(&self, query: &str, since: Option<usize>) -> String {
        let texts: Vec<String> =
            self.types.iter().enumerate().map(|(at, kind)| text(at, kind)).collect();
        let names: Vec<String> = (0..self.types.len()).map(|at| format!("c{at}")).collect();
        let (texts, names) = (texts.join(", "), names.join(", "));
        let since = since.and_then(|at| Some((at, self.types.get(at)?)));
        let condition = since.map_or_else(String::new, |(at, kind)| {
            format!(" WHERE q.c{at} >= $1::text::{} OR q.c{at} IS NULL", quoted(kind))
        });
        // A comment at the end of theirs ends with its line.
        format!("SELECT {texts} FROM (\n{query}\n) AS q({names}){condition}")
    }
}

fn text(at: usize, kind: &Type) -> String {
    match (kind, kind.kind()) {
        (&Type::BYTEA, _) => format!("encode(substring(q.c{at}, 1, {}), 'hex')", TEXT_MAX / 2),
        (_, Kind::Array(_)) => format!("left(array_to_string(q.c{at}, ';'), {TEXT_MAX})"),
        _ => format!("left(q.c{at}::text, {TEXT_MAX})"),
    }
}

/// The name of a type, as it may stand in a query.
fn quoted(kind: &Type) -> String {
    let part = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    format!("{}.{}", part(kind.schema()), part(kind.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn theirs_stands_in_ours_as_it_is() {
        let columns = Columns {
            names: vec!["id".to_owned(), "id".to_owned(), "x".to_owned()],
            types: vec![Type::INT8, Type::TEXT_ARRAY, Type::BYTEA],
        };
        assert_eq!(
            columns.around("SELECT 1 -- x", None),
            "SELECT left(q.c0::text, 65536), left(array_to_string(q.c1, ';'), 65536), \
             encode(substring(q.c2, 1, 32768), 'hex') FROM (\nSELECT 1 -- x\n) AS q(c0, c1, c2)"
        );
        let wrapped = columns.around("SELECT 1", Some(0));
        let end = " WHERE q.c0 >= $1::text::\"pg_catalog\".\"int8\" OR q.c0 IS NULL";
        assert!(wrapped.ends_with(end), "{wrapped}");
        let odd = Type::new("a\"b".to_owned(), 1, Kind::Simple, "s".to_owned());
        assert_eq!(quoted(&odd), "\"s\".\"a\"\"b\"");
    }
}
