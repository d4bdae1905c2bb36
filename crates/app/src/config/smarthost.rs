//! What `[[smarthost]]` means: the servers behind the gate.
//!
//! A name that nobody has, or that two have, is an error: mail must not go another way than
//! the file seems to say.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use super::bond;
use super::fault::{Fault, Severity};
use super::file::{File, Smarthost};
use super::section::{Maybe, Section};
use super::settings::{ListenerSettings, SmarthostSettings};
use super::{login, tls};

/// How long clients wait for the reply to their final dot (RFC 5321 s4.5.3.2.6).
const CLIENTS_WAIT: Duration = Duration::from_secs(600);

pub(crate) fn settle(
    file: &File,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Vec<SmarthostSettings> {
    one_contact(&file.smarthosts, faults);
    let mut names = BTreeMap::new();
    file.smarthosts
        .iter()
        .enumerate()
        .filter_map(|(at, said)| {
            let passed = bond::is_passed_to(&file.listeners, &file.smarthosts, at);
            let settings = one(said, passed, folder, faults)?;
            named_once(said, &settings.name, &mut names, faults);
            Some(settings)
        })
        .collect()
}

/// `passed`: clients log in to it.
fn one(
    s: &Smarthost,
    passed: bool,
    folder: &Path,
    faults: &mut Vec<Fault>,
) -> Option<SmarthostSettings> {
    if s.reply_timeout.value.0 > CLIENTS_WAIT {
        faults.push(
            Fault::maybe_at(
                s.reply_timeout.span(),
                "clients wait 10 minutes for the reply to their final dot",
            )
            .severity(Severity::Warning)
            .help("a longer reply_timeout makes them send a message twice (RFC 5321 s4.5.3.2.6)"),
        );
    }
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let address = s.address.get()?.clone();
    Some(SmarthostSettings {
        name: match &s.name {
            Maybe::Said(said) => said.value.0.clone(),
            Maybe::Absent => address.to_string(),
            Maybe::Bad => return None,
        },
        address,
        priority: s.priority.value.0,
        weight: s.weight.value.0,
        contact: s.contact.value,
        tls: tls::smarthost(s, passed || login::is_wanted(s), folder, faults),
        login: login::settle(s, folder, faults),
        identity: s.identity.value,
        connect_timeout: s.connect_timeout.value.0,
        command_timeout: s.command_timeout.value.0,
        data_timeout: s.data_timeout.value.0,
        reply_timeout: s.reply_timeout.value.0,
        connections: size(s.connections.value.0),
        idle: size(s.idle.value.0),
        idle_timeout: s.idle_timeout.value.0,
        connection_age: s.connection_age.value.0,
        messages_per_connection: u32::try_from(s.messages_per_connection.value.0)
            .unwrap_or(u32::MAX),
    })
}

fn named_once(
    said: &Smarthost,
    name: &str,
    names: &mut BTreeMap<String, Option<Range<usize>>>,
    faults: &mut Vec<Fault>,
) {
    let span = said.name.said().map_or_else(|| said.heading(), super::section::Said::span);
    // Names that differ in case only would be one in many eyes.
    match names.get(&name.to_ascii_lowercase()) {
        Some(first) => {
            let mut fault = Fault::maybe_at(span, format!("two smarthosts are named \"{name}\""))
                .help("status and streams tell them apart by their names: name = \"second\"");
            if let Some(first) = first {
                fault = fault.related(first.clone(), "the first is here");
            }
            faults.push(fault);
        }
        None => {
            names.insert(name.to_ascii_lowercase(), span);
        }
    }
}

/// The moment comes before it is known to which of them a message goes.
fn one_contact(smarthosts: &[Smarthost], faults: &mut Vec<Fault>) {
    let Some(first) = smarthosts.first() else { return };
    for other in smarthosts.iter().filter(|s| s.contact.value != first.contact.value) {
        let span = other.contact.span().or_else(|| other.heading());
        faults.push(
            Fault::maybe_at(span, "smarthosts that differ in `contact`")
                .help("it is one for all of them: at MAIL it is not known yet which it will be"),
        );
    }
}

/// A gate whose smarthost is itself hands every message to itself.
pub(crate) fn none_is_us(
    file: &File,
    listeners: &[ListenerSettings],
    hostname: Option<&str>,
    faults: &mut Vec<Fault>,
) {
    for smarthost in &file.smarthosts {
        is_not_us(smarthost, file, listeners, hostname, faults);
    }
}

fn is_not_us(
    smarthost: &Smarthost,
    file: &File,
    listeners: &[ListenerSettings],
    hostname: Option<&str>,
    faults: &mut Vec<Fault>,
) {
    let Some(said) = smarthost.address.said() else { return };
    let target = &said.value;
    let ip = match target.host.as_str() {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        host => host.parse::<IpAddr>().ok(),
    };
    let is_us = |listener: &ListenerSettings| {
        let own = listener.address;
        own.port() == target.port
            && match ip {
                Some(ip) => own.ip() == ip || (own.ip().is_unspecified() && ip.is_loopback()),
                None => hostname.is_some_and(|h| h.eq_ignore_ascii_case(&target.host)),
            }
    };
    if let Some(n) = listeners.iter().position(is_us) {
        let mut fault =
            Fault::maybe_at(said.span(), format!("the smarthost {target} is this gate itself"))
                .help("name the server that used to answer here, or another port");
        if let Some(listener) = file.listeners.get(n)
            && let Some(place) = listener.address.span().or_else(|| listener.heading())
        {
            fault = fault.related(place, "the listener");
        }
        faults.push(fault);
    }
}
