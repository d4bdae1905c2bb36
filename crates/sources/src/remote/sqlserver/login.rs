//! Getting into a SQL Server: by host and port, or by the name of an instance.
//!
//! A certificate is verified against the name in the URL. The file of `ca` is trusted beside the
//! authorities of the system, not instead of them: the TDS library knows no other way, and it
//! does the handshake itself, inside of packets of its own protocol.

use tiberius::error::{Error, IoErrorKind};
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, SqlBrowser as _};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt as _};

use super::super::access::{Access, Tls};
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::url::{self, Server};
use super::super::{said, tls};

const SCHEMES: [&str; 2] = ["sqlserver", "mssql"];
const PORT: u16 = 1433;
/// Where the list of a machine's instances is asked for (MC-SQLR).
const BROWSER: u16 = 1434;

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    host: String,
    port: u16,
    instance: Option<String>,
    database: Option<String>,
    /// Host and port or instance, for messages.
    pub(super) server: String,
}

impl Target {
    /// Reads `sqlserver://HOST:PORT/DATABASE`, `sqlserver://HOST\INSTANCE/DATABASE` or
    /// `sqlserver://HOST/DATABASE?instance=INSTANCE`. With a port, the name of the instance says
    /// nothing more.
    pub(super) fn new(text: &str) -> Result<Self, RemoteError> {
        let (before, instance) = match text.split_once('\\') {
            None => match text.split_once("?instance=") {
                None => (text.to_owned(), None),
                Some((before, instance)) => (before.to_owned(), Some(instance)),
            },
            Some((before, behind)) => {
                let end = behind.find([':', '/', '?']).unwrap_or(behind.len());
                let (instance, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
                (format!("{before}{behind}"), Some(instance))
            }
        };
        let target =
            url::read(&before, &SCHEMES, 0).or_else(|_| url::read(&before, &SCHEMES, PORT))?;
        let Server::Tcp(host, port) = target.server else {
            return Err(RemoteError::Setting {
                what: "a SQL Server has a host and a port, as in sqlserver://HOST:PORT/DATABASE"
                    .to_owned(),
            });
        };
        let instance = instance.filter(|name| port == 0 && !name.is_empty()).map(str::to_owned);
        let port = if port == 0 { PORT } else { port };
        let server = match &instance {
            Some(instance) => format!("{host}\\{instance}"),
            None => Server::Tcp(host.clone(), port).to_string(),
        };
        Ok(Self { host, port, instance, database: target.database, server })
    }
}

/// Connects and logs in.
pub(super) async fn login(
    access: &Access,
    target: &Target,
) -> Result<Client<Compat<TcpStream>>, RemoteError> {
    let config = config(access, target)?;
    within(&target.server, access.timeout, async {
        match connect(access, target, config.clone()).await {
            // Some servers are gates to others (read-only replicas, a cloud's front).
            Err(Refused::Elsewhere { host, port }) => {
                let mut other = config;
                other.host(&host);
                other.port(port);
                let elsewhere = Target { host, port, instance: None, ..target.clone() };
                connect(access, &elsewhere, other).await
            }
            done => done,
        }
        .map_err(|refused| refused.told(target))
    })
    .await
}

/// Why somebody did not get in.
enum Refused {
    Because(RemoteError),
    Elsewhere { host: String, port: u16 },
}

impl Refused {
    fn told(self, target: &Target) -> RemoteError {
        match self {
            Self::Because(error) => error,
            Self::Elsewhere { .. } => RemoteError::Unreachable {
                server: target.server.clone(),
                what: "it sends us from one server to the next".to_owned(),
            },
        }
    }
}

fn config(access: &Access, target: &Target) -> Result<Config, RemoteError> {
    let mut config = Config::new();
    config.host(&target.host);
    config.port(target.port);
    if let Some(database) = &target.database {
        config.database(database);
    }
    config.application_name("optgate");
    config.handshake_timeout(Some(access.timeout));
    config.command_timeout(Some(access.timeout));
    // One illegible cell is one bad row, not the end of the list.
    config.lossy_utf16_decoding(true);
    let (Some(user), Some(password)) = (&access.user, &access.password) else {
        return Err(RemoteError::Setting {
            what: "a SQL Server wants a login: set `user` and `password_file`".to_owned(),
        });
    };
    config.authentication(AuthMethod::sql_server(user, password.read()?.expose()));
    match &access.tls {
        Tls::Off => config.encryption(EncryptionLevel::NotSupported),
        Tls::Unverified => {
            config.encryption(EncryptionLevel::Required);
            config.trust_cert();
        }
        Tls::Verified { ca } => {
            config.encryption(EncryptionLevel::Required);
            if let Some(ca) = ca {
                for certificate in tls::authorities(Some(ca), &target.server)? {
                    config.trust_cert_ca_bundle(certificate.to_vec());
                }
            }
        }
    }
    Ok(config)
}

async fn connect(
    access: &Access,
    target: &Target,
    mut config: Config,
) -> Result<Client<Compat<TcpStream>>, Refused> {
    let unreachable = |what: String| {
        Refused::Because(RemoteError::Unreachable { server: target.server.clone(), what })
    };
    let tcp = match &target.instance {
        None => TcpStream::connect((target.host.as_str(), target.port))
            .await
            .map_err(|error| unreachable(error.to_string()))?,
        Some(instance) => {
            config.instance_name(instance);
            config.port(BROWSER);
            TcpStream::connect_named(&config).await.map_err(|error| {
                unreachable(format!(
                    "its SQL Server Browser (UDP port {BROWSER}) does not tell where the instance \
                     is; give the port instead ({error})"
                ))
            })?
        }
    };
    tcp.set_nodelay(true).map_err(|error| unreachable(error.to_string()))?;
    Client::connect(config, tcp.compat_write()).await.map_err(|error| match error {
        Error::Routing { host, port } => Refused::Elsewhere { host, port },
        error => Refused::Because(refusal(access, target, error)),
    })
}

/// What an error before the first query means.
fn refusal(access: &Access, target: &Target, error: Error) -> RemoteError {
    let server = target.server.clone();
    let no_tls = |what: String| RemoteError::Tls { server: server.clone(), what };
    match error {
        Error::Server(said) => RemoteError::Login { what: said::whole(said.message()), server },
        Error::Io { kind: IoErrorKind::TimedOut, .. } => {
            RemoteError::Timeout { server, limit: access.timeout }
        }
        // It answers that it encrypts, and the library begins to; without being asked to, that
        // goes wrong in one way or another.
        Error::Tls(_) if access.tls == Tls::Off => no_tls(DEMANDED.to_owned()),
        Error::Io { message, .. } if access.tls == Tls::Off && message.contains("tls") => {
            no_tls(DEMANDED.to_owned())
        }
        // Behind the first sentence the library names its own functions.
        Error::Tls(what) => no_tls(what.split(". ").next().unwrap_or_default().to_owned()),
        Error::Protocol(what) if what.contains("encryption level") => {
            no_tls("it does not encrypt; set `tls = \"off\"` if that is right".to_owned())
        }
        Error::Protocol(_) => RemoteError::Unreachable {
            server,
            what: "what answers there is no SQL Server".to_owned(),
        },
        Error::Io { message, .. } if message.contains("tls") => no_tls(message),
        Error::Io { message, .. } => RemoteError::Cut { server, what: said::connection(&message) },
        error => RemoteError::Cut { server, what: error.to_string() },
    }
}

const DEMANDED: &str =
    "it demands encryption; set `tls` to \"verify\", or to \"unverified\" on a safe network";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_and_instances() {
        for (url, server, port, database) in [
            ("sqlserver://db.corp.example/crm", "db.corp.example:1433", 1433, Some("crm")),
            ("mssql://db:14330", "db:14330", 14330, None),
            (r"sqlserver://db\EXPRESS/crm", r"db\EXPRESS", 1433, Some("crm")),
            (r"sqlserver://db\EXPRESS:14330/crm", "db:14330", 14330, Some("crm")),
            ("sqlserver://db/crm?instance=EXPRESS", r"db\EXPRESS", 1433, Some("crm")),
            ("sqlserver://[::1]/crm", "[::1]:1433", 1433, Some("crm")),
        ] {
            let target = Target::new(url).unwrap();
            assert_eq!((target.server.as_str(), target.port), (server, port), "{url}");
            assert_eq!(target.database.as_deref(), database, "{url}");
            assert_eq!(target.instance.is_some(), server.contains('\\'), "{url}");
        }
        for url in
            ["db", "postgres://db", "sqlserver://sa:pw@db", "sqlserver://", r"sqlserver://\x"]
        {
            assert!(Target::new(url).is_err(), "{url}");
        }
    }
}
