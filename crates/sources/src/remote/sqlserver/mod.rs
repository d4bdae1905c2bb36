//! Microsoft SQL Server (MS-TDS): NVARCHAR and VARCHAR, ROWVERSION and DATETIME2.
//!
//! Addresses go as parameters of `sp_executesql`. One of ASCII characters is declared as VARCHAR:
//! compared with a VARCHAR column that uses its index, and compared with an NVARCHAR column it is
//! the parameter that is converted, so that uses its index too. The other way round, NVARCHAR
//! against VARCHAR, the server would convert the column and read all of it. Any other address
//! is NVARCHAR, since VARCHAR could not hold it.

mod login;
mod question;
mod text;

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use tiberius::error::{Error, IoErrorKind};
use tiberius::{Client, Column, Command, CommandItem, CommandStream, Row};
use tokio::net::TcpStream;
use tokio_util::compat::Compat;

use self::login::Target;
use super::access::{Access, Question};
use super::error::RemoteError;
use super::found::Found;
use super::limit::within;
use super::mark::{Mark, Pulled, Since};
use super::placeholder::Template;
use super::said;
use crate::spool::SpoolWriter;

/// How many addresses one batch asks about; a plan is kept by the server for each count.
const CHUNK: usize = 50;
/// The severity from which on the server ends the connection.
const FATAL: u8 = 20;
/// Errors whose texts quote names of the query only: objects, columns, words.
const ABOUT_NAMES: [u32; 12] = [102, 105, 137, 156, 201, 207, 208, 229, 230, 319, 2812, 4104];

/// Reads a list.
pub(super) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    let target = Target::new(&access.url)?;
    let mut query = question::whole(question)?;
    let mut bound = None;
    if let Some(since) = since {
        bound = since.from.as_ref().map(text::bound).transpose()?;
        let bound = bound.as_ref().map(|(bound, _)| bound.as_str());
        query = question::wrapped(&query, &since.column, bound)?;
    }
    let parameters: Vec<&str> = bound.iter().map(|(_, value)| *value).collect();
    let mut client = login::login(access, &target).await?;
    let faults = Faults { access, target: &target };
    let asking = async { ask(&mut client, query, &parameters).await.map_err(|e| faults.of(e)) };
    let mut answer = within(&target.server, access.timeout, asking).await?;
    let mut pulled = Pulled { rows: 0, mark: None };
    let mut watermark: Option<usize> = None;
    let mut columns = false;
    while let Some(item) = answer.try_next().await.map_err(|error| faults.of(error))? {
        match item {
            CommandItem::Metadata(_) if columns => return Err(faults.query("it gives two tables")),
            CommandItem::Metadata(table) => {
                columns = true;
                let names = names(table.columns());
                rows.columns(&names).map_err(|error| spool(&error))?;
                watermark = since.map(|since| faults.find(&names, since)).transpose()?;
            }
            CommandItem::Row(row) => {
                let cells: Vec<Option<Cow<'_, str>>> =
                    row.cells().map(|(_, value)| text::of(value)).collect();
                rows.row(cells.iter().map(Option::as_deref)).map_err(|error| spool(&error))?;
                pulled.rows += 1;
                // They come in its order, NULL first: the last one is the greatest.
                if let Some(mark) = watermark.map(|at| faults.mark(&row, at)).transpose()? {
                    pulled.mark = mark;
                }
            }
            _ => {}
        }
    }
    if columns { Ok(pulled) } else { Err(faults.query("it gives no table")) }
}

/// A connection on which addresses are asked about.
#[derive(Debug)]
pub(super) struct Session {
    access: Access,
    target: Target,
    asked: Template,
    client: Box<Client<Compat<TcpStream>>>,
}

impl Session {
    /// Connects. The server prepares a batch when it sees it first, and keeps it.
    pub(super) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let asked = question::one(question)?;
        let target = Target::new(&access.url)?;
        let client = login::login(access, &target).await?;
        Ok(Self { access: access.clone(), target, asked, client: Box::new(client) })
    }

    /// The rows found for each of these values, in their order.
    pub(super) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let Self { access, target, asked, client } = self;
        let faults = Faults { access, target };
        within(&target.server, access.timeout, async {
            let mut found = Vec::with_capacity(values.len());
            for values in values.chunks(CHUNK) {
                let parameters: Vec<&str> = values.iter().map(String::as_str).collect();
                let batch = question::batch(asked, values.len());
                let answer =
                    ask(client, batch, &parameters).await.map_err(|error| faults.of(error))?;
                let tables = tables(answer).await.map_err(|error| faults.of(error))?;
                if tables.len() != values.len() {
                    return Err(faults.query("it does not give one table for each address"));
                }
                found.extend(tables);
            }
            Ok(found)
        })
        .await
    }
}

/// The tables of an answer.
async fn tables(mut answer: CommandStream<'_>) -> Result<Vec<Vec<Found>>, Error> {
    let mut tables: Vec<Vec<Found>> = Vec::new();
    let mut columns: Arc<[String]> = Arc::default();
    while let Some(item) = answer.try_next().await? {
        match item {
            CommandItem::Metadata(table) => {
                let names = names(table.columns());
                // Of one query, as often as it was asked: mostly the same.
                if *columns != *names {
                    columns = names.into();
                }
                tables.push(Vec::new());
            }
            CommandItem::Row(row) => {
                let cells = row.cells().map(|(_, value)| text::of(value).map(Cow::into_owned));
                let found = Found { columns: Arc::clone(&columns), cells: cells.collect() };
                if let Some(table) = tables.last_mut() {
                    table.push(found);
                }
            }
            _ => {}
        }
    }
    Ok(tables)
}

/// Asks, with these values as `@P1`, `@P2`….
async fn ask<'a>(
    client: &'a mut Client<Compat<TcpStream>>,
    query: String,
    values: &[&str],
) -> Result<CommandStream<'a>, Error> {
    let mut command = Command::new("sp_executesql");
    // Its own two parameters go without names, as other clients send them.
    command.bind_param("", query);
    if !values.is_empty() {
        let declared: Vec<String> = (1..)
            .zip(values)
            .map(|(number, value)| {
                let narrow = value.is_ascii() && value.len() <= 8000;
                format!("@P{number} {}", if narrow { "varchar(8000)" } else { "nvarchar(4000)" })
            })
            .collect();
        command.bind_param("", declared.join(","));
    }
    for (number, value) in (1..).zip(values) {
        command.bind_param(format!("@P{number}"), *value);
    }
    command.exec(client).await
}

fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name().to_owned()).collect()
}

fn spool(error: &std::io::Error) -> RemoteError {
    RemoteError::Spool { what: error.to_string() }
}

/// What can go wrong behind the login.
#[derive(Clone, Copy)]
struct Faults<'a> {
    access: &'a Access,
    target: &'a Target,
}

impl Faults<'_> {
    fn query(self, what: &str) -> RemoteError {
        RemoteError::Query { server: self.target.server.clone(), what: what.to_owned() }
    }

    fn of(self, error: Error) -> RemoteError {
        let server = self.target.server.clone();
        match error {
            Error::Server(error) => {
                let what = if ABOUT_NAMES.contains(&error.code()) {
                    said::whole(error.message())
                } else {
                    said::without_values(error.message())
                };
                if error.class() >= FATAL {
                    RemoteError::Cut { server, what }
                } else {
                    RemoteError::Query { server, what: format!("{what} ({})", error.code()) }
                }
            }
            Error::Io { kind: IoErrorKind::TimedOut, .. } => {
                RemoteError::Timeout { server, limit: self.access.timeout }
            }
            Error::Io { message, .. } => {
                RemoteError::Cut { server, what: said::connection(&message) }
            }
            error => RemoteError::Cut { server, what: error.to_string() },
        }
    }

    /// Where the watermark is.
    fn find(self, names: &[String], since: &Since) -> Result<usize, RemoteError> {
        names.iter().position(|name| name.eq_ignore_ascii_case(&since.column)).ok_or_else(|| {
            self.query(&format!("it has no column {}, which `watermark` names", since.column))
        })
    }

    fn mark(self, row: &Row, at: usize) -> Result<Option<Mark>, RemoteError> {
        let Some((_, value)) = row.cells().nth(at) else { return Ok(None) };
        text::mark(value).map_err(|kind| RemoteError::Setting {
            what: format!(
                "`watermark` is {kind}, which does not grow; take a rowversion, a number or a time"
            ),
        })
    }
}
