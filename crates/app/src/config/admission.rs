//! `allow`: who may relay through a listener. A gate never becomes an open relay by what
//! was left out, nor by what was written carelessly: a listener that strangers can reach
//! says who may use it, and everybody is nobody's answer.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::ops::Range;

use ipnet::IpNet;
use policy::{Admission, RelayControl};
use toml::de::DeValue;

use super::fault::{Fault, Severity};
use super::form::{Form, Given};
use super::naming::show_list;
use super::network::network_of;
use super::section::{Maybe, Said};

/// Ways in, each with its text and its place in the file.
#[derive(Clone, Debug)]
pub(crate) struct Admissions(Vec<(Admission, String, Range<usize>)>);

impl Admissions {
    /// What they mean.
    pub(crate) fn ways(&self) -> Vec<Admission> {
        self.0.iter().map(|(way, ..)| way.clone()).collect()
    }
}

impl Form for Admissions {
    const NAME: &'static str = "a list of ways in";
    const EXAMPLE: &'static str =
        "[\"10.0.0.0/8\", \"login\", \"certificate\", \"192.0.2.0/24 + login\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let mut ways = Vec::new();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(text) = item.value else {
                faults.push(item.wrong_type::<Self>());
                continue;
            };
            if let Some(way) = way(text, &item.span, faults) {
                ways.push((way, text.to_string(), item.span));
            }
        }
        (faults.len() == before).then_some(Self(ways))
    }
    fn show(&self) -> String {
        show_list(&self.0.iter().map(|(_, text, _)| text.clone()).collect::<Vec<_>>())
    }
}

// way = part *( "+" part ) ; part = network / "login" / "certificate"
fn way(text: &str, span: &Range<usize>, faults: &mut Vec<Fault>) -> Option<Admission> {
    let mut way = Admission::default();
    for part in text.split('+').map(str::trim) {
        let twice = match part {
            "login" => std::mem::replace(&mut way.login, true),
            "certificate" => std::mem::replace(&mut way.certificate, true),
            "" => {
                let fault = Fault::at(span.clone(), format!("\"{text}\" lacks a part"));
                faults.push(fault.help("for example \"192.0.2.0/24 + login\""));
                return None;
            }
            word if word.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                let message = format!("\"{part}\" is not a way in");
                let fault = Fault::at(span.clone(), message);
                faults.push(fault.help("a network, \"login\" or \"certificate\""));
                return None;
            }
            network => {
                way.networks.push(network_of(network, span, faults)?);
                way.networks.len() > 1
            }
        };
        if twice {
            let fault = Fault::at(span.clone(), format!("\"{text}\" asks for the same twice"));
            faults.push(fault.help("ways of which one is enough stand apart: [\"a\", \"b\"]"));
            return None;
        }
    }
    Some(way)
}

/// A listener that only this machine can reach is for this machine.
pub(crate) fn derive(allow: &mut Maybe<Admissions>, beyond: bool) {
    if !beyond {
        allow.or_derive("loopback, as the address", || {
            let v4 = IpNet::from(IpAddr::from([127, 0, 0, 0]));
            let v4 = IpNet::new(v4.addr(), 8).unwrap_or(v4);
            let v6 = IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST));
            let way = |net: IpNet| (Admission::network(net), net.to_string(), 0..0);
            Some(Admissions(vec![way(v4), way(v6)]))
        });
    }
}

/// Nobody may relay by accident. `beyond`: strangers can reach it. `place`: of the listener.
pub(crate) fn check(
    allow: &Maybe<Admissions>,
    (address, beyond): (SocketAddr, bool),
    place: Option<Range<usize>>,
    faults: &mut Vec<Fault>,
) {
    if beyond && matches!(allow, Maybe::Absent) {
        faults.push(
            Fault::maybe_at(place, format!("who may relay through {address}? `allow` is missing"))
                .help("name the networks of your own clients: allow = [\"10.0.0.0/8\"]"),
        );
    }
    let Some(ways) = allow.get() else { return };
    let whole = allow.said().and_then(Said::span);
    if ways.0.is_empty() {
        faults.push(
            Fault::maybe_at(whole.clone(), "nobody may relay here")
                .severity(Severity::Warning)
                .help("an empty list refuses every client"),
        );
    }
    let open = RelayControl::new(ways.ways()).everybody().filter(|_| beyond);
    if let Some(open) = open {
        let alone = |(way, ..): &&(Admission, String, Range<usize>)| {
            RelayControl::new(vec![way.clone()]).everybody().is_some()
        };
        let span = ways.0.iter().find(alone).map(|(.., span)| span.clone()).or(whole);
        faults.push(
            Fault::maybe_at(
                span,
                format!("{open} is as good as everybody: {address} would be an open relay"),
            )
            .help("name the networks of your own clients: allow = [\"10.0.0.0/8\"]"),
        );
    }
}
