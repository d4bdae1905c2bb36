//! Getting into a directory: `ldaps://` is encrypted from the first byte, `ldap://` by StartTLS
//! unless `tls` is off.

use std::sync::Arc;

use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, StdStream};
use tokio::net::TcpStream;

use super::super::access::{Access, Tls};
use super::super::error::RemoteError;
use super::super::limit::within;
use super::super::url::{self, Server};
use super::super::{said, tls};

/// invalidCredentials and its neighbours (RFC 4511 s4.1.9).
const LOGIN: [u32; 6] = [7, 8, 13, 48, 49, 53];
const SIZE_LIMIT: u32 = 4;
const NO_SUCH_OBJECT: u32 = 32;

/// Where a directory is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    address: (String, u16),
    url: String,
    encrypted: bool,
    /// Host and port, for messages.
    pub(super) server: String,
}

impl Target {
    /// Reads `ldap://HOST:PORT` or `ldaps://HOST:PORT`.
    pub(super) fn new(text: &str) -> Result<Self, RemoteError> {
        let setting = |what: &str| RemoteError::Setting { what: what.to_owned() };
        let scheme = text.split("://").next().unwrap_or_default().to_ascii_lowercase();
        let encrypted = scheme == "ldaps";
        let target = url::read(text, &["ldap", "ldaps"], if encrypted { 636 } else { 389 })?;
        if target.database.is_some() {
            return Err(setting(
                "where a search begins belongs in `base`; a URL is ldap://HOST:PORT",
            ));
        }
        let Server::Tcp(host, port) = target.server else {
            return Err(setting("a directory has a host and a port, as in ldap://HOST:PORT"));
        };
        let server = Server::Tcp(host.clone(), port).to_string();
        let url = format!("{}://{server}", if encrypted { "ldaps" } else { "ldap" });
        Ok(Self { address: (host, port), url, encrypted, server })
    }
}

/// Connects and binds.
pub(super) async fn login(access: &Access, target: &Target) -> Result<Ldap, RemoteError> {
    if target.encrypted && access.tls == Tls::Off {
        let what = "ldaps:// is encrypted: set `tls` to \"verify\" or \"unverified\", or write \
                    ldap://";
        return Err(RemoteError::Setting { what: what.to_owned() });
    }
    let config = tls::client_config(&access.tls, &target.server)?;
    within(&target.server, access.timeout, async {
        let server = || target.server.clone();
        let (host, port) = &target.address;
        let unreachable = |what: String| RemoteError::Unreachable { server: server(), what };
        let tcp = TcpStream::connect((host.as_str(), *port))
            .await
            .and_then(TcpStream::into_std)
            .map_err(|error| unreachable(error.to_string()))?;
        let mut settings = LdapConnSettings::new().set_std_stream(StdStream::Tcp(tcp));
        if let Some(config) = config {
            settings = settings.set_config(Arc::new(config)).set_starttls(!target.encrypted);
        }
        let (connection, mut ldap) = LdapConnAsync::with_settings(settings, &target.url)
            .await
            .map_err(|error| RemoteError::Tls { server: server(), what: no_tls(error) })?;
        // It ends when the last handle is dropped; what went wrong is told to whoever waits.
        tokio::spawn(async move {
            let _ = connection.drive().await;
        });
        bind(access, target, &mut ldap).await?;
        Ok(ldap)
    })
    .await
}

async fn bind(access: &Access, target: &Target, ldap: &mut Ldap) -> Result<(), RemoteError> {
    let Some(user) = &access.user else { return Ok(()) };
    let no_password = || RemoteError::Password {
        what: "a directory wants a password of `user`: set `password_file`".to_owned(),
    };
    let password = access.password.as_ref().ok_or_else(no_password)?.read()?;
    // A bind with a name and no password succeeds as nobody (RFC 4513 s5.1.2).
    if password.expose().is_empty() {
        return Err(no_password());
    }
    let bound = ldap.simple_bind(user, password.expose()).await;
    let result = bound.and_then(LdapResult::success);
    result.map(|_| ()).map_err(|error| match error {
        LdapError::LdapResult { result } => {
            RemoteError::Login { server: target.server.clone(), what: spoken(&result) }
        }
        error => fault(target, error),
    })
}

/// Why there is no TLS.
fn no_tls(error: LdapError) -> String {
    match error {
        LdapError::LdapResult { result } => {
            format!("it does not take StartTLS ({})", spoken(&result))
        }
        LdapError::Io { source } => source.to_string(),
        error => error.to_string(),
    }
}

/// What an error behind the login means.
pub(super) fn fault(target: &Target, error: LdapError) -> RemoteError {
    let server = target.server.clone();
    let query = |what: &str| RemoteError::Query { server: server.clone(), what: what.to_owned() };
    match error {
        LdapError::LdapResult { result } => match result.rc {
            SIZE_LIMIT => query(
                "it gives no more objects than its size limit allows, so this would not be the \
                 whole list: raise the limit for this user",
            ),
            NO_SUCH_OBJECT => query("there is nothing where `base` begins"),
            code if LOGIN.contains(&code) => RemoteError::Login { server, what: spoken(&result) },
            _ => query(&spoken(&result)),
        },
        LdapError::FilterParsing => RemoteError::Setting {
            what: "`filter` is not legible; filters are written as in (&(mail=*)(optedOut=TRUE))"
                .to_owned(),
        },
        LdapError::Io { source } => {
            RemoteError::Cut { server, what: said::connection(&source.to_string()) }
        }
        error => RemoteError::Cut { server, what: error.to_string() },
    }
}

/// What it said: the name and number of its answer, and its words.
fn spoken(result: &LdapResult) -> String {
    let name = match result.rc {
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        7 => "authMethodNotSupported",
        8 => "strongerAuthRequired",
        10 => "referral to another server",
        11 => "adminLimitExceeded",
        13 => "confidentialityRequired",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        34 => "invalidDNSyntax",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        _ => "result",
    };
    let words = said::without_values(result.text.trim());
    let colon = if words.is_empty() { "" } else { ": " };
    format!("{name} ({}){colon}{words}", result.rc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for (url, server, encrypted) in [
            ("ldap://dc.corp.example", "dc.corp.example:389", false),
            ("LDAPS://dc.corp.example/", "dc.corp.example:636", true),
            ("ldap://[::1]:3890", "[::1]:3890", false),
        ] {
            let target = Target::new(url).unwrap();
            assert_eq!((target.server.as_str(), target.encrypted), (server, encrypted), "{url}");
        }
        for url in ["ldap://dc/dc=corp", "ldapi:///", "ldap://cn=x:pw@dc", "dc.corp.example"] {
            assert!(Target::new(url).is_err(), "{url}");
        }
    }
}
