//! Reading a list: one snapshot, row by row.

use mysql_async::prelude::{Protocol, Queryable};
use mysql_async::{Params, QueryResult};

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::mark::{Highest, Pulled, Since};
use super::super::{placeholder, watermark};
use super::fault::Peer;
use super::line::Line;
use super::table::Table;
use super::value::{self, Shape};
use crate::spool::SpoolWriter;

const BEGIN: &str = "START TRANSACTION READ ONLY";
/// Times beyond it are mistakes. Columns without a zone are off by up to fourteen hours.
const TOMORROW: &str = "SELECT DATE_FORMAT(UTC_TIMESTAMP() + INTERVAL 1 DAY, '%Y-%m-%d %H:%i:%s')";

/// Reads a list.
pub(crate) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let query = placeholder::whole(access.engine, question.sql()?)?;
    let mut line = Line::open(access).await?;
    let (conn, peer) = line.question()?;
    let fault = |error: mysql_async::Error| peer.while_asking(&error);
    let begin = async { conn.query_drop(BEGIN).await.map_err(fault) };
    within(&peer.server, peer.limit, begin).await?;
    let Some(since) = since else {
        let asked = async { conn.query_iter(query).await.map_err(fault) };
        let result = within(&peer.server, peer.limit, asked).await?;
        let pulled = drained(&peer, result, None, Highest::default(), rows).await?;
        line.rest();
        return Ok(pulled);
    };
    let prepared = async {
        let limit: Option<String> = conn.query_first(TOMORROW).await.map_err(fault)?;
        let statement = conn.prep(&query).await.map_err(fault)?;
        Ok((limit, statement))
    };
    let (limit, statement) = within(&peer.server, peer.limit, prepared).await?;
    let columns = statement.columns();
    let names: Vec<String> = columns.iter().map(|column| column.name_str().into()).collect();
    let at = watermark::place(&names, &since.column)?;
    let shape = columns.get(at).map_or(Shape::Text, Shape::of);
    let from = since.from.as_ref().and_then(|mark| shape.parameter(mark));
    let (query, parameters) = match from {
        Some((expression, value)) => {
            let query = Table::of(names).since(&query, at, expression);
            (query, Params::Positional(vec![value]))
        }
        None => (query, Params::Empty),
    };
    let asked = async { conn.exec_iter(query, parameters).await.map_err(fault) };
    let result = within(&peer.server, peer.limit, asked).await?;
    let pulled = drained(&peer, result, Some(at), Highest::up_to(limit), rows).await?;
    line.rest();
    Ok(pulled)
}

/// Puts down all rows of an answer.
async fn drained<P: Protocol>(
    peer: &Peer,
    mut result: QueryResult<'_, '_, P>,
    watermark: Option<usize>,
    mut highest: Highest,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let columns = result.columns().unwrap_or_default();
    if columns.is_empty() {
        return Err(RemoteError::Setting { what: "the query gives no columns".to_owned() });
    }
    let names: Vec<_> = columns.iter().map(|column| column.name_str()).collect();
    rows.columns(&names).map_err(RemoteError::spool)?;
    let shapes: Vec<Shape> = columns.iter().map(Shape::of).collect();
    let mut count = 0;
    loop {
        let next = async { result.next().await.map_err(|error| peer.while_asking(&error)) };
        let Some(row) = within(&peer.server, peer.limit, next).await? else { break };
        if let Some(at) = watermark
            && let (Some(shape), Some(value)) = (shapes.get(at), row.as_ref(at))
            && let Some(cell) = shape.text(value)
            && let Some(level) = shape.level(&cell)
        {
            highest.see(level);
        }
        let cells: Vec<_> = value::cells(&row, &shapes, 0).collect();
        rows.row(cells.iter().map(Option::as_deref)).map_err(RemoteError::spool)?;
        count += 1;
    }
    Ok(Pulled { rows: count, mark: highest.mark() })
}
