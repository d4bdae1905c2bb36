//! Asking about addresses: the protocol has one question at a time, so all values go into one
//! that is made of as many copies of the user's.

use std::borrow::Cow;
use std::sync::Arc;

use mysql_async::prelude::Queryable;
use mysql_async::{Params, Value};

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::found::{Found, ROWS_MAX};
use super::super::limit::within;
use super::super::placeholder::Template;
use super::fault::Peer;
use super::line::Line;
use super::table::Table;
use super::value::{self, Shape};

/// Values in one question at most.
const AT_ONCE: usize = 50;

/// A connection on which addresses are asked about.
#[derive(Debug)]
pub(crate) struct Session {
    line: Line,
    query: String,
    places: usize,
    table: Table,
    columns: Arc<[String]>,
    shapes: Vec<Shape>,
}

impl Session {
    /// Connects, and has the question prepared.
    pub(crate) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let template = Template::of(access.engine, question.sql()?)?;
        let query = template.with("?");
        let mut line = Line::open(access).await?;
        let (conn, peer) = line.question()?;
        let millis = access.timeout.as_millis().max(1);
        let seconds = access.timeout.as_secs_f64();
        let prepared = async {
            // What nobody waits for any more is not worked on any longer either. MySQL knows the
            // first, MariaDB the second.
            for limit in [
                format!("SET SESSION max_execution_time = {millis}"),
                format!("SET SESSION max_statement_time = {seconds}"),
            ] {
                match conn.query_drop(limit).await {
                    Ok(()) | Err(mysql_async::Error::Server(_)) => {}
                    Err(error) => return Err(peer.while_asking(&error)),
                }
            }
            conn.prep(&query).await.map_err(|error| peer.while_asking(&error))
        };
        let statement = within(&peer.server, peer.limit, prepared).await?;
        let columns = statement.columns();
        if columns.is_empty() {
            return Err(RemoteError::Setting { what: "the query gives no columns".to_owned() });
        }
        let names: Vec<String> = columns.iter().map(|column| column.name_str().into()).collect();
        line.rest();
        let mut session = Self {
            line,
            query,
            places: template.places(),
            columns: names.clone().into(),
            table: Table::of(names),
            shapes: columns.iter().map(Shape::of).collect(),
        };
        // What cannot be asked is known now, and not at the first recipient.
        session.ask(&[String::new()]).await?;
        Ok(session)
    }

    /// The rows found for each of these values, in their order.
    pub(crate) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let Peer { server, limit } = self.line.peer.clone();
        within(&server, limit, async {
            let mut all = Vec::with_capacity(values.len());
            for values in values.chunks(AT_ONCE) {
                all.append(&mut self.some(values).await?);
            }
            Ok(all)
        })
        .await
    }

    async fn some(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let query = self.table.times(&self.query, values.len());
        let parameters = values.iter().flat_map(|value| {
            std::iter::repeat_with(|| Value::Bytes(value.as_bytes().to_vec())).take(self.places)
        });
        let parameters = Params::Positional(parameters.collect());
        let (conn, peer) = self.line.question()?;
        let fault = |error: mysql_async::Error| peer.while_asking(&error);
        let mut found: Vec<Vec<Found>> = values.iter().map(|_| Vec::new()).collect();
        let mut result = conn.exec_iter(query, parameters).await.map_err(fault)?;
        while let Some(row) = result.next().await.map_err(fault)? {
            let number = row.as_ref(0).and_then(|number| Shape::Integer.text(number));
            let of = number
                .and_then(|number| number.parse::<usize>().ok())
                .and_then(|number| found.get_mut(number));
            let Some(of) = of else {
                let what = "a row without its number".to_owned();
                return Err(RemoteError::Cut { server: peer.server, what });
            };
            if of.len() == ROWS_MAX {
                return Err(RemoteError::too_many_rows(&peer.server));
            }
            let cells = value::cells(&row, &self.shapes, 1).map(|cell| cell.map(Cow::into_owned));
            of.push(Found { columns: Arc::clone(&self.columns), cells: cells.collect() });
        }
        drop(result);
        self.line.rest();
        Ok(found)
    }
}
