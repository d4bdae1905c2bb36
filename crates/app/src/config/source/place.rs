//! Which place a source is at: exactly one of the words for it; and which keys go with it.

use std::ops::Range;

use sources::Engine;

use super::keys::Source;
use crate::config::fault::Fault;
use crate::config::form::FilePath;
use crate::config::location::{DatabaseUrl, ListPlace};
use crate::config::section::{Maybe, Said};

/// What is at a path or a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListKind {
    Csv,
    Xml,
    Json,
    Text,
    Xlsx,
    AccessMap,
    /// Found out by its content.
    Any,
}

/// The one place that is said.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Located<'a> {
    /// A list in a file, in files, or on a web server.
    List(ListKind, &'a Said<ListPlace>),
    /// A database on a server.
    Server(Engine, &'a Said<DatabaseUrl>),
    /// A database that is a file.
    Sqlite(&'a Said<FilePath>),
}

impl Located<'_> {
    /// What it is called in a message.
    pub(crate) fn called(self) -> &'static str {
        match self {
            Self::List(ListKind::Csv, _) => "a CSV list",
            Self::List(ListKind::Xml, _) => "an XML list",
            Self::List(ListKind::Json, _) => "a JSON list",
            Self::List(ListKind::Text, _) => "a list of plain text",
            Self::List(ListKind::Xlsx, _) => "a workbook",
            Self::List(ListKind::AccessMap, _) => "an access map",
            Self::List(ListKind::Any, _) => "a file that is found out by its content",
            Self::Server(Engine::Postgres, _) => "PostgreSQL",
            Self::Server(Engine::MySql, _) => "MySQL",
            Self::Server(Engine::SqlServer, _) => "SQL Server",
            Self::Server(Engine::Ldap, _) => "LDAP",
            Self::Server(Engine::Redis, _) => "Redis",
            Self::Server(Engine::Sqlite, _) | Self::Sqlite(_) => "SQLite",
        }
    }

    /// Whether it is asked in SQL.
    pub(crate) fn is_sql(self) -> bool {
        match self {
            Self::Server(engine, _) => !matches!(engine, Engine::Ldap | Engine::Redis),
            Self::Sqlite(_) => true,
            Self::List(..) => false,
        }
    }

    fn is(self, engine: Engine) -> bool {
        matches!(self, Self::Server(this, _) if this == engine)
    }

    fn is_database(self) -> bool {
        !matches!(self, Self::List(..))
    }

    /// A list on a web server.
    pub(crate) fn is_web(self) -> bool {
        matches!(self, Self::List(_, said) if matches!(said.value, ListPlace::Web(_)))
    }

    /// The place of the word in the file.
    pub(crate) fn span(self) -> Option<Range<usize>> {
        match self {
            Self::List(_, said) => said.span(),
            Self::Server(_, said) => said.span(),
            Self::Sqlite(said) => said.span(),
        }
    }
}

/// The place of a source; none when there is none, or more than one.
pub(crate) fn located<'a>(source: &'a Source, faults: &mut Vec<Fault>) -> Option<Located<'a>> {
    use ListKind::{AccessMap, Any, Csv, Json, Text, Xlsx, Xml};
    let mut found = Vec::new();
    let mut bad = false;
    let lists = [
        (Csv, &source.csv),
        (Xml, &source.xml),
        (Json, &source.json),
        (Text, &source.text),
        (Xlsx, &source.xlsx),
        (AccessMap, &source.access_map),
        (Any, &source.file),
    ];
    for (kind, key) in lists {
        found.extend(one_of(key, &mut bad).map(|said| Located::List(kind, said)));
    }
    let servers = [
        (Engine::Postgres, &source.postgres),
        (Engine::MySql, &source.mysql),
        (Engine::SqlServer, &source.sqlserver),
        (Engine::Ldap, &source.ldap),
        (Engine::Redis, &source.redis),
    ];
    for (engine, key) in servers {
        found.extend(one_of(key, &mut bad).map(|said| Located::Server(engine, said)));
    }
    found.extend(one_of(&source.sqlite, &mut bad).map(Located::Sqlite));
    found.sort_by_key(|place| place.span().map_or(0, |span| span.start));
    match found[..] {
        [one] if !bad => Some(one),
        [first, second, ..] => {
            faults.push(
                Fault::maybe_at(second.span(), "a source is in one place")
                    .related(first.span().unwrap_or(0..0), "and this is another")
                    .help("write two [[source]] sections, each with a name of its own"),
            );
            None
        }
        [] if !bad => {
            faults.push(source.fault("this source has no list").help(
                "add where it is: csv = \"/srv/lists/optouts.csv\", or xml, json, text, xlsx, \
                 access_map, file; or postgres, mysql, sqlserver, sqlite, ldap, redis",
            ));
            None
        }
        _ => None,
    }
}

fn one_of<'a, T>(key: &'a Maybe<T>, bad: &mut bool) -> Option<&'a Said<T>> {
    *bad |= matches!(key, Maybe::Bad);
    key.said()
}

/// Keys that mean nothing here, each told with what it is for.
pub(crate) fn foreign(source: &Source, located: Located<'_>, faults: &mut Vec<Fault>) {
    use ListKind::{AccessMap, Any, Csv, Json, Text, Xlsx, Xml};
    let lists =
        |kinds: &[ListKind]| matches!(located, Located::List(kind, _) if kinds.contains(&kind));
    let sql = located.is_sql();
    let server = matches!(located, Located::Server(..));
    let columns = lists(&[Csv, Xml, Json, Xlsx, Any]) || sql || located.is(Engine::Ldap);
    let grows = sql || located.is(Engine::Ldap);
    let encoded = lists(&[Csv, Xml, Json, Text, AccessMap, Any]);
    let login = server || located.is_web();
    let remote = located.is_database() || located.is_web();
    let live = source.is_live();
    let s = source;
    let keys = [
        ("query", span(&s.query), sql, "postgres, mysql, sqlserver and sqlite"),
        ("base", span(&s.base), located.is(Engine::Ldap), "ldap"),
        ("filter", span(&s.filter), located.is(Engine::Ldap), "ldap"),
        ("attributes", span(&s.attributes), located.is(Engine::Ldap), "ldap"),
        ("key", span(&s.key), located.is(Engine::Redis), "redis"),
        ("user", span(&s.user), login, "databases on a server and URLs"),
        ("password_file", span(&s.password_file), login, "databases on a server and URLs"),
        ("password_env", span(&s.password_env), login, "databases on a server and URLs"),
        ("token_file", span(&s.token_file), located.is_web(), "URLs"),
        ("token_env", span(&s.token_env), located.is_web(), "URLs"),
        ("tls", span(&s.tls), login, "databases on a server and URLs"),
        ("ca", span(&s.ca), login, "databases on a server and URLs"),
        ("timeout", span(&s.timeout), remote, "databases and URLs"),
        ("watermark", span(&s.watermark), grows, "postgres, mysql, sqlserver, sqlite and ldap"),
        ("notify", span(&s.notify), located.is(Engine::Postgres), "postgres, which can tell"),
        ("email", span(&s.email), columns, "lists with columns"),
        ("date", span(&s.date), columns, "lists with columns"),
        ("reason", span(&s.reason), columns, "lists with columns"),
        ("kind_column", span(&s.kind_column), columns, "lists with columns"),
        ("scope_column", span(&s.scope_column), columns, "lists with columns"),
        ("until", span(&s.until), columns, "lists with columns"),
        ("record", span(&s.record), lists(&[Xml]), "xml"),
        ("records", span(&s.records), lists(&[Json]), "json"),
        ("sheet", span(&s.sheet), lists(&[Xlsx]), "xlsx"),
        ("delimiter", span(&s.delimiter), lists(&[Csv, Any]), "csv"),
        ("encoding", span(&s.encoding), encoded, "lists in text files"),
        ("header", span(&s.header), lists(&[Csv, Xlsx, Any]), "csv and xlsx"),
        ("hashed", span(&s.hashed), !lists(&[AccessMap]), "lists of digests"),
    ];
    for (key, span, fits, goes) in keys {
        if let Some(span) = span.filter(|_| !fits) {
            let message = format!("`{key}` has no meaning for {}", located.called());
            faults.push(Fault::at(span, message).help(format!("leave it out; it is for {goes}")));
        }
    }
    if live && !located.is_database() {
        faults.push(Fault::maybe_at(source.mode.span(), "only a database can be asked live").help(
            "leave mode out: a file is watched, and a URL is looked at as often as `every` says",
        ));
    }
    let engine = match located {
        Located::Server(engine, _) => Some(engine),
        Located::Sqlite(_) => Some(Engine::Sqlite),
        Located::List(..) => None,
    };
    mode(source, engine, faults);
}

/// Keys that go with the other mode.
fn mode(source: &Source, engine: Option<Engine>, faults: &mut Vec<Fault>) {
    let s = source;
    let of_sync = [
        ("every", span(&s.every)),
        ("watermark", span(&s.watermark)),
        ("full_every", span(&s.full_every)),
        ("overlap", span(&s.overlap)),
        ("notify", span(&s.notify)),
        ("mirror", s.mirror.span()),
        ("hashed", span(&s.hashed)),
        ("max_age", span(&s.max_age)),
        ("shrink_limit", span(&s.shrink_limit)),
        ("bad_rows", s.bad_rows.span()),
        ("allow_empty", s.allow_empty.span()),
        ("allow_subscribed", s.allow_subscribed.span()),
    ];
    let of_live = [("cache", span(&s.cache)), ("connections", span(&s.connections))];
    let (keys, word, why) = match source.is_live() {
        true => (&of_sync[..], "live", "leave it out: nothing is read ahead, each answer is new"),
        false => (&of_live[..], "sync", "leave it out, or set mode = \"live\""),
    };
    for (key, span) in keys {
        if let Some(span) = span {
            let message = format!("`{key}` has no meaning for mode \"{word}\"");
            let help = match (*key, engine) {
                ("hashed", Some(engine)) => hash_itself(engine),
                _ => why,
            };
            faults.push(Fault::at(span.clone(), message).help(help));
        }
    }
}

/// What to do about a list of digests that is to be asked live: it is asked about addresses.
fn hash_itself(engine: Engine) -> &'static str {
    match engine {
        Engine::Postgres => {
            "addresses are asked about, and no digest equals one: let the query hash, as in \
             WHERE digest = encode(sha256(lower(@recipient)::bytea), 'hex'), or set mode = \"sync\""
        }
        Engine::MySql => {
            "addresses are asked about, and no digest equals one: let the query hash, as in \
             WHERE digest = SHA2(LOWER(@recipient), 256), or set mode = \"sync\""
        }
        Engine::SqlServer => {
            "addresses are asked about, and no digest equals one: let the query hash, as in \
             WHERE digest = HASHBYTES('SHA2_256', LOWER(CAST(@recipient AS varchar(320)))), or \
             set mode = \"sync\""
        }
        Engine::Sqlite | Engine::Ldap | Engine::Redis => {
            "addresses are asked about, and no digest equals one, nor can this database make \
             one: set mode = \"sync\""
        }
    }
}

fn span<T>(key: &Maybe<T>) -> Option<Range<usize>> {
    key.said().and_then(Said::span)
}
