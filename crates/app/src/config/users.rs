//! Who may log in, and how: `[users]` and the keys about AUTH of a listener.

use std::path::{Path, PathBuf};

use relay::AuthOffer;

use super::choice::{AuthWord, ListenerTls};
use super::fault::{Fault, Severity};
use super::file::Listener;
use super::mechanisms::{Mechanisms, Users};
use super::section::Said;
use crate::users;

/// What a listener offers.
pub(crate) fn offer(listener: &Listener) -> AuthOffer {
    let without_tls = listener.auth_without_tls.value.0;
    match listener.auth.value {
        AuthWord::Off => AuthOffer::Off,
        AuthWord::Users => AuthOffer::Users {
            mechanisms: listener.mechanisms.value.0.clone(),
            plaintext_without_tls: without_tls,
        },
        AuthWord::Smarthost => AuthOffer::Smarthost { without_tls },
    }
}

/// The keys of a listener that are about AUTH.
pub(crate) fn check(listener: &Listener, faults: &mut Vec<Fault>) {
    let word = listener.auth.value;
    let mut meaningless = |span, key: &str, right: &str| {
        let fault = Fault::maybe_at(span, format!("`{key}` has no meaning without {right}"));
        faults.push(fault.help(format!("add {right}, or leave {key} out")));
    };
    let chosen = listener.mechanisms.value != Mechanisms::all();
    if word != AuthWord::Users && chosen {
        meaningless(listener.mechanisms.span(), "mechanisms", "auth = \"users\"");
    }
    if word == AuthWord::Off && listener.auth_without_tls.value.0 {
        meaningless(listener.auth_without_tls.span(), "auth_without_tls", "auth");
    }
    let asks_for_login =
        listener.allow.get().is_some_and(|ways| ways.ways().iter().any(|way| way.login));
    // Behind a front end, the login is what its XCLIENT says.
    if word == AuthWord::Off && asks_for_login && listener.xclient.get().is_none() {
        let span = listener.allow.said().and_then(Said::span);
        faults.push(
            Fault::maybe_at(span, "nobody can log in here: `auth` is missing")
                .help("add: auth = \"users\", or auth = \"smarthost\" to pass logins through"),
        );
    }
    let beyond = !listener.address.value.0.ip().is_loopback();
    if word != AuthWord::Off && listener.auth_without_tls.value.0 && beyond {
        let what = "passwords come in readable for whoever is on the way";
        let fault = Fault::maybe_at(listener.auth_without_tls.span(), what);
        faults.push(fault.severity(Severity::Warning).help("TLS keeps them: [[certificate]]"));
    }
}

/// Whether anybody could log in: a password is not taken without TLS.
pub(crate) fn check_ways(listener: &Listener, faults: &mut Vec<Fault>) {
    let mechanisms = &listener.mechanisms.value.0;
    let off = listener.tls.get() == Some(&ListenerTls::Off);
    let hidden = mechanisms.iter().any(|mechanism| !mechanism.is_plaintext());
    if listener.auth.value == AuthWord::Users
        && off
        && !hidden
        && !listener.auth_without_tls.value.0
    {
        let span = listener.mechanisms.span().or_else(|| listener.auth.span());
        let fault = Fault::maybe_at(span, "nobody can log in: these mechanisms need TLS");
        faults.push(fault.help("add a [[certificate]] and tls; or \"SCRAM-SHA-256\" to mechanisms; or auth_without_tls = true"));
    }
}

/// Where users are kept. One that is to be used must be there.
pub(crate) fn settle(
    said: &Users,
    listeners: &[Listener],
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> PathBuf {
    let path = folder.join(&said.file.value.0);
    let wanted = listeners.iter().find(|listener| listener.auth.value == AuthWord::Users);
    let Some(listener) = wanted else { return path };
    match users::read(&path) {
        Ok(file) if file.len() == 0 => faults.push(
            Fault::maybe_at(said.file.span(), "there is no user who could log in")
                .severity(Severity::Warning)
                .help("add one: optgate user add NAME"),
        ),
        Ok(_) => {}
        Err(what) => {
            let span = said.file.span().or_else(|| listener.auth.span());
            let fault = Fault::maybe_at(span, what).severity(Severity::Missing);
            faults.push(fault.help("users are added by: optgate user add NAME"));
        }
    }
    path
}
