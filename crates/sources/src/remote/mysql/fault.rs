//! What went wrong, from MySQL's codes (MySQL reference manual, "Server Error Message
//! Reference"; MariaDB's own ones are above 1900).

use std::io;
use std::time::Duration;

use mysql_async::{DriverError, Error, IoError, ServerError};

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
        match error {
            Error::Server(said) => {
                let what = coded(said, said::of_login);
                match said.code {
                    // Too many connections, of all or of this user; shutting down.
                    1040 | 1053 | 1203 => RemoteError::Unreachable { server, what },
                    _ => RemoteError::Login { server, what },
                }
            }
            Error::Driver(DriverError::NoClientSslFlagFromServer) => {
                RemoteError::Tls { server, what: "the server offers none".to_owned() }
            }
            Error::Driver(
                error @ (DriverError::CleartextPluginDisabled
                | DriverError::UnknownAuthPlugin { .. }
                | DriverError::MysqlOldPasswordDisabled),
            ) => RemoteError::Login { server, what: said::whole(&error.to_string()) },
            Error::Io(IoError::Io(error)) if !is_tls(error) => match error.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe => RemoteError::Cut { server, what: error.to_string() },
                _ => RemoteError::Unreachable { server, what: error.to_string() },
            },
            Error::Io(error) => {
                let what = match error {
                    IoError::Io(error) => error.to_string(),
                    IoError::Tls(error) => error.to_string(),
                };
                RemoteError::Tls { server, what: said::whole(&what) }
            }
            other => RemoteError::Cut { server, what: said::without_values(&other.to_string()) },
        }
    }

    /// Of a query.
    pub(super) fn while_asking(&self, error: &Error) -> RemoteError {
        let server = self.server.clone();
        match error {
            Error::Server(said) => match said.code {
                // Waited too long for a lock, or ran into a limit of time of its own.
                1205 | 1969 | 3024 => RemoteError::Timeout { server, limit: self.limit },
                // Shutting down; killed.
                1053 | 1317 | 1927 => RemoteError::Cut { server, what: coded(said, said::whole) },
                _ => {
                    let about_the_query = said.state.starts_with("42");
                    let words = if about_the_query { said::whole } else { said::without_values };
                    RemoteError::Query { server, what: coded(said, words) }
                }
            },
            Error::Io(error) => {
                let what = match error {
                    IoError::Io(error) => error.to_string(),
                    IoError::Tls(error) => error.to_string(),
                };
                RemoteError::Cut { server, what }
            }
            other => RemoteError::Cut { server, what: said::without_values(&other.to_string()) },
        }
    }
}

fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|cause| cause.is::<rustls::Error>())
}

fn coded(said: &ServerError, words: fn(&str) -> String) -> String {
    format!("{} ({})", words(&said.message), said.code)
}
