//! Sections that are about some of the listeners, named by their addresses.

use std::net::SocketAddr;

use super::fault::Fault;
use super::pattern::Addresses;
use super::section::Maybe;
use super::settings::ListenerSettings;

/// Tells of addresses on which there is no listener.
pub(crate) fn known(
    said: &Maybe<Addresses>,
    listeners: &[ListenerSettings],
    faults: &mut Vec<Fault>,
) {
    for (address, span) in said.get().map(|a| a.0.as_slice()).unwrap_or_default() {
        if !listeners.iter().any(|listener| listener.address == *address) {
            let known: Vec<_> = listeners.iter().map(|l| l.address.to_string()).collect();
            faults.push(
                Fault::at(span.clone(), format!("no [[listener]] is on {address}"))
                    .help(format!("there is: {}", known.join(", "))),
            );
        }
    }
}

/// For a section that may leave its listeners out: those it names; `None`: all.
pub(crate) fn addresses(said: &Maybe<Addresses>) -> Option<Vec<SocketAddr>> {
    said.get().map(|said| said.0.iter().map(|(address, _)| *address).collect())
}
