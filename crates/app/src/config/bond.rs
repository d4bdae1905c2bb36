//! `auth = "smarthost"`: the one smarthost that a listener's logins are passed to.
//!
//! All of its mail goes there, on whatever stream: a login holds on the connection it was made
//! on, and nowhere else (RFC 4954 s3). So there is exactly one, and a file that leaves it open
//! is an error.

use std::ops::Range;

use relay::{Routes, SmarthostId};

use super::choice::{AuthWord, SmarthostTls};
use super::fault::Fault;
use super::file::{File, Listener, Smarthost};
use super::routing::{id, named, route};
use super::section::Said;
use super::settings::{ListenerSettings, RouteSettings, SmarthostSettings};
use super::tls::SUBMISSIONS;

/// Passwords of clients are shown to the right server only, unless the file says otherwise.
pub(crate) fn derive(file: &mut File) {
    let passed: Vec<bool> = (0..file.smarthosts.len())
        .map(|at| is_passed_to(&file.listeners, &file.smarthosts, at))
        .collect();
    for (smarthost, passed) in file.smarthosts.iter_mut().zip(passed) {
        if passed && smarthost.address.get().is_some_and(|address| address.port != SUBMISSIONS) {
            smarthost.tls.or_derive("clients log in to it", || Some(SmarthostTls::Required));
        }
    }
}

/// Whether clients log in to this one.
pub(crate) fn is_passed_to(listeners: &[Listener], smarthosts: &[Smarthost], at: usize) -> bool {
    let Some(smarthost) = smarthosts.get(at) else { return false };
    let address = smarthost.address.get().map(ToString::to_string);
    let name = smarthost.name.get().map(|name| name.0.clone()).or(address);
    let passing = listeners.iter().filter(|one| one.auth.value == AuthWord::Smarthost);
    passing.into_iter().any(|listener| match listener.smarthost.get() {
        Some(said) => name.as_ref().is_some_and(|name| name.eq_ignore_ascii_case(&said.0)),
        None => smarthosts.len() == 1,
    })
}

/// Where the mail of each listener goes.
pub(crate) fn settle(
    said: &[Listener],
    listeners: &mut [ListenerSettings],
    smarthosts: &[SmarthostSettings],
    routes: &mut RouteSettings,
    faults: &mut Vec<Fault>,
) {
    for (said, listener) in said.iter().zip(listeners) {
        listener.routes = routes.routes.clone();
        let span = said.smarthost.said().and_then(Said::span);
        if said.auth.value != AuthWord::Smarthost {
            if span.is_some() {
                faults.push(
                    Fault::maybe_at(
                        span,
                        "`smarthost` has no meaning without auth = \"smarthost\"",
                    )
                    .help("which smarthost mail goes to is said by its [[stream]]"),
                );
            }
            continue;
        }
        if let Some(one) = the_one(said, span, smarthosts, faults) {
            let otherwise = route(&mut routes.candidates, vec![one]);
            let introduce = listener.routes.introduce;
            listener.routes =
                Routes { by_stream: Vec::new(), otherwise, reach: vec![one], introduce };
        }
    }
}

fn the_one(
    said: &Listener,
    span: Option<Range<usize>>,
    smarthosts: &[SmarthostSettings],
    faults: &mut Vec<Fault>,
) -> Option<SmarthostId> {
    match (said.smarthost.get(), smarthosts) {
        (Some(name), _) => named(&name.0, span, smarthosts, faults),
        (None, [_]) => Some(id(0)),
        (None, []) => None,
        (None, several) => {
            let known: Vec<_> = several.iter().map(|host| host.name.as_str()).collect();
            let what = "which of the smarthosts do clients log in to?";
            faults.push(
                Fault::maybe_at(said.auth.span(), what)
                    .help(format!("smarthost = \"{}\"", known.join("\", or \""))),
            );
            None
        }
    }
}
