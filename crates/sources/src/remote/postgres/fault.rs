//! What went wrong, from PostgreSQL's codes (SQLSTATE, PostgreSQL documentation appendix A).

use std::error::Error as _;
use std::time::Duration;

use tokio_postgres::Error;
use tokio_postgres::error::DbError;

use super::super::error::RemoteError;
use super::super::said;

/// The server, as errors call it, and the time it is given.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    pub(super) server: String,
    pub(super) limit: Duration,
}

impl Peer {
    /// Of an attempt to connect.
    pub(super) fn while_connecting(&self, error: &Error) -> RemoteError {
        let server = self.server.clone();
        if let Some(said) = error.as_db_error() {
            return match said.code().code() {
                // Too many connections; starting up; shutting down.
                "53300" | "57P01" | "57P02" | "57P03" => {
                    RemoteError::Unreachable { server, what: coded(said, said::of_login) }
                }
                _ => RemoteError::Login { server, what: coded(said, said::of_login) },
            };
        }
        let what = chain(error);
        // The library keeps the kind of an error to itself, but not its words.
        match error.to_string().as_str() {
            "error performing TLS handshake" => RemoteError::Tls { server, what },
            "authentication error" | "invalid configuration" => RemoteError::Login { server, what },
            _ => RemoteError::Cut { server, what },
        }
    }

    /// Of a query.
    pub(super) fn while_asking(&self, error: &Error) -> RemoteError {
        let server = self.server.clone();
        let Some(said) = error.as_db_error() else {
            return RemoteError::Cut { server, what: chain(error) };
        };
        let code = said.code().code();
        match code {
            "57014" => RemoteError::Timeout { server, limit: self.limit },
            "57P01" | "57P02" | "57P03" | "57P05" => {
                RemoteError::Cut { server, what: coded(said, said::whole) }
            }
            _ => {
                let class = code.get(..2).unwrap_or_default();
                let about_the_query = matches!(class, "0A" | "25" | "3D" | "3F" | "42" | "53");
                let words = if about_the_query { said::whole } else { said::without_values };
                RemoteError::Query { server, what: coded(said, words) }
            }
        }
    }
}

/// The primary message and the code. Detail, hint and context may quote rows.
fn coded(said: &DbError, words: fn(&str) -> String) -> String {
    format!("{} ({})", words(said.message()), said.code().code())
}

/// What caused it, in the words of the operating system or of the TLS library.
fn chain(error: &Error) -> String {
    match error.source() {
        Some(cause) => said::whole(&cause.to_string()),
        None => error.to_string(),
    }
}
