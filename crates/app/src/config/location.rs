//! Forms of where a list is: a path or a URL, a database, a variable of the environment.
//!
//! A password in a URL would stand in this file, in the process list of whoever edits it and in
//! every copy, so it is refused; and what refuses it does not show it.

use std::ops::Range;

use url::Url;

use super::fault::Fault;
use super::form::{Form, Given, quoted};

/// A path, a folder, a pattern of paths, or an http(s) URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListPlace {
    /// A path or a pattern, as written.
    Path(String),
    /// A URL, as written.
    Web(Url),
}

impl Form for ListPlace {
    const NAME: &'static str = "a path, a folder, a pattern or a URL";
    const EXAMPLE: &'static str =
        "\"/srv/lists/optouts.csv\", \"/srv/lists/*.csv\" or \"https://crm.corp.example/optouts\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if text.is_empty() || text.contains('\0') {
            faults.push(given.wrong::<Self>("it is empty, or holds a NUL"));
            return None;
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Some(Self::Path(text.to_owned()));
        };
        if !without_password(given, text, faults) {
            return None;
        }
        if !matches!(scheme, "http" | "https") {
            let message = format!("lists are not fetched by {scheme}://");
            faults.push(
                Fault::at(given.span.clone(), message)
                    .help("a path, or a URL that begins with https:// or http://"),
            );
            return None;
        }
        parsed::<Self>(given, text, faults).map(Self::Web)
    }
    fn show(&self) -> String {
        match self {
            Self::Path(path) => quoted(path),
            Self::Web(url) => quoted(&shown(url)),
        }
    }
}

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(pub(crate) Url);

impl Form for DatabaseUrl {
    const NAME: &'static str = "the URL of a database";
    const EXAMPLE: &'static str = "\"postgres://db.corp.example:5432/crm\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if !without_password(given, text, faults) {
            return None;
        }
        parsed::<Self>(given, text, faults).map(Self)
    }
    fn show(&self) -> String {
        quoted(&shown(&self.0))
    }
}

fn parsed<F: Form>(given: &Given<'_>, text: &str, faults: &mut Vec<Fault>) -> Option<Url> {
    match Url::parse(text) {
        Ok(url) if text.contains("://") => Some(url),
        Ok(_) => {
            faults.push(given.wrong::<F>("it begins with a word and ://"));
            None
        }
        Err(error) => {
            faults.push(given.wrong::<F>(&error.to_string()));
            None
        }
    }
}

/// Whether there is no password in it. One that is there is told, and not shown.
fn without_password(given: &Given<'_>, text: &str, faults: &mut Vec<Fault>) -> bool {
    let Some(password) = password(text) else { return true };
    let fault = Fault::at(given.span.clone(), "a password does not stand in a URL")
        .help("put it alone into a file that only optgate reads: password_file = \"...\"")
        .help("or into the environment: password_env = \"...\"");
    // Where it stands in the file; with escapes in it, all of the value.
    let within = given.text.get(given.span.clone()).and_then(|raw| {
        let at = raw.find(text.get(password.clone())?)?;
        Some(given.span.start + at..given.span.start + at + password.len())
    });
    faults.push(fault.secret(within.unwrap_or_else(|| given.span.clone())));
    false
}

/// The place of a password in the text of a URL, whether or not the rest of it is right.
fn password(text: &str) -> Option<Range<usize>> {
    in_url(text).or_else(|| in_pairs(text))
}

/// In what databases know besides: `Server=db;Password=secret`, `host=db password=secret`. All
/// that follows is of it, as nobody can say where it ends.
fn in_pairs(text: &str) -> Option<Range<usize>> {
    // Of the same length, unlike `to_lowercase`.
    let lower = text.to_ascii_lowercase();
    let found = ["password", "passwd", "pwd"].iter().flat_map(|word| {
        lower.match_indices(word).filter_map(move |(at, _)| {
            let behind = text.get(at + word.len()..)?;
            let value = behind.trim_start().strip_prefix('=')?.trim_start();
            (!value.is_empty()).then_some(text.len() - value.len()..text.len())
        })
    });
    found.min_by_key(|place| place.start)
}

fn in_url(text: &str) -> Option<Range<usize>> {
    let start = text.find("://")? + 3;
    let rest = text.get(start..)?;
    let authority = rest.get(..rest.find(['/', '?', '#']).unwrap_or(rest.len()))?;
    // With a `/` or `#` of its own it reaches further than the authority seems to.
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let user = match (authority.rfind('@'), authority.split_once(':')) {
        (Some(at), _) => authority.get(..at),
        (None, Some((name, port))) if !name.starts_with('[') && !is_port(port) => {
            rest.rfind('@').and_then(|at| rest.get(..at))
        }
        _ => None,
    };
    let in_user = user.and_then(|user| {
        let colon = user.find(':')? + 1;
        (colon < user.len()).then_some(start + colon..start + user.len())
    });
    in_user.or_else(|| {
        let from = start + rest.find('?')? + 1;
        let mut at = from;
        for pair in text.get(from..)?.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let is_password = matches!(name.to_ascii_lowercase().as_str(), "password" | "pwd");
            if is_password && !value.is_empty() {
                return Some(at + name.len() + 1..at + pair.len());
            }
            at += pair.len() + 1;
        }
        None
    })
}

/// A URL for the screen. What is asked of a web server may be a key to it.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    if url.query().is_some() {
        let names: Vec<_> = url.query_pairs().map(|(name, _)| format!("{name}=...")).collect();
        url.set_query(Some(&names.join("&")));
    }
    url.to_string()
}

/// The name of a variable of the environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable(pub(crate) String);

impl Form for Variable {
    const NAME: &'static str = "the name of an environment variable";
    const EXAMPLE: &'static str = "\"CRM_PASSWORD\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        let is_name = text
            .bytes()
            .enumerate()
            .all(|(n, b)| b == b'_' || b.is_ascii_alphabetic() || (n > 0 && b.is_ascii_digit()));
        if is_name && !text.is_empty() {
            return Some(Self(text.to_owned()));
        }
        // It may be the password itself.
        faults.push(
            Fault::at(given.span.clone(), format!("this is not {}", Self::NAME))
                .secret(given.span.clone())
                .help(format!("letters, digits and _, for example {}", Self::EXAMPLE)),
        );
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_found_wherever_it_stands() {
        for (url, found) in [
            ("postgres://u:secret@db/crm", Some("secret")),
            ("postgres://u:se:c@ret@db/crm", Some("se:c@ret")),
            ("postgres://u:se/cret@db/crm", Some("se/cret")),
            ("postgres://u:#s?e@db/crm", Some("#s?e")),
            ("redis://:secret@db", Some("secret")),
            ("postgres://db/crm?sslmode=require&password=secret", Some("secret")),
            ("mysql://db/crm?PWD=secret&x=1", Some("secret")),
            ("Server=db;Password=se;cret", Some("se;cret")),
            ("host=db pwd = 'secret'", Some("'secret'")),
            ("jdbc:sqlserver://db;user=sa;PASSWORD=secret", Some("secret")),
            ("Server=db;Password=", None),
            ("postgres://u@db:5432/crm", None),
            ("postgres://u:@db/crm", None),
            ("postgres://db:5432/crm?application_name=a@b", None),
            ("https://[::1]:8080/a@b", None),
            ("https://[::1]/a@b", None),
            ("/srv/lists/a@b:c.csv", None),
        ] {
            assert_eq!(password(url).map(|at| &url[at]), found, "{url}");
        }
    }

    #[test]
    fn what_is_asked_of_a_web_server_is_not_shown() {
        let url = Url::parse("https://crm.example/optouts?key=secret&format=csv").unwrap();
        assert_eq!(shown(&url), "https://crm.example/optouts?key=...&format=...");
    }
}
