//! `proxy_protocol` and `xclient`: the front ends of a listener, which say who a client is. What
//! they say is believed, so not everybody may be one.

use ipnet::IpNet;
use policy::{Admission, RelayControl};

use super::fault::Fault;
use super::file::Listener;
use super::network::Networks;
use super::section::{Maybe, Said};

/// Whether strangers can reach it: behind a front end also at a loopback address.
pub(crate) fn is_beyond(listener: &Listener) -> bool {
    let fronts = [&listener.proxy_protocol, &listener.xclient];
    let behind = fronts.iter().any(|maybe| maybe.get().is_some());
    behind || !listener.address.value.0.ip().is_loopback()
}

/// The networks, without their places.
pub(crate) fn networks(said: &Maybe<Networks>) -> Vec<IpNet> {
    said.get().map(|said| said.0.iter().map(|(net, _)| *net).collect()).unwrap_or_default()
}

pub(crate) fn check(listener: &Listener, faults: &mut Vec<Fault>) {
    for (name, said) in
        [("proxy_protocol", &listener.proxy_protocol), ("xclient", &listener.xclient)]
    {
        if said.get().is_none() {
            continue;
        }
        let networks = networks(said);
        let whole = said.said().and_then(Said::span);
        let ways = networks.iter().copied().map(Admission::network).collect();
        if networks.is_empty() {
            let fault = Fault::maybe_at(whole, format!("`{name}` names no front end"));
            faults.push(fault.help("leave it out where there is none"));
        } else if RelayControl::new(ways).everybody().is_some() {
            let fault = Fault::maybe_at(whole, format!("`{name}` believes everybody"));
            faults.push(fault.help(
                "who may say who a client is can relay as anybody: name your own front ends",
            ));
        }
    }
}
