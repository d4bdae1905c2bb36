//! A database: where it is, who asks it, and what.

use std::path::Path;
use std::time::Duration;

use sources::{Access, Engine, Password, Question, Tls, check_question};
use url::Url;

use super::keys::Source;
use super::place::Located;
use super::{login, presence};
use crate::config::fault::Fault;
use crate::config::form::{Form, Text};
use crate::config::location::DatabaseUrl;
use crate::config::section::{Maybe, Said};

/// What stands for the recipient, in any question.
const RECIPIENT: &str = "@recipient";

/// The schemes of an engine's URLs; the first is the one by which it is known further down.
fn schemes(engine: Engine) -> &'static [&'static str] {
    match engine {
        Engine::Postgres => &["postgres", "postgresql"],
        Engine::MySql => &["mysql", "mariadb"],
        Engine::SqlServer => &["sqlserver", "mssql"],
        Engine::Sqlite => &["sqlite"],
        Engine::Ldap => &["ldap", "ldaps"],
        Engine::Redis => &["redis", "rediss", "valkey", "valkeys"],
    }
}

/// The way to a database, and the question.
pub(crate) fn database(
    source: &Source,
    located: Located<'_>,
    timeout: Duration,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<(Access, Question)> {
    let access = match located {
        Located::Server(engine, said) => server(source, engine, said, timeout, folder, faults),
        Located::Sqlite(said) => {
            let path = folder.join(&said.value.0);
            presence::of_file(&path, said.span(), faults);
            let url = path.display().to_string();
            let (user, password): (Option<String>, Option<Password>) = (None, None);
            Some(Access { engine: Engine::Sqlite, url, user, password, tls: Tls::Off, timeout })
        }
        Located::List(..) => return None,
    };
    let before = faults.len();
    let question = match access.as_ref().map(|access| access.engine) {
        Some(Engine::Ldap) => search(source, faults),
        Some(Engine::Redis) => {
            let example = "key = \"optouts\", a set of addresses";
            let key = required(source, ("key", &source.key), "Redis", example, faults)?;
            Some(Question::Redis { key: key.value.0.clone() })
        }
        Some(engine) => sql(source, engine, located, faults),
        None => None,
    };
    let (access, question) = (access?, question?);
    // What is worse is told already.
    if faults.len() == before
        && let Err(error) = check_question(access.engine, &question, source.is_live())
    {
        let said = source.query.said().or(source.filter.said());
        let span = said.and_then(Said::span).or_else(|| located.span());
        faults.push(Fault::maybe_at(span, error.to_string()));
    }
    Some((access, question))
}

fn server(
    source: &Source,
    engine: Engine,
    said: &Said<DatabaseUrl>,
    timeout: Duration,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Access> {
    let url = Said { value: said.value.0.clone(), origin: said.origin.clone() };
    let known = schemes(engine);
    if !known.contains(&url.value.scheme()) {
        let right: Vec<_> = known.iter().map(|scheme| format!("{scheme}://")).collect();
        let message = format!("{}:// is not how such a database is reached", url.value.scheme());
        let help = format!("it begins with {}", right.join(" or "));
        faults.push(Fault::maybe_at(url.span(), message).help(help));
        return None;
    }
    // These may be reached by a socket in the file system.
    let socket = match engine {
        Engine::Postgres => true,
        Engine::MySql => url.value.query_pairs().any(|(name, _)| name == "socket"),
        _ => false,
    };
    if url.value.host_str().is_none_or(str::is_empty) && !socket {
        let message = "this URL names no server";
        let help = format!("for example {}://db.corp.example", url.value.scheme());
        faults.push(Fault::maybe_at(url.span(), message).help(help));
        return None;
    }
    // Redis knows a password without a name.
    let needs_user = engine != Engine::Redis;
    let login = login::of_server(source, &url, needs_user, folder, faults);
    let tls = login::tls(source, &url, folder, faults);
    let foreign = url.value.query_pairs().find(|(name, _)| {
        let name = name.to_ascii_lowercase();
        ["ssl", "tls", "usessl", "encrypt", "trustserver"].iter().any(|tls| name.starts_with(tls))
    });
    if let Some((name, _)) = foreign {
        let message = format!("`{}` has no meaning in this URL", name.escape_debug());
        let help = "how it is encrypted is said by tls = \"verify\", \"unverified\" or \"off\"";
        faults.push(Fault::maybe_at(url.span(), message).help(help));
    }
    if matches!(url.value.scheme(), "redis" | "valkey") && tls != Tls::Off {
        let message = format!("{}:// is not encrypted", url.value.scheme());
        let help = format!("write {}s://, or set tls = \"off\"", url.value.scheme());
        faults.push(Fault::maybe_at(url.span(), message).help(help));
    }
    let url = plain(engine, &url.value);
    Some(Access { engine, url, user: login.user, password: login.password, tls, timeout })
}

/// The URL without a name, and with the first of the schemes that mean the same.
fn plain(engine: Engine, url: &Url) -> String {
    let text = url.as_str();
    let rest = text.split_once("://").map_or("", |(_, rest)| rest);
    let user = url.username();
    let rest = match user.is_empty() {
        true => rest,
        false => rest.split_once('@').map_or(rest, |(_, rest)| rest),
    };
    let scheme = match url.scheme() {
        "ldaps" => "ldaps",
        "rediss" | "valkeys" => "rediss",
        _ => schemes(engine).first().copied().unwrap_or_default(),
    };
    format!("{scheme}://{rest}")
}

fn sql(
    source: &Source,
    engine: Engine,
    located: Located<'_>,
    faults: &mut Vec<Fault>,
) -> Option<Question> {
    let example = match source.is_live() {
        true => "query = \"SELECT opted_out_at FROM contacts WHERE email = @recipient AND optout\"",
        false => "query = \"SELECT email, opted_out_at FROM contacts WHERE optout\"",
    };
    let query = required(source, ("query", &source.query), located.called(), example, faults)?;
    let own = match engine {
        Engine::Postgres => "$1",
        Engine::SqlServer => "@P1",
        _ => "?",
    };
    let text = &query.value.0;
    let recipient = text.contains(RECIPIENT);
    if source.is_live() && !recipient && !text.contains(own) {
        faults.push(
            Fault::maybe_at(query.span(), "the query is not about the recipient")
                .help(format!("put {RECIPIENT}, or {own}, in the place of the address"))
                .help(format!("for example {example}")),
        );
    }
    for_all(source, query, recipient, faults);
    let wraps = source.watermark.get().is_some();
    if wraps && text.trim_end().ends_with(';') {
        faults.push(
            Fault::maybe_at(
                query.span(),
                "with a watermark the query stands inside of another one",
            )
            .help("leave out the ; at its end"),
        );
    }
    Some(Question::Sql(text.clone()))
}

/// Of a list that is read ahead, all is wanted.
fn for_all(source: &Source, said: &Said<Text>, recipient: bool, faults: &mut Vec<Fault>) {
    if recipient && !source.is_live() {
        faults.push(
            Fault::maybe_at(said.span(), format!("{RECIPIENT} is for mode \"live\""))
                .help("ask for all rows, or set mode = \"live\""),
        );
    }
}

fn search(source: &Source, faults: &mut Vec<Fault>) -> Option<Question> {
    let example = match source.is_live() {
        true => "filter = \"(&(mail=@recipient)(mailOptOut=TRUE))\"",
        false => "filter = \"(mailOptOut=TRUE)\"",
    };
    let base = "base = \"dc=corp,dc=example\"";
    let base = required(source, ("base", &source.base), "LDAP", base, faults);
    let filter = required(source, ("filter", &source.filter), "LDAP", example, faults)?;
    let recipient = filter.value.0.contains(RECIPIENT);
    if source.is_live() && !recipient {
        faults.push(
            Fault::maybe_at(filter.span(), "the filter is not about the recipient")
                .help(format!("put {RECIPIENT} in the place of the address: {example}")),
        );
    }
    for_all(source, filter, recipient, faults);
    let attributes = source.attributes.get().map(|said| said.0.clone());
    Some(Question::Ldap {
        base: base?.value.0.clone(),
        filter: filter.value.0.clone(),
        attributes: attributes.unwrap_or_else(|| vec!["mail".to_owned()]),
    })
}

fn required<'a, T: Form>(
    source: &Source,
    (name, key): (&str, &'a Maybe<T>),
    called: &str,
    example: &str,
    faults: &mut Vec<Fault>,
) -> Option<&'a Said<T>> {
    if matches!(key, Maybe::Absent) {
        let message = format!("`{name}` is missing for {called}");
        faults.push(source.fault(message).help(format!("add: {example}")));
    }
    key.said()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_goes_down_without_its_name_and_by_one_scheme() {
        for (engine, url, found) in [
            (Engine::Postgres, "postgresql://me@db:5433/crm?x=y", "postgres://db:5433/crm?x=y"),
            (Engine::Postgres, "postgres:///crm?host=/run/pg", "postgres:///crm?host=/run/pg"),
            (Engine::MySql, "mariadb://db/crm", "mysql://db/crm"),
            (Engine::SqlServer, "mssql://db:1433/crm", "sqlserver://db:1433/crm"),
            (Engine::Redis, "valkeys://db/2", "rediss://db/2"),
            (Engine::Ldap, "ldaps://dc1", "ldaps://dc1"),
        ] {
            assert_eq!(plain(engine, &Url::parse(url).unwrap()), found);
        }
    }
}
