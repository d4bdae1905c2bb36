//! Settings of a dialogue about who may send what.

use policy::{Admission, RelayControl, SenderRule};
use relay::Access;

use crate::stage::Scenery;

/// `10.0.0.0/8, 192.0.2.0/24 + login, certificate`; `nobody`.
pub(crate) fn allow(access: &mut Access, value: &str) {
    let ways = value.split(',').filter(|way| *way != "nobody").map(|way| {
        let mut admission = Admission::default();
        for part in way.split('+').map(str::trim) {
            match part {
                "login" => admission.login = true,
                "certificate" => admission.certificate = true,
                network => admission.networks.push(network.parse().unwrap()),
            }
        }
        admission
    });
    access.control = RelayControl::new(ways.collect());
}

/// `client 10.0.0.0/8, address @corp.example, address <>, from corp.example`.
pub(crate) fn sender(scenery: &mut Scenery, value: &str) {
    let mut rule = SenderRule::default();
    let mut from = Vec::new();
    for part in value.split(',').map(str::trim) {
        match part.split_once(' ').unwrap() {
            ("client", network) => rule.client.push(network.parse().unwrap()),
            ("login", name) => rule.login.push(name.parse().unwrap()),
            ("address", sender) => rule.address.push(sender.parse().unwrap()),
            ("from", domain) => from.push(domain.parse().unwrap()),
            other => panic!("no condition {other:?}"),
        }
    }
    rule.from = from.into();
    scenery.senders.push(rule);
}
