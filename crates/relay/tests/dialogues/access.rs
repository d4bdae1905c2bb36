//! Settings of a dialogue about who may send what.

use policy::{Admission, RelayControl};
use relay::Access;

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
