//! Why a database did not answer.

use std::time::Duration;

use thiserror::Error;

/// Why a database did not answer. Texts hold neither passwords nor values of cells.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// There is no password where it should be.
    #[error("password: {what}")]
    Password {
        /// The file or variable.
        what: String,
    },
    /// The settings do not fit.
    #[error("{what}")]
    Setting {
        /// What is wrong, and what would be right.
        what: String,
    },
    /// Nobody answers there.
    #[error("{server} cannot be reached: {what}")]
    Unreachable {
        /// Host and port.
        server: String,
        /// What went wrong.
        what: String,
    },
    /// The connection cannot be protected as the settings say.
    #[error("{server}: no TLS as `tls` asks for: {what}")]
    Tls {
        /// Host and port.
        server: String,
        /// What went wrong.
        what: String,
    },
    /// It does not let us in.
    #[error("{server} refuses the login: {what}")]
    Login {
        /// Host and port.
        server: String,
        /// What it said.
        what: String,
    },
    /// It does not take the question.
    #[error("{server} does not take the query: {what}")]
    Query {
        /// Host and port.
        server: String,
        /// What it said.
        what: String,
    },
    /// It gives something else than a list.
    #[error("{server} answers {what}")]
    Answer {
        /// Host and port.
        server: String,
        /// What it gives.
        what: String,
    },
    /// The connection broke off.
    #[error("{server} broke off: {what}")]
    Cut {
        /// Host and port.
        server: String,
        /// What went wrong.
        what: String,
    },
    /// It did not answer in time.
    #[error("{server} did not answer within {limit:?}")]
    Timeout {
        /// Host and port.
        server: String,
        /// The setting.
        limit: Duration,
    },
    /// The rows could not be put down.
    #[error("rows cannot be put down: {what}")]
    Spool {
        /// What the operating system said.
        what: String,
    },
}

impl RemoteError {
    /// Of a row that could not be written.
    pub(super) fn spool(error: std::io::Error) -> Self {
        Self::Spool { what: error.to_string() }
    }

    /// Of a question that finds more rows than one about a person would.
    pub(super) fn too_many_rows(server: &str) -> Self {
        let what = "more than 1000 rows for one recipient".to_owned();
        Self::Query { server: server.to_owned(), what }
    }
}
