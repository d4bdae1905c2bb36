//! Reading a list: one snapshot, row by row.

use std::pin::pin;

use futures_util::TryStreamExt;
use tokio_postgres::types::Type;
use tokio_postgres::{Row, SimpleQueryMessage};

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::mark::{Highest, Level, Mark, Pulled, Since};
use super::super::{placeholder, watermark};
use super::line::Line;
use super::wrapped::Columns;
use crate::spool::SpoolWriter;

/// One snapshot for all that is asked.
const BEGIN: &str = "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY";
/// Times beyond it are mistakes. Columns without a zone are off by up to fourteen hours.
const TOMORROW: &str =
    "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYY-MM-DD HH24:MI:SS')";

/// Reads a list.
pub(crate) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let query = placeholder::whole(access.engine, question.sql()?)?;
    let line = Line::open(access).await?;
    let columns = line
        .asked(async {
            line.client.batch_execute(BEGIN).await?;
            line.client.prepare(&query).await
        })
        .await?;
    let columns = Columns::of(&columns)?;
    rows.columns(&columns.names).map_err(RemoteError::spool)?;
    let mut reading = Reading::of(&line, &columns, since).await?;
    let (condition, parameters) = match &reading.from {
        Some((at, text)) => (Some(*at), vec![text.as_str()]),
        None => (None, Vec::new()),
    };
    let wrapped = columns.around(&query, condition);
    let stream = line
        .asked(async {
            let statement = line.client.prepare(&wrapped).await?;
            line.client.query_raw(&statement, parameters).await
        })
        .await?;
    let mut stream = pin!(stream);
    let mut count = 0;
    while let Some(row) = line.asked(stream.try_next()).await? {
        let cells = cells(&row).map_err(|error| line.peer.while_asking(&error))?;
        if let Some((at, kind)) = &reading.column
            && let Some(level) =
                cells.get(*at).copied().flatten().and_then(|cell| level(kind, cell))
        {
            reading.highest.see(level);
        }
        rows.row(cells.into_iter()).map_err(RemoteError::spool)?;
        count += 1;
    }
    Ok(Pulled { rows: count, mark: reading.highest.mark() })
}

/// What is known of the watermark.
struct Reading {
    column: Option<(usize, Type)>,
    /// The column, and the value rows are to have there at least.
    from: Option<(usize, String)>,
    highest: Highest,
}

impl Reading {
    async fn of(
        line: &Line,
        columns: &Columns,
        since: Option<&Since>,
    ) -> Result<Self, RemoteError> {
        let Some(since) = since else {
            return Ok(Self { column: None, from: None, highest: Highest::default() });
        };
        let at = watermark::place(&columns.names, &since.column)?;
        let kind = columns.types.get(at).cloned().unwrap_or(Type::TEXT);
        let limit = tomorrow(line).await?;
        let from = since.from.as_ref().and_then(|mark| value(&kind, mark)).map(|text| (at, text));
        Ok(Self { column: Some((at, kind)), from, highest: Highest::up_to(limit) })
    }
}

async fn tomorrow(line: &Line) -> Result<Option<String>, RemoteError> {
    let messages = line.asked(line.client.simple_query(TOMORROW)).await?;
    Ok(messages.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }))
}

fn cells(row: &Row) -> Result<Vec<Option<&str>>, tokio_postgres::Error> {
    (0..row.len()).map(|at| row.try_get(at)).collect()
}

fn is_time(kind: &Type) -> bool {
    [Type::TIMESTAMP, Type::TIMESTAMPTZ, Type::DATE].contains(kind)
}

fn is_integer(kind: &Type) -> bool {
    [Type::INT2, Type::INT4, Type::INT8, Type::OID].contains(kind) || kind.name() == "xid8"
}

/// The value of a cell, where it can be a mark.
fn level<'a>(kind: &Type, cell: &'a str) -> Option<Level<'a>> {
    match kind {
        kind if is_integer(kind) => cell.parse().ok().map(Level::Integer),
        kind if is_time(kind) => Level::time(cell),
        &Type::NUMERIC => Level::decimal(cell),
        &Type::FLOAT4 | &Type::FLOAT8 => Level::real(cell.parse().ok()?),
        &Type::BYTEA => None,
        _ => Some(Level::text(cell)),
    }
}

/// A mark as the text of a value of this type. One of another type, from before the column was
/// changed, is none: then all is read.
fn value(kind: &Type, mark: &Mark) -> Option<String> {
    let real = [Type::FLOAT4, Type::FLOAT8].contains(kind);
    let number = is_integer(kind) || *kind == Type::NUMERIC || real;
    match Level::of(mark)? {
        Level::Integer(value) if is_integer(kind) => Some(value.to_string()),
        Level::Decimal(text) if *kind == Type::NUMERIC => Some(text.into_owned()),
        Level::Real(value) if real => Some(format!("{value:?}")),
        Level::Time(text) if *kind == Type::TIMESTAMPTZ => Some(format!("{text}+00")),
        Level::Time(text) if !number => Some(text.into_owned()),
        Level::Text(text) if !number && !is_time(kind) => Some(text.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_becomes_a_mark_and_the_mark_the_value_again() {
        for (kind, cell, mark, text) in [
            (Type::INT8, "9223372036854775807", "i:9223372036854775807", "9223372036854775807"),
            (Type::NUMERIC, "1.50", "n:1.50", "1.50"),
            (Type::FLOAT8, "1.5", "r:1.5", "1.5"),
            (
                Type::TIMESTAMPTZ,
                "2024-05-01 12:00:00.25+00",
                "t:2024-05-01 12:00:00.25",
                "2024-05-01 12:00:00.25+00",
            ),
            (
                Type::TIMESTAMP,
                "2024-05-01 12:00:00",
                "t:2024-05-01 12:00:00",
                "2024-05-01 12:00:00",
            ),
            (Type::DATE, "2024-05-01", "t:2024-05-01", "2024-05-01"),
            (Type::TEXT, "2024", "s:2024", "2024"),
            (Type::TEXT, "2024-05-01", "t:2024-05-01", "2024-05-01"),
            (
                Type::UUID,
                "00000000-0000-0000-0000-000000000001",
                "s:00000000-0000-0000-0000-000000000001",
                "00000000-0000-0000-0000-000000000001",
            ),
        ] {
            let level = level(&kind, cell).unwrap();
            assert_eq!(level.mark(), Mark(mark.to_owned()));
            assert_eq!(value(&kind, &level.mark()).as_deref(), Some(text));
        }
    }

    #[test]
    fn times_are_written_as_lists_are_read() {
        for cell in ["2024-05-01 12:00:00.25+00", "2024-05-01 12:00:00", "2024-05-01"] {
            assert!(matches!(crate::when::read(cell), crate::when::When::At(_)), "{cell}");
        }
    }

    #[test]
    fn a_mark_of_another_type_reads_all() {
        for (kind, mark) in [
            (Type::INT8, "t:2024-05-01"),
            (Type::INT8, "s:1"),
            (Type::DATE, "i:1"),
            (Type::DATE, "s:soon"),
            (Type::NUMERIC, "r:1.5"),
            (Type::TEXT, "i:1"),
            (Type::TEXT, "nonsense"),
        ] {
            assert_eq!(value(&kind, &Mark(mark.to_owned())), None, "{kind} {mark}");
        }
    }
}
