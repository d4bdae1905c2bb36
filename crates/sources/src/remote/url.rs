//! Where the URL of a database leads.
//!
//! `postgres://db.corp.example:5432/crm`, `mysql://[2001:db8::1]/crm`, and for a server on this
//! machine `postgres:///crm?host=/run/postgresql` or `mysql:///crm?socket=/run/mysqld/mysqld.sock`.
//! A user or a password in it is refused: it would stand in the configuration, in the output of
//! `source list` and in every message that names the source.

use std::fmt;
use std::path::PathBuf;

use super::error::RemoteError;

/// What a URL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Where the server is.
    pub(super) server: Server,
    /// The database, none when the URL names none.
    pub(super) database: Option<String>,
}

/// Where a server is. Written out, it is what errors call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Server {
    /// A name or an address without brackets, and a port.
    Tcp(String, u16),
    /// A socket of this machine.
    Unix(PathBuf),
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Reads a URL of one of these schemes.
pub(super) fn read(url: &str, schemes: &[&str], port: u16) -> Result<Target, RemoteError> {
    let scheme = schemes.first().copied().unwrap_or_default();
    let wrong = |what: &str| RemoteError::Setting {
        what: format!("{what}; a URL is {scheme}://HOST:PORT/DATABASE"),
    };
    let (written, rest) = url.split_once("://").ok_or_else(|| wrong("there is no scheme"))?;
    if !schemes.iter().any(|known| known.eq_ignore_ascii_case(written)) {
        // What stands there may be part of a password: it is not repeated.
        return Err(wrong("this is another scheme"));
    }
    let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') || path.contains('@') {
        return Err(RemoteError::Setting {
            what: "a URL holds no user and no password; they belong in `user` and `password_file`"
                .to_owned(),
        });
    }
    let database = decoded(path).ok_or_else(|| wrong("the database is not legible"))?;
    let database = Some(database).filter(|name| !name.is_empty());
    let socket = socket(options, scheme, port).map_err(|what| wrong(&what))?;
    let server = match (authority, socket) {
        ("", Some(path)) => Server::Unix(path),
        ("", None) => return Err(wrong("there is no host")),
        (_, Some(_)) => return Err(wrong("there is a host and a socket")),
        (_, None) => {
            let (host, port) =
                host_and_port(authority, port).ok_or_else(|| wrong("host or port is no such"))?;
            Server::Tcp(host, port)
        }
    };
    Ok(Target { server, database })
}

fn host_and_port(authority: &str, port: u16) -> Option<(String, u16)> {
    let (host, behind) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, behind) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, behind)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match behind.strip_prefix(':') {
        Some(port) => port.parse().ok().filter(|port| *port != 0)?,
        None if behind.is_empty() => port,
        None => return None,
    };
    let legible = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    (!host.is_empty() && host.chars().all(legible)).then(|| (host.to_owned(), port))
}

/// A socket named behind the question mark. PostgreSQL names the folder that it is in.
fn socket(options: &str, scheme: &str, mut port: u16) -> Result<Option<PathBuf>, String> {
    let mut found = None;
    for option in options.split('&').filter(|option| !option.is_empty()) {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let value = decoded(value).unwrap_or_default();
        let number = value.parse().ok();
        match (scheme, name, number) {
            ("postgres", "port", Some(number)) => port = number,
            ("postgres", "host", _) | ("mysql", "socket", _) if value.starts_with('/') => {
                found = Some(PathBuf::from(value));
            }
            // The value may be a password: it is not repeated.
            _ => return Err(format!("'{name}' is no option here")),
        }
    }
    Ok(match scheme {
        "postgres" => found.map(|folder| folder.join(format!(".s.PGSQL.{port}"))),
        _ => found,
    })
}

/// Without percent signs (RFC 3986 s2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let value = digit()? * 16 + digit()?;
                u8::try_from(value).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn postgres(url: &str) -> Result<Target, RemoteError> {
        read(url, &["postgres", "postgresql"], 5432)
    }

    #[test]
    fn hosts_ports_and_databases() {
        for (url, server, database) in [
            ("postgres://db.corp.example:6432/crm", "db.corp.example:6432", Some("crm")),
            ("PostgreSQL://db.corp.example", "db.corp.example:5432", None),
            ("postgres://db/", "db:5432", None),
            ("postgres://192.0.2.1/a%20b", "192.0.2.1:5432", Some("a b")),
            ("postgres://[2001:db8::1]:1/crm", "[2001:db8::1]:1", Some("crm")),
            ("postgres://[::1]/crm", "[::1]:5432", Some("crm")),
            ("postgres:///crm?host=/run/postgresql", "/run/postgresql/.s.PGSQL.5432", Some("crm")),
            (
                "postgres:///crm?host=/run/postgresql&port=6432",
                "/run/postgresql/.s.PGSQL.6432",
                Some("crm"),
            ),
            ("postgres:///crm?host=%2Ftmp%2Fx", "/tmp/x/.s.PGSQL.5432", Some("crm")),
        ] {
            let target = postgres(url).unwrap();
            assert_eq!(target.server.to_string(), server, "{url}");
            assert_eq!(target.database.as_deref(), database, "{url}");
        }
        let target = read("mysql:///crm?socket=/run/my.sock", &["mysql", "mariadb"], 3306);
        assert_eq!(target.unwrap().server, Server::Unix("/run/my.sock".into()));
    }

    #[test]
    fn what_is_wrong_is_said_without_what_could_be_a_password() {
        for url in [
            "postgres://reader:hunter2@db/crm",
            "postgres://reader@db/crm",
            "postgres://reader:hunter2/3@db/crm",
        ] {
            let said = postgres(url).unwrap_err().to_string();
            assert!(said.contains("`user` and `password_file`"), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
        for (url, why) in [
            ("db/crm", "no scheme"),
            ("hunter2://db/crm", "another scheme"),
            ("postgres:///crm", "no host"),
            ("postgres://db:/crm", "host or port"),
            ("postgres://db:0/crm", "host or port"),
            ("postgres://db:65536/crm", "host or port"),
            ("postgres://[::1/crm", "host or port"),
            ("postgres://[db]/crm", "host or port"),
            ("postgres://d b/crm", "host or port"),
            ("postgres://db/%f", "not legible"),
            ("postgres://db/crm?password=hunter2", "'password' is no option"),
            ("postgres://db/crm?host=/run", "a host and a socket"),
            ("postgres:///crm?host=hunter2", "'host' is no option"),
            ("postgres:///crm?port=5432", "no host"),
            ("mysql:///crm?host=/run", "another scheme"),
        ] {
            let said = postgres(url).unwrap_err().to_string();
            assert!(said.contains(why), "{url}: {said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
}
