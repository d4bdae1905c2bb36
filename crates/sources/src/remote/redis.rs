//! Redis and Valkey: the members of a set, the fields of a hash with their values as reasons, or
//! the members of a sorted set with their scores as times (seconds since 1970).
//!
//! What the key is, the server is asked first. A key that is not there is an empty list, since
//! an empty set cannot exist: whether that may be is for the guards to say. Asked about single
//! addresses there are no guards; then it is an error, so that a lost key permits nobody.
//!
//! A list is read by SCAN, which gives everything that was there all the time, some of it more
//! than once. If the key goes, or there are fewer members than before and behind, it is an error.

use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    AsyncConnectionConfig, ErrorKind, FromRedisValue, Pipeline, RedisConnectionInfo, RedisError,
    cmd, pipe,
};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::access::{Access, Question, Tls};
use super::error::RemoteError;
use super::found::Found;
use super::limit::within;
use super::mark::{Pulled, Since};
use super::url::{self, Server};
use super::{cell_text, said, tls};
use crate::spool::SpoolWriter;

const PORT: u16 = 6379;
/// How many members a step of a scan is to give, about.
const STEP: usize = 1000;

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Set,
    Hash,
    Sorted,
}

impl Kind {
    /// By the answer of TYPE; none: there is no such key.
    fn of(word: &str, place: &Place) -> Result<Option<Self>, RemoteError> {
        match word {
            "set" => Ok(Some(Self::Set)),
            "hash" => Ok(Some(Self::Hash)),
            "zset" => Ok(Some(Self::Sorted)),
            "none" => Ok(None),
            other => Err(place.query(format!(
                "the key {} is a {other}; a list is a set, a hash or a sorted set",
                place.key
            ))),
        }
    }

    /// The names of the columns, for the reader of lists to find by itself.
    fn columns(kind: Option<Self>) -> &'static [&'static str] {
        match kind {
            Some(Self::Set) | None => &["email"],
            Some(Self::Hash) => &["email", "reason"],
            Some(Self::Sorted) => &["email", "date"],
        }
    }

    fn scan(self) -> &'static str {
        match self {
            Self::Set => "SSCAN",
            Self::Hash => "HSCAN",
            Self::Sorted => "ZSCAN",
        }
    }

    fn count(self) -> &'static str {
        match self {
            Self::Set => "SCARD",
            Self::Hash => "HLEN",
            Self::Sorted => "ZCARD",
        }
    }

    fn look_up(self) -> &'static str {
        match self {
            Self::Set => "SISMEMBER",
            Self::Hash => "HGET",
            Self::Sorted => "ZSCORE",
        }
    }
}

/// Where a list is.
#[derive(Debug, Clone)]
struct Place {
    host: String,
    port: u16,
    encrypted: bool,
    database: i64,
    /// Host and port, for messages.
    server: String,
    key: String,
}

impl Place {
    /// Reads `redis://HOST:PORT/DATABASE` or `rediss://`, and the key.
    fn new(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let setting = |what: &str| RemoteError::Setting { what: what.to_owned() };
        let Question::Redis { key } = question else {
            return Err(setting("a Redis server is asked by `key`"));
        };
        let target = url::read(&access.url, &["redis", "rediss", "valkey", "valkeys"], PORT)?;
        let scheme = access.url.split("://").next().unwrap_or_default().to_ascii_lowercase();
        let encrypted = matches!(scheme.as_str(), "rediss" | "valkeys");
        match (encrypted, &access.tls) {
            (true, Tls::Off) => Err(setting(
                "rediss:// is encrypted: set `tls` to \"verify\" or \"unverified\", or write \
                 redis://",
            )),
            (false, Tls::Verified { .. } | Tls::Unverified) => {
                Err(setting("redis:// is not encrypted: write rediss://, or set `tls` to \"off\""))
            }
            _ => Ok(()),
        }?;
        let Server::Tcp(host, port) = target.server else {
            return Err(setting("a Redis server has a host and a port, as in redis://HOST:PORT"));
        };
        let number = target.database.as_deref().unwrap_or("0").parse().ok();
        let database = number
            .filter(|number| *number >= 0)
            .ok_or_else(|| setting("a database is a number, as in redis://HOST:PORT/0"))?;
        let server = Server::Tcp(host.clone(), port).to_string();
        Ok(Self { host, port, encrypted, database, server, key: key.clone() })
    }

    fn query(&self, what: String) -> RemoteError {
        RemoteError::Query { server: self.server.clone(), what }
    }

    /// What an error means.
    fn fault(&self, error: RedisError) -> RemoteError {
        let server = self.server.clone();
        let (kind, mut what) = (error.kind(), said::without_values(&error.to_string()));
        let said = error.into_server_errors();
        let said = said.as_ref().and_then(|errors| errors.first()).map(|(_, error)| error);
        let code = said.map(|error| error.code());
        if let (Some(code), Some(words)) = (code, said.and_then(|error| error.details())) {
            what = format!("{code} {}", said::without_values(words));
        }
        match (kind, code) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("NOAUTH" | "WRONGPASS")) => {
                RemoteError::Login { server, what }
            }
            (_, Some("WRONGTYPE")) => self.changed(),
            (_, Some(_)) | (ErrorKind::Server(_), None) => self.query(what),
            (_, None) => RemoteError::Cut { server, what },
        }
    }

    fn changed(&self) -> RemoteError {
        self.query(format!("the key {} has become something else", self.key))
    }
}

/// Reads a list.
pub(super) async fn pull(
    access: &Access,
    question: &Question,
    since: Option<&Since>,
    rows: &mut SpoolWriter,
) -> Result<Pulled, RemoteError> {
    if since.is_some() {
        let what = "a list in Redis has no column that grows: leave out `watermark`";
        return Err(RemoteError::Setting { what: what.to_owned() });
    }
    let place = Place::new(access, question)?;
    let mut redis = Redis::open(access, place).await?;
    let kind = redis.kind().await?;
    rows.columns(Kind::columns(kind)).map_err(|error| spool(&error))?;
    let mut pulled = Pulled { rows: 0, mark: None };
    let Some(kind) = kind else { return Ok(pulled) };
    let before = redis.count(kind).await?;
    let mut cursor = 0;
    loop {
        let (next, members) = redis.step(kind, cursor).await?;
        let width = Kind::columns(Some(kind)).len();
        for member in members.chunks_exact(width) {
            let cells: Vec<_> = member.iter().map(|bytes| cell_text::of(bytes)).collect();
            let cells = cells.iter().map(|cell| Some(cell.as_ref()));
            rows.row(cells).map_err(|error| spool(&error))?;
            pulled.rows += 1;
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }
    let least = before.min(redis.count(kind).await?);
    if redis.kind().await? != Some(kind) || pulled.rows < least {
        return Err(redis.place.changed());
    }
    Ok(pulled)
}

/// A connection on which addresses are asked about.
pub(super) struct Session {
    redis: Redis,
    kind: Kind,
    columns: Arc<[String]>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("place", &self.redis.place).finish_non_exhaustive()
    }
}

impl Session {
    /// Connects, and finds out what the key is.
    pub(super) async fn open(access: &Access, question: &Question) -> Result<Self, RemoteError> {
        let place = Place::new(access, question)?;
        let mut redis = Redis::open(access, place).await?;
        let kind = redis.kind().await?.ok_or_else(|| redis.missing())?;
        let columns = Kind::columns(Some(kind)).iter().map(|name| (*name).to_owned()).collect();
        Ok(Self { redis, kind, columns })
    }

    /// The rows found for each of these values, in their order.
    pub(super) async fn ask(&mut self, values: &[String]) -> Result<Vec<Vec<Found>>, RemoteError> {
        let mut asked = pipe();
        for value in values {
            asked.cmd(self.kind.look_up()).arg(&self.redis.place.key).arg(value);
        }
        // Behind the look-ups: what they were made in is still there.
        asked.cmd("TYPE").arg(&self.redis.place.key);
        let mut answers: Vec<::redis::Value> = self.redis.pipeline(&asked).await?;
        let word = answers.pop().map(String::from_redis_value);
        let word = word.and_then(Result::ok).unwrap_or_default();
        match Kind::of(&word, &self.redis.place)? {
            None => return Err(self.redis.missing()),
            Some(kind) if kind != self.kind => return Err(self.redis.place.changed()),
            Some(_) if answers.len() != values.len() => {
                let server = self.redis.place.server.clone();
                return Err(RemoteError::Cut { server, what: "answers are missing".to_owned() });
            }
            Some(_) => {}
        }
        values.iter().zip(answers).map(|(value, answer)| self.found(value, answer)).collect()
    }

    /// What an answer to a look-up means.
    fn found(&self, value: &str, answer: ::redis::Value) -> Result<Vec<Found>, RemoteError> {
        let garbled = |_| RemoteError::Cut {
            server: self.redis.place.server.clone(),
            what: "garbled answer".to_owned(),
        };
        let mut cells = vec![Some(value.to_owned())];
        match self.kind {
            Kind::Set => {
                if !bool::from_redis_value(answer).map_err(garbled)? {
                    return Ok(Vec::new());
                }
            }
            Kind::Hash | Kind::Sorted => {
                let other = Option::<Vec<u8>>::from_redis_value(answer).map_err(garbled)?;
                let Some(other) = other else { return Ok(Vec::new()) };
                cells.push(Some(cell_text::of(&other).into_owned()));
            }
        }
        Ok(vec![Found { columns: Arc::clone(&self.columns), cells }])
    }
}

/// A connection.
struct Redis {
    access: Access,
    place: Place,
    connection: MultiplexedConnection,
}

impl Redis {
    async fn open(access: &Access, place: Place) -> Result<Self, RemoteError> {
        let mut info = RedisConnectionInfo::default().set_db(place.database);
        if let Some(user) = &access.user {
            info = info.set_username(user);
        }
        if let Some(password) = &access.password {
            info = info.set_password(password.read()?.expose());
        }
        // A user who may only read may not tell a name either.
        info = info.set_skip_set_lib_name();
        let connection =
            within(&place.server, access.timeout, connect(access, &place, &info)).await?;
        Ok(Self { access: access.clone(), place, connection })
    }

    fn missing(&self) -> RemoteError {
        self.place.query(format!(
            "there is no key {}; an empty set cannot exist, so put a member into it that is \
             nobody's address",
            self.place.key
        ))
    }

    async fn kind(&mut self) -> Result<Option<Kind>, RemoteError> {
        let mut asked = pipe();
        asked.cmd("TYPE").arg(&self.place.key);
        let (word,): (String,) = self.pipeline(&asked).await?;
        Kind::of(&word, &self.place)
    }

    async fn count(&mut self, kind: Kind) -> Result<u64, RemoteError> {
        let mut asked = pipe();
        asked.cmd(kind.count()).arg(&self.place.key);
        let (count,): (u64,) = self.pipeline(&asked).await?;
        Ok(count)
    }

    /// A step of a scan: where the next one begins, and what it gave.
    async fn step(&mut self, kind: Kind, cursor: u64) -> Result<(u64, Vec<Vec<u8>>), RemoteError> {
        let mut asked = cmd(kind.scan());
        asked.arg(&self.place.key).arg(cursor).arg("COUNT").arg(STEP);
        let Self { access, place, connection } = self;
        within(&place.server, access.timeout, async {
            asked.query_async(connection).await.map_err(|error| place.fault(error))
        })
        .await
    }

    async fn pipeline<T: FromRedisValue>(&mut self, asked: &Pipeline) -> Result<T, RemoteError> {
        let Self { access, place, connection } = self;
        within(&place.server, access.timeout, async {
            asked.query_async(connection).await.map_err(|error| place.fault(error))
        })
        .await
    }
}

async fn connect(
    access: &Access,
    place: &Place,
    info: &RedisConnectionInfo,
) -> Result<MultiplexedConnection, RemoteError> {
    let server = || place.server.clone();
    let tcp = TcpStream::connect((place.host.as_str(), place.port))
        .await
        .and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp))
        .map_err(|error| RemoteError::Unreachable { server: server(), what: error.to_string() })?;
    match tls::client_config(&access.tls, &place.server)?.filter(|_| place.encrypted) {
        None => greet(place, info, tcp).await,
        Some(config) => {
            let no_tls = |what: String| RemoteError::Tls { server: server(), what };
            let name = ServerName::try_from(place.host.clone())
                .map_err(|error| no_tls(error.to_string()))?;
            let tls = TlsConnector::from(Arc::new(config)).connect(name, tcp).await;
            greet(place, info, tls.map_err(|error| no_tls(error.to_string()))?).await
        }
    }
}

async fn greet(
    place: &Place,
    info: &RedisConnectionInfo,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<MultiplexedConnection, RemoteError> {
    // The time is limited here, and by the setting.
    let config = AsyncConnectionConfig::new().set_response_timeout(None);
    let (connection, driver) = MultiplexedConnection::new_with_config(info, stream, config)
        .await
        .map_err(|error| place.fault(error))?;
    // It ends when the connection is dropped.
    tokio::spawn(driver);
    Ok(connection)
}

fn spool(error: &std::io::Error) -> RemoteError {
    RemoteError::Spool { what: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::access::Engine;
    use super::*;

    fn place(url: &str, tls: Tls) -> Result<Place, RemoteError> {
        let (engine, url, timeout) = (Engine::Redis, url.to_owned(), Duration::from_secs(1));
        let access = Access { engine, url, user: None, password: None, tls, timeout };
        Place::new(&access, &Question::Redis { key: "optout".into() })
    }

    #[test]
    fn urls() {
        for (url, tls, server, database) in [
            ("redis://cache", Tls::Off, "cache:6379", 0),
            ("valkey://cache:7000/3", Tls::Off, "cache:7000", 3),
            ("rediss://[::1]/2", Tls::Unverified, "[::1]:6379", 2),
            ("valkeys://cache", Tls::Verified { ca: None }, "cache:6379", 0),
        ] {
            let place = place(url, tls).unwrap();
            assert_eq!((place.server.as_str(), place.database), (server, database), "{url}");
        }
        for (url, tls, why) in [
            ("redis://cache", Tls::Unverified, "write rediss://"),
            ("redis://cache", Tls::Verified { ca: None }, "write rediss://"),
            ("rediss://cache", Tls::Off, "write redis://"),
            ("redis://cache/crm", Tls::Off, "a database is a number"),
            ("redis://cache/-1", Tls::Off, "a database is a number"),
            ("redis://:hunter2@cache", Tls::Off, "`password_file`"),
        ] {
            let said = place(url, tls).unwrap_err().to_string();
            assert!(said.contains(why), "{url}: {said}");
        }
    }

    #[test]
    fn kinds_of_keys() {
        let place = place("redis://cache", Tls::Off).unwrap();
        assert_eq!(Kind::of("set", &place), Ok(Some(Kind::Set)));
        assert_eq!(Kind::of("zset", &place), Ok(Some(Kind::Sorted)));
        assert_eq!(Kind::of("none", &place), Ok(None));
        let said = Kind::of("string", &place).unwrap_err().to_string();
        assert!(said.contains("the key optout is a string"), "{said}");
    }
}
