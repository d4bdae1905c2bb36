//! A connection to a PostgreSQL server, set up so that its texts are the ones expected here.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::access::Access;
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::tls;
use super::super::url::{self, Server};
use super::fault::Peer;

/// The texts of times and bytes, and the reading of strings, do not depend on how the server, the
/// database or the user is set up; nothing is ever written; and a server that has the last setting
/// (from 14 on) does not go on working for somebody who has left.
const SET_UP: &str = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'; SET bytea_output = 'hex'; \
                      SET standard_conforming_strings = on; \
                      SET default_transaction_read_only = on; \
                      SELECT set_config(name, '5s', false) FROM pg_catalog.pg_settings \
                      WHERE name = 'client_connection_check_interval'";

/// A connection. Dropped, it is closed at once, whatever is still on its way.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) client: Client,
    pub(super) peer: Peer,
    /// Something for each notification; what comes while there is one already is the same.
    pub(super) told: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Line {
    /// Connects and sets up, within the time limit.
    pub(super) async fn open(access: &Access) -> Result<Self, RemoteError> {
        let target = url::read(&access.url, &["postgres", "postgresql"], 5432)?;
        let mut config = Config::new();
        config.application_name("optgate");
        if let Some(user) = &access.user {
            config.user(user);
        }
        if let Some(password) = &access.password {
            config.password(password.read()?.expose());
        }
        if let Some(database) = &target.database {
            config.dbname(database);
        }
        let peer = Peer { server: target.server.to_string(), limit: access.timeout };
        within(&peer.server, peer.limit, connected(access, &target.server, config, &peer)).await
    }

    /// An answer, within the time limit.
    pub(super) async fn asked<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, RemoteError> {
        let answer = async { answer.await.map_err(|error| self.peer.while_asking(&error)) };
        within(&self.peer.server, self.peer.limit, answer).await
    }
}

async fn connected(
    access: &Access,
    server: &Server,
    mut config: Config,
    peer: &Peer,
) -> Result<Line, RemoteError> {
    let unreachable = |error: std::io::Error| RemoteError::Unreachable {
        server: peer.server.clone(),
        what: error.to_string(),
    };
    let line = match server {
        Server::Unix(path) => {
            let stream = UnixStream::connect(path).await.map_err(unreachable)?;
            config.ssl_mode(SslMode::Disable);
            spoken(stream, NoTls, &config, peer).await?
        }
        Server::Tcp(host, port) => {
            let tls = tls::client_config(&access.tls, &peer.server)?;
            let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(unreachable)?;
            stream.set_nodelay(true).map_err(unreachable)?;
            match tls {
                None => {
                    config.ssl_mode(SslMode::Disable);
                    spoken(stream, NoTls, &config, peer).await?
                }
                Some(tls) => {
                    config.ssl_mode(SslMode::Require);
                    let mut maker = MakeRustlsConnect::new(tls);
                    let Ok(tls) =
                        MakeTlsConnect::<TcpStream>::make_tls_connect(&mut maker, host.as_str());
                    spoken(stream, tls, &config, peer).await?
                }
            }
        }
    };
    line.client.batch_execute(SET_UP).await.map_err(|error| line.peer.while_asking(&error))?;
    Ok(line)
}

/// Logs in, and keeps the connection going in a task of its own.
async fn spoken<S, T>(stream: S, tls: T, config: &Config, peer: &Peer) -> Result<Line, RemoteError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    T: TlsConnect<S>,
    T::Stream: Send + 'static,
{
    let (client, mut connection) =
        config.connect_raw(stream, tls).await.map_err(|error| peer.while_connecting(&error))?;
    let (teller, told) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        // An error ends the task; whoever waits for an answer is told of it there.
        while let Some(Ok(message)) =
            std::future::poll_fn(|context| connection.poll_message(context)).await
        {
            if matches!(message, AsyncMessage::Notification(_)) {
                // Full: one is waiting already, and two say no more than one.
                let _ = teller.try_send(());
            }
        }
    });
    Ok(Line { client, peer: peer.clone(), told, task })
}
