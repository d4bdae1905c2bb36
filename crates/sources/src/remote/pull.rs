//! Reading a list out of a database.

use super::access::{Access, Engine, Question};
use super::error::RemoteError;
use super::mark::{Pulled, Since};
use super::{ldap, mysql, postgres, redis, sqlite, sqlserver};
use crate::spool::SpoolWriter;

/// Reads a list and puts its rows down, the names of the columns first. In bounded memory.
///
/// # Errors
/// Why it could not be read to its end; what was put down until then is not the list.
pub async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    match access.engine {
        Engine::Postgres => postgres::pull(access, question, since, rows).await,
        Engine::MySql => mysql::pull(access, question, since, rows).await,
        Engine::SqlServer => sqlserver::pull(access, question, since, rows).await,
        Engine::Sqlite => sqlite::pull(access, question, since, rows).await,
        Engine::Ldap => ldap::pull(access, question, since, rows).await,
        Engine::Redis => redis::pull(access, question, since, rows).await,
    }
}
