//! Asking about addresses: the question is prepared once, and executed for all values without
//! waiting in between.

use std::pin::pin;
use std::sync::Arc;

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use tokio_postgres::Statement;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::found::{Found, ROWS_MAX};
use super::super::limit::within;
use super::super::placeholder::Template;
use super::line::Line;
use super::wrapped::Columns;

/// A connection on which addresses are asked about.
#[derive(Debug)]
pub(crate) struct Session {
    line: Line,
    statement: Statement,
    columns: Arc<[String]>,
}

impl Session {
    /// Connects, and has the question prepared.
    pub(crate) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let template = Template::of(access.engine, question.sql()?)?;
        let query = template.with("$1");
        let line = Line::open(access).await?;
        // What nobody waits for any more is not worked on any longer either.
        let limit = format!("SET statement_timeout = {}", access.timeout.as_millis().max(1));
        let columns = line
            .asked(async {
                line.client.batch_execute(&limit).await?;
                line.client.prepare(&query).await
            })
            .await?;
        let columns = Columns::of(&columns)?;
        let statement = line.asked(line.client.prepare(&columns.around(&query, None))).await?;
        Ok(Self { line, statement, columns: columns.names.into() })
    }

    /// The rows found for each of these values, in their order.
    pub(crate) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let answers = try_join_all(values.iter().map(|value| self.one(value)));
        within(&self.line.peer.server, self.line.peer.limit, answers).await
    }

    async fn one(&self, value: &str) -> Result<Vec<Found>, RemoteError> {
        let fault = |error| self.line.peer.while_asking(&error);
        let rows = self.line.client.query_raw(&self.statement, [AsText(value)]).await;
        let mut rows = pin!(rows.map_err(fault)?);
        let mut found = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(fault)? {
            if found.len() == ROWS_MAX {
                return Err(RemoteError::too_many_rows(&self.line.peer.server));
            }
            let cells = (0..row.len()).map(|at| row.try_get(at)).collect::<Result<_, _>>();
            let columns = Arc::clone(&self.columns);
            found.push(Found { columns, cells: cells.map_err(fault)? });
        }
        Ok(found)
    }
}

/// A parameter in the text form of its type, which only the server has to know: text, `citext`,
/// a domain over either.
#[derive(Debug)]
struct AsText<'a>(&'a str);

impl ToSql for AsText<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}
