//! How one gets in: names, passwords, tokens, and the protection of the way there.

use std::ops::Range;
use std::path::{Path, PathBuf};

use sources::{Password, RemoteError, Tls};
use url::{Host, Url};

use super::keys::Source;
use super::presence;
use crate::config::choice::TlsWord;
use crate::config::fault::{Fault, Severity};
use crate::config::form::FilePath;
use crate::config::location::Variable;
use crate::config::section::{Maybe, Said};

/// Name and password.
#[derive(Clone, Debug, Default)]
pub(crate) struct Login {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
}

/// Who logs in to a database. A name may stand in the URL as well.
pub(crate) fn of_server(
    source: &Source,
    url: &Said<Url>,
    needs_user: bool,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Login {
    let login =
        Login { user: user(source, url, faults), password: password(source, folder, faults) };
    if needs_user && login.user.is_none() && login.password.is_some() && !is_bad(&source.user) {
        faults.push(
            Fault::maybe_at(span_of_password(source), "whose password is this? `user` is missing")
                .help("add: user = \"optgate\""),
        );
    }
    login
}

/// Who fetches a list from a web server: basic authentication, or a bearer token, which has no
/// name.
pub(crate) fn of_web(
    source: &Source,
    url: &Said<Url>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Login {
    let token = secret(("token", &source.token_file, &source.token_env), folder, faults);
    let login = of_server(source, url, true, folder, faults);
    let has_token = token.is_some();
    if has_token && (login.user.is_some() || login.password.is_some()) {
        let span = span(&source.token_file).or(span(&source.token_env));
        let fault = Fault::maybe_at(span, "a web server gets a token or a name and password");
        faults.push(fault.help("leave out token_..., or user and password_..."));
    }
    let in_clear = url.value.scheme() == "http" && !is_local(&url.value);
    if in_clear && (has_token || login.password.is_some()) {
        faults.push(
            Fault::maybe_at(url.span(), "the password goes to this server in clear")
                .severity(Severity::Warning)
                .help("ask for the list by https://"),
        );
    }
    match token {
        Some(token) => Login { user: None, password: Some(token) },
        None => login,
    }
}

fn user(source: &Source, url: &Said<Url>, faults: &mut Vec<Fault>) -> Option<String> {
    let in_url = url.value.username();
    let said = source.user.said();
    if let (Some(said), false) = (said, in_url.is_empty()) {
        faults.push(
            Fault::maybe_at(said.span(), "the URL names a user already")
                .related(url.span().unwrap_or(0..0), "here")
                .help("name one of them"),
        );
    }
    match said {
        Some(said) => Some(said.value.0.clone()),
        None => (!in_url.is_empty()).then(|| decoded(in_url)),
    }
}

/// Percent-encoded octets (RFC 3986 s2.1) as what they stand for.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let octet = (*first == b'%')
            .then(|| tail.get(..2))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn password(source: &Source, folder: &Path, faults: &mut Vec<Fault>) -> Option<Password> {
    secret(("password", &source.password_file, &source.password_env), folder, faults)
}

fn span_of_password(source: &Source) -> Option<Range<usize>> {
    span(&source.password_file).or(span(&source.password_env))
}

/// A secret in a file or in the environment.
pub(crate) fn secret(
    (name, file, variable): (&str, &Maybe<FilePath>, &Maybe<Variable>),
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Password> {
    let place = match (file.said(), variable.said()) {
        (Some(file), Some(variable)) => {
            let message = format!("the {name} is in a file or in the environment, not in both");
            faults.push(
                Fault::maybe_at(variable.span(), message)
                    .related(file.span().unwrap_or(0..0), "and this")
                    .help("leave one of them out"),
            );
            return None;
        }
        (Some(file), None) => {
            let place = Password::File(folder.join(&file.value.0));
            (place, file.span())
        }
        (None, Some(variable)) => {
            let place = Password::Environment(variable.value.0.clone());
            (place, variable.span())
        }
        (None, None) => return None,
    };
    let (place, span) = place;
    let wrong = match place.read() {
        Ok(secret) if secret.expose().is_empty() => Some(format!("the {name} is empty")),
        Ok(_) => None,
        Err(RemoteError::Password { what }) => Some(format!("{name}: {what}")),
        Err(error) => Some(error.to_string()),
    };
    if let Some(wrong) = wrong {
        faults.push(Fault::maybe_at(span, wrong).severity(Severity::Missing));
    }
    Some(place)
}

/// The schemes of a place that are encrypted from the first byte.
const ENCRYPTED: [&str; 4] = ["https", "ldaps", "rediss", "valkeys"];

/// How the connection is protected.
pub(crate) fn tls(source: &Source, url: &Said<Url>, folder: &Path, faults: &mut Vec<Fault>) -> Tls {
    let scheme = url.value.scheme();
    let encrypted = ENCRYPTED.contains(&scheme);
    let word = source.tls.get().copied();
    let span_of_word = span(&source.tls);
    if encrypted && word == Some(TlsWord::Off) {
        let plain = scheme.trim_end_matches('s');
        faults.push(
            Fault::maybe_at(span_of_word.clone(), format!("{scheme}:// is encrypted"))
                .help(format!("leave tls out, or write {plain}://")),
        );
    }
    if scheme == "http" && word.is_some_and(|word| word != TlsWord::Off) {
        faults.push(
            Fault::maybe_at(span_of_word, "http:// is not encrypted")
                .help("leave tls out, or write https://"),
        );
    }
    let plain = scheme == "http" || (!encrypted && is_local(&url.value));
    let word = word.unwrap_or(if plain { TlsWord::Off } else { TlsWord::Verify });
    let ca = source.ca.said().map(|said| {
        let path = folder.join(&said.value.0);
        presence::of_file(&path, said.span(), faults);
        path
    });
    if word != TlsWord::Verify && ca.is_some() {
        faults.push(
            Fault::maybe_at(span(&source.ca), "no certificate is verified, so `ca` has no meaning")
                .help("set tls = \"verify\", or leave ca out"),
        );
    }
    meant(word, ca)
}

fn meant(word: TlsWord, ca: Option<PathBuf>) -> Tls {
    match word {
        TlsWord::Verify => Tls::Verified { ca },
        TlsWord::Unverified => Tls::Unverified,
        TlsWord::Off => Tls::Off,
    }
}

/// Whether nobody else is on the way there: this machine, or a Unix socket.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        // The host of a scheme that this parser has not heard of is never an address to it.
        Some(Host::Domain(name)) => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        }
        None => true,
    }
}

fn is_bad<T>(key: &Maybe<T>) -> bool {
    matches!(key, Maybe::Bad)
}

fn span<T>(key: &Maybe<T>) -> Option<Range<usize>> {
    key.said().and_then(Said::span)
}
