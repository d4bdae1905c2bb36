//! How the gate logs in to a smarthost: the keys of `[[smarthost]]` about it.
//!
//! Half a login is an error: with a user and no secret, or a secret and no user, the mail would go
//! out as nobody, and be refused one day.

use std::ops::Range;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use smtp_session::sasl::Mechanism;
use sources::Password;

use super::choice::SmarthostTls;
use super::credentials::{LoginSecret, LoginSettings, TokenGrant, TokenPlace};
use super::fault::{Fault, Severity};
use super::file::Smarthost;
use super::form::FilePath;
use super::location::Variable;
use super::section::{Maybe, Said};
use super::source::secret;

/// Whether there is to be a login; with the place where that is said.
pub(crate) fn is_wanted(said: &Smarthost) -> bool {
    matches!(said.login, Maybe::Said(_) | Maybe::Bad) || first_key(said).is_some()
}

/// The login, if there is one and nothing of it is missing.
pub(crate) fn settle(
    said: &Smarthost,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<LoginSettings> {
    let keys = keys(said);
    let kinds: Vec<_> = keys.iter().filter(|key| key.kind != Kind::Part).collect();
    // Of the two keys of a password the one that looks at files tells.
    if let [first, second, ..] = kinds.as_slice()
        && !(first.kind == Kind::Password && second.kind == Kind::Password)
    {
        let what =
            format!("`{}` and `{}`: there is one way to prove who we are", first.name, second.name);
        let mut fault = Fault::maybe_at(second.span.clone(), what).help("leave one of them out");
        if let Some(place) = &first.span {
            fault = fault.related(place.clone(), "and this");
        }
        faults.push(fault);
        return None;
    }
    parts_without_url(said, faults);
    let secret = the_secret(said, folder, faults);
    mechanism_fits(said, secret.as_ref(), faults);
    let user = match (&said.login, &secret) {
        (Maybe::Said(user), Some(_)) => user.value.0.clone(),
        (Maybe::Said(user), None) => {
            if kinds.is_empty() && !has_bad(said) {
                let fault = Fault::maybe_at(user.span(), "a login without a password or a token");
                faults.push(fault.help("password_file = \"/etc/optgate/smarthost.password\", or token_file, token_command, token_url"));
            }
            return None;
        }
        (Maybe::Absent, _) => {
            if let Some(key) = keys.first() {
                let what = format!("`{}`, and who logs in? `login` is missing", key.name);
                let fault = Fault::maybe_at(key.span.clone(), what);
                faults.push(fault.help("login = \"optgate@corp.example\""));
            }
            return None;
        }
        (Maybe::Bad, _) => return None,
    };
    Some(LoginSettings {
        user,
        secret: secret?,
        mechanism: said.mechanism.get().map(|name| name.0),
        // "off" was said, and warned of; "opportunistic" leaves it to whoever is on the way.
        without_tls: said.tls.get() == Some(&SmarthostTls::Off),
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Token,
    /// Of no use by itself.
    Part,
}

struct Key {
    name: &'static str,
    kind: Kind,
    span: Option<Range<usize>>,
}

/// What is said about the secret.
fn keys(said: &Smarthost) -> Vec<Key> {
    fn key<T>(name: &'static str, kind: Kind, value: &Maybe<T>) -> Option<Key> {
        match value {
            Maybe::Absent => None,
            Maybe::Bad => Some(Key { name, kind, span: None }),
            Maybe::Said(said) => Some(Key { name, kind, span: said.span() }),
        }
    }
    [
        key("password_file", Kind::Password, &said.password_file),
        key("password_env", Kind::Password, &said.password_env),
        key("token_file", Kind::Token, &said.token_file),
        key("token_command", Kind::Token, &said.token_command),
        key("token_url", Kind::Token, &said.token_url),
        key("client_id", Kind::Part, &said.client_id),
        key("client_secret_file", Kind::Part, &said.client_secret_file),
        key("client_secret_env", Kind::Part, &said.client_secret_env),
        key("token_scope", Kind::Part, &said.token_scope),
        key("mechanism", Kind::Part, &said.mechanism),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn first_key(said: &Smarthost) -> Option<Key> {
    keys(said).into_iter().next()
}

fn has_bad(said: &Smarthost) -> bool {
    fn bad<T>(value: &Maybe<T>) -> bool {
        matches!(value, Maybe::Bad)
    }
    bad(&said.password_file)
        || bad(&said.password_env)
        || bad(&said.token_file)
        || bad(&said.token_command)
        || bad(&said.token_url)
}

/// What belongs to `token_url` and stands alone.
fn parts_without_url(said: &Smarthost, faults: &mut Vec<Fault>) {
    if !matches!(said.token_url, Maybe::Absent) {
        return;
    }
    let parts = keys(said);
    let part = parts.iter().find(|key| key.kind == Kind::Part && key.name != "mechanism");
    if let Some(part) = part {
        let what = format!("`{}` has no meaning without token_url", part.name);
        faults.push(
            Fault::maybe_at(part.span.clone(), what)
                .help("token_url = \"https://login.corp.example/oauth2/token\""),
        );
    }
}

fn the_secret(said: &Smarthost, folder: &Path, faults: &mut Vec<Fault>) -> Option<LoginSecret> {
    let password = kept("password", &said.password_file, &said.password_env, folder, faults);
    if let Some(password) = password {
        return Some(LoginSecret::Password(password));
    }
    if let Some(Password::File(path)) =
        kept("token", &said.token_file, &Maybe::Absent, folder, faults)
    {
        return Some(LoginSecret::Token(TokenPlace::File(path)));
    }
    if let Some(argv) = said.token_command.said() {
        let words = &argv.value.0;
        let program = words.first().map(Path::new);
        if let Some(program) = program.filter(|path| path.is_absolute() && !path.is_file()) {
            let what = format!("the program {} is not there", program.display());
            faults.push(Fault::maybe_at(argv.span(), what).severity(Severity::Missing));
        }
        return Some(LoginSecret::Token(TokenPlace::Command(words.clone())));
    }
    let url = said.token_url.said()?;
    let mut missing = |what: &str, help: &str| {
        faults.push(Fault::maybe_at(url.span(), what).help(help));
    };
    if matches!(said.client_id, Maybe::Absent) {
        missing("who asks for the token? `client_id` is missing", "client_id = \"...\"");
    }
    if matches!((&said.client_secret_file, &said.client_secret_env), (Maybe::Absent, Maybe::Absent))
    {
        missing(
            "a token is given to whoever knows the secret of the client, which is missing",
            "client_secret_file = \"/etc/optgate/client.secret\"",
        );
    }
    let (file, variable) = (&said.client_secret_file, &said.client_secret_env);
    Some(LoginSecret::Token(TokenPlace::Grant(TokenGrant {
        url: url.value.0.to_string(),
        client_secret: kept("client secret", file, variable, folder, faults)?,
        client_id: said.client_id.get()?.0.clone(),
        scope: said.token_scope.get().map(|scope| scope.0.clone()),
    })))
}

/// A secret in a file or in the environment, and whether others can read the file.
fn kept(
    name: &str,
    file: &Maybe<FilePath>,
    variable: &Maybe<Variable>,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<Password> {
    let place = secret((name, file, variable), folder, faults)?;
    if let Password::File(path) = &place
        && std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
    {
        let shown = path.display();
        faults.push(
            Fault::maybe_at(file.said().and_then(Said::span), format!("others can read {shown}"))
                .severity(Severity::Warning)
                .help(format!("chmod 600 {shown}")),
        );
    }
    Some(place)
}

fn mechanism_fits(said: &Smarthost, secret: Option<&LoginSecret>, faults: &mut Vec<Fault>) {
    let (Some(name), Some(secret)) = (said.mechanism.said(), secret) else { return };
    let mechanism = name.value.0;
    let of_tokens = matches!(mechanism, Mechanism::OauthBearer | Mechanism::XOauth2);
    let (wrong, help) = match secret {
        LoginSecret::Token(_) if !of_tokens => {
            (format!("{mechanism} takes a password, and there is a token"), "XOAUTH2, OAUTHBEARER")
        }
        LoginSecret::Password(_) if of_tokens => (
            format!("{mechanism} takes a token, and there is a password"),
            "PLAIN, LOGIN, SCRAM-SHA-256",
        ),
        _ => return,
    };
    faults.push(Fault::maybe_at(name.span(), wrong).help(format!(
        "one of {help}; or leave mechanism out, and the best that is offered is used"
    )));
}
