//! Asking a database about single addresses.

use super::access::{Access, Engine, Question};
use super::error::RemoteError;
use super::found::Found;
use super::{ldap, mysql, postgres, redis, sqlite, sqlserver};

/// A connection on which addresses are asked about. After an error it is of no more use.
#[derive(Debug)]
pub struct Connection {
    session: Session,
}

#[derive(Debug)]
enum Session {
    Postgres(postgres::Session),
    MySql(mysql::Session),
    SqlServer(sqlserver::Session),
    Sqlite(sqlite::Session),
    Ldap(ldap::Session),
    Redis(redis::Session),
}

impl Connection {
    /// Connects, and has the question prepared.
    ///
    /// # Errors
    /// Why that is not possible.
    pub async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let session = match access.engine {
            Engine::Postgres => Session::Postgres(postgres::Session::open(access, question).await?),
            Engine::MySql => Session::MySql(mysql::Session::open(access, question).await?),
            Engine::SqlServer => {
                Session::SqlServer(sqlserver::Session::open(access, question).await?)
            }
            Engine::Sqlite => Session::Sqlite(sqlite::Session::open(access, question).await?),
            Engine::Ldap => Session::Ldap(ldap::Session::open(access, question).await?),
            Engine::Redis => Session::Redis(redis::Session::open(access, question).await?),
        };
        Ok(Self { session })
    }

    /// The rows found for each of these values, in their order, in one round trip. The values
    /// are parameters, never part of the question.
    ///
    /// # Errors
    /// Why there is no answer. Without any row is an answer; this is not.
    pub async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        match &mut self.session {
            Session::Postgres(session) => session.ask(values).await,
            Session::MySql(session) => session.ask(values).await,
            Session::SqlServer(session) => session.ask(values).await,
            Session::Sqlite(session) => session.ask(values).await,
            Session::Ldap(session) => session.ask(values).await,
            Session::Redis(session) => session.ask(values).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::access::Tls;

    /// Whoever keeps connections for many sessions moves them between threads.
    #[test]
    fn a_question_may_wait_on_any_thread() {
        fn may_move<T: Send>(future: T) -> T {
            future
        }
        let access = Access {
            engine: Engine::Sqlite,
            url: "/nowhere/crm.db".to_owned(),
            user: None,
            password: None,
            tls: Tls::Off,
            timeout: std::time::Duration::from_secs(60),
        };
        let question = Question::Sql("SELECT 1 WHERE ? = ''".to_owned());
        let asked = may_move(async {
            let mut connection = Connection::open(&access, &question).await?;
            connection.ask(&[]).await
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let error = runtime.block_on(asked).unwrap_err();
        assert!(matches!(error, RemoteError::Unreachable { .. }), "{error}");
    }
}
