//! Where a database is, who asks it, and what.

use std::path::PathBuf;
use std::time::Duration;

use observe::Secret;

use super::error::RemoteError;

/// Which protocol is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// Microsoft SQL Server (MS-TDS).
    SqlServer,
    /// A file of SQLite.
    Sqlite,
    /// LDAP (RFC 4511), Active Directory among them.
    Ldap,
    /// Redis and Valkey.
    Redis,
}

/// A way to a database.
#[derive(Debug, Clone)]
pub struct Access {
    /// What it is.
    pub engine: Engine,
    /// Its URL, such as `postgres://db.corp.example:5432/crm`, without user and password; of
    /// SQLite the path of the file.
    pub url: String,
    /// Who asks; of LDAP the name to bind as.
    pub user: Option<String>,
    /// Where the password is.
    pub password: Option<Password>,
    /// How the connection is protected.
    pub tls: Tls,
    /// For a connection to be made, and for an answer to begin and to go on.
    pub timeout: Duration,
}

/// Where a password is. It is read each time somebody connects, so that a changed one counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Password {
    /// The first line of a file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl Password {
    /// Reads it.
    ///
    /// # Errors
    /// [`RemoteError::Password`] with the file or variable that is missing.
    pub fn read(&self) -> Result<Secret<String>, RemoteError> {
        let missing = |what: String| RemoteError::Password { what };
        let text = match self {
            Self::File(path) => std::fs::read_to_string(path)
                .map_err(|error| missing(format!("{}: {error}", path.display())))?,
            Self::Environment(name) => std::env::var(name)
                .map_err(|_| missing(format!("the environment variable {name} is not set")))?,
        };
        Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()))
    }
}

/// How a connection is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    Off,
    /// Encrypted to whoever answers: nobody can listen, but somebody could pretend.
    Unverified,
    /// Encrypted, and the server's name and certificate are verified.
    Verified {
        /// The authorities that are trusted, PEM; none: those of the system.
        ca: Option<PathBuf>,
    },
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A query. Of one recipient: with `@recipient`, or the database's own `$1`, `?` or `@P1`,
    /// in the place of the address.
    Sql(String),
    /// A search.
    Ldap {
        /// Where it begins, with everything below.
        base: String,
        /// What an object must be (RFC 4515). Of one recipient: with `@recipient`.
        filter: String,
        /// The attributes that are columns; the first is the address.
        attributes: Vec<String>,
    },
    /// The members of a set, or the fields of a hash, whose values are reasons.
    Redis {
        /// The key of the set or hash.
        key: String,
    },
}

impl Question {
    /// The query of a database that has one.
    pub(super) fn sql(&self) -> Result<&str, RemoteError> {
        match self {
            Self::Sql(query) => Ok(query),
            Self::Ldap { .. } | Self::Redis { .. } => {
                Err(RemoteError::Setting { what: "this database is asked by a `query`".to_owned() })
            }
        }
    }
}
