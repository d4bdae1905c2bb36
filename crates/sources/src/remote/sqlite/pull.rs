//! Reading a list, row by row: one statement, which is one snapshot.

use tokio::sync::mpsc;

use super::super::access::{Access, Question};
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::mark::{Highest, Pulled, Since};
use super::super::{placeholder, watermark};
use super::file::{Interrupt, Place};
use super::value;
use crate::spool::SpoolWriter;

/// Rows that are on their way at most.
const ROWS_AHEAD: usize = 256;
/// Times beyond it are mistakes.
const TOMORROW: &str = "SELECT datetime('now', '+1 day')";

/// What the thread that reads sends.
enum Step {
    Columns(Vec<String>),
    Row(Vec<Option<String>>),
    End(Pulled),
}

/// Reads a list.
pub(crate) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let query = placeholder::whole(access.engine, question.sql()?)?;
    let place = Place::of(access);
    let (since, thread_place) = (since.cloned(), place.clone());
    let (sender, mut steps) = mpsc::channel(ROWS_AHEAD);
    let (handle, interrupt) = tokio::sync::oneshot::channel();
    let reader = tokio::task::spawn_blocking(move || {
        let (connection, _) = thread_place.open()?;
        // An error says that nobody waits any more, which the sender will say, too.
        let _ = handle.send(Interrupt(connection.get_interrupt_handle()));
        read(&thread_place, &connection, &query, since.as_ref(), &sender)
    });
    // Interrupts the reader when this is left, by whatever way.
    let opened = async { Ok(interrupt.await.ok()) };
    let _interrupt = within(&place.name(), place.limit(), opened).await?;
    let next = async {
        loop {
            match within(&place.name(), place.limit(), async { Ok(steps.recv().await) }).await? {
                Some(Step::Columns(names)) => rows.columns(&names).map_err(RemoteError::spool)?,
                Some(Step::Row(cells)) => {
                    rows.row(cells.iter().map(Option::as_deref)).map_err(RemoteError::spool)?
                }
                Some(Step::End(pulled)) => return Ok(Some(pulled)),
                None => return Ok(None),
            }
        }
    };
    match next.await? {
        Some(pulled) => Ok(pulled),
        None => match reader.await {
            Ok(Err(error)) => Err(error),
            _ => Err(broken(&place)),
        },
    }
}

fn broken(place: &Place) -> RemoteError {
    RemoteError::Cut { server: place.name(), what: "the reading ended early".to_owned() }
}

fn read(
    place: &Place,
    connection: &rusqlite::Connection,
    query: &str,
    since: Option<&Since>,
    steps: &mpsc::Sender<Step>,
) -> Result<(), RemoteError> {
    let fault = |error: rusqlite::Error| place.while_asking(&error);
    let send = |step| steps.blocking_send(step).map_err(|_| broken(place));
    let names: Vec<String> = {
        let statement = place.prepared(connection, query)?;
        statement.column_names().map(str::to_owned).collect()
    };
    let column = since.map(|since| watermark::place(&names, &since.column)).transpose()?;
    let limit = match column {
        Some(_) => connection.query_row(TOMORROW, [], |row| row.get(0)).map_err(fault)?,
        None => None,
    };
    let from = since.and_then(|since| since.from.as_ref()).and_then(value::From::of);
    let count = names.len();
    let wrapped = match column.filter(|_| from.is_some()) {
        Some(at) => {
            let columns: Vec<String> = (0..count).map(|at| format!("c{at}")).collect();
            let columns = columns.join(", ");
            // A comment at the end of theirs ends with its line. Rows without a value could be new.
            let since = format!("c{at} >= ?1 OR c{at} IS NULL");
            format!("WITH q({columns}) AS (\n{query}\n) SELECT * FROM q WHERE {since}")
        }
        None => query.to_owned(),
    };
    send(Step::Columns(names))?;
    let mut statement = place.prepared(connection, &wrapped)?;
    let mut found = statement.query(rusqlite::params_from_iter(from)).map_err(fault)?;
    let (mut rows, mut highest) = (0, Highest::up_to(limit));
    while let Some(row) = found.next().map_err(fault)? {
        if let Some(at) = column
            && let Some(level) = value::level(row.get_ref(at).map_err(fault)?)
        {
            highest.see(level);
        }
        send(Step::Row(value::cells(row, count).map_err(fault)?))?;
        rows += 1;
    }
    send(Step::End(Pulled { rows, mark: highest.mark() }))
}
