//! A connection to a MySQL or MariaDB server, set up so that its texts are the ones expected
//! here.

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Opts, OptsBuilder, SslOpts};

use super::super::access::{Access, Tls};
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::tls;
use super::super::url::{self, Server};
use super::fault::Peer;

/// Times come in UTC, nothing is written, and strings and names in quotes are told apart as this
/// crate does.
const SET_UP: [&str; 3] = [
    "SET NAMES utf8mb4",
    "SET SESSION time_zone = '+00:00', \
     SESSION sql_mode = REPLACE(REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''), 'ANSI_QUOTES', '')",
    "SET SESSION TRANSACTION READ ONLY",
];
/// Prepared statements that are kept, one for each number of values that is asked at once.
const STATEMENTS: usize = 64;

/// A connection. Dropped in the middle of an answer, it is closed at once.
#[derive(Debug)]
pub(super) struct Line {
    conn: Option<Conn>,
    in_answer: bool,
    pub(super) peer: Peer,
}

impl Drop for Line {
    fn drop(&mut self) {
        // In a runtime the library reads an answer to its end before it closes a connection,
        // however long that takes; elsewhere it just closes it.
        if let Some(conn) = self.conn.take().filter(|_| self.in_answer) {
            let _ = std::thread::Builder::new().spawn(move || drop(conn));
        }
    }
}

impl Line {
    /// Connects and sets up, within the time limit.
    pub(super) async fn open(access: &Access) -> Result<Self, RemoteError> {
        let target = url::read(&access.url, &["mysql", "mariadb"], 3306)?;
        let peer = Peer { server: target.server.to_string(), limit: access.timeout };
        let mut options = OptsBuilder::default()
            .user(access.user.clone())
            .db_name(target.database)
            .prefer_socket(false)
            .stmt_cache_size(STATEMENTS);
        if let Some(password) = &access.password {
            options = options.pass(Some(password.read()?.expose()));
        }
        options = match target.server {
            Server::Unix(path) => options.socket(Some(path.display().to_string())),
            Server::Tcp(host, port) => options
                .ip_or_hostname(host)
                .tcp_port(port)
                .ssl_opts(ssl(&access.tls, &peer.server)?),
        };
        let limit = peer.limit;
        let server = peer.server.clone();
        within(&server, limit, async {
            let conn = Conn::new(Opts::from(options))
                .await
                .map_err(|error| peer.while_connecting(&error))?;
            let mut line = Self { conn: Some(conn), in_answer: false, peer };
            for query in SET_UP {
                let peer = line.peer.clone();
                line.conn()?.query_drop(query).await.map_err(|error| peer.while_asking(&error))?;
            }
            Ok(line)
        })
        .await
    }

    fn conn(&mut self) -> Result<&mut Conn, RemoteError> {
        let server = &self.peer.server;
        self.conn.as_mut().ok_or_else(|| RemoteError::Cut {
            server: server.clone(),
            what: "an earlier question was given up".to_owned(),
        })
    }

    /// The connection, for a question whose answer has to be read to its end; then [`Line::rest`].
    pub(super) fn question(&mut self) -> Result<(&mut Conn, Peer), RemoteError> {
        let peer = self.peer.clone();
        self.in_answer = true;
        Ok((self.conn()?, peer))
    }

    /// The answer was read to its end.
    pub(super) fn rest(&mut self) {
        self.in_answer = false;
    }
}

/// The library makes its own TLS client; it is told whom to trust.
fn ssl(tls: &Tls, server: &str) -> Result<Option<SslOpts>, RemoteError> {
    let _ = tls::provider();
    let options = SslOpts::default();
    Ok(match tls {
        Tls::Off => None,
        Tls::Unverified => Some(options.with_danger_accept_invalid_certs(true)),
        Tls::Verified { ca } => {
            let authorities = tls::authorities(ca.as_deref(), server)?;
            let roots =
                authorities.into_iter().map(|authority| authority.to_vec().into()).collect();
            Some(options.with_root_certs(roots).with_disable_built_in_roots(true))
        }
    })
}
