//! Asking about addresses. There is no network in between, so the question is executed for one
//! value after the other, in one go.

use std::sync::Arc;

use rusqlite::Connection;
use tokio::task::JoinHandle;

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::found::{Found, ROWS_MAX};
use super::super::limit::within;
use super::super::placeholder::Template;
use super::file::{Identity, Interrupt, Place};
use super::value;

/// A file that is asked about addresses.
#[derive(Debug)]
pub(crate) struct Session {
    place: Place,
    query: String,
    /// None while it is asked, and after somebody did not wait for the answer.
    file: Option<(Connection, Identity)>,
}

impl Session {
    /// Opens the file, and has the question prepared.
    pub(crate) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let place = Place::of(access);
        let query = Template::of(access.engine, question.sql()?)?.with("?1");
        let file = Some(opened(&place, &query).await?);
        Ok(Self { place, query, file })
    }

    /// The rows found for each of these values, in their order.
    pub(crate) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let (mut connection, mut identity) = self.file.take().ok_or_else(|| lost(&self.place))?;
        // An export that is written beside the old file and then takes its place.
        if self.place.identity()? != identity {
            (connection, identity) = opened(&self.place, &self.query).await?;
        }
        let interrupt = Interrupt(connection.get_interrupt_handle());
        let (place, query, values) = (self.place.clone(), self.query.clone(), values.to_vec());
        let asking = tokio::task::spawn_blocking(move || {
            let found = answers(&place, &connection, &query, &values)?;
            Ok((connection, found))
        });
        let (connection, found) = awaited(&self.place, asking).await?;
        drop(interrupt);
        self.file = Some((connection, identity));
        Ok(found)
    }
}

// Not of the session: it cannot be lent to another thread, and who asks may move between them.

async fn opened(place: &Place, query: &str) -> Result<(Connection, Identity), RemoteError> {
    let (there, query) = (place.clone(), query.to_owned());
    let opening = tokio::task::spawn_blocking(move || {
        let (connection, identity) = there.open()?;
        drop(there.prepared(&connection, &query)?);
        Ok((connection, identity))
    });
    awaited(place, opening).await
}

/// What a thread comes back with, within the time limit.
async fn awaited<T>(
    place: &Place,
    thread: JoinHandle<Result<T, RemoteError>>,
) -> Result<T, RemoteError> {
    let answer = async { thread.await.unwrap_or_else(|_| Err(lost(place))) };
    within(&place.name(), place.limit(), answer).await
}

fn lost(place: &Place) -> RemoteError {
    let what = "an earlier question was given up".to_owned();
    RemoteError::Cut { server: place.name(), what }
}

fn answers(
    place: &Place,
    connection: &Connection,
    query: &str,
    values: &[String],
) -> Result<Vec<Vec<Found>>, RemoteError> {
    let fault = |error: rusqlite::Error| place.while_asking(&error);
    // Prepared anew once it was found to be right: the cache keeps it.
    let mut statement = connection.prepare_cached(query).map_err(fault)?;
    let columns: Arc<[String]> = statement.column_names().map(str::to_owned).collect();
    let mut all = Vec::with_capacity(values.len());
    for value in values {
        let mut rows = statement.query([value]).map_err(fault)?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(fault)? {
            if found.len() == ROWS_MAX {
                return Err(RemoteError::too_many_rows(&place.name()));
            }
            let cells = value::cells(row, columns.len()).map_err(fault)?;
            found.push(Found { columns: Arc::clone(&columns), cells });
        }
        all.push(found);
    }
    Ok(all)
}
