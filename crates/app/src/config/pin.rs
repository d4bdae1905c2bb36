//! Forms that say whom the other side of TLS must be: digests of its keys, a name.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};
use super::naming::show_list;

/// Digests of public keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pins(pub(crate) Vec<[u8; 32]>);

impl Form for Pins {
    const NAME: &'static str = "a list of digests of public keys";
    const EXAMPLE: &'static str = "[\"sha256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let before = faults.len();
        let mut pins = Vec::new();
        for item in given.elements::<Self>(faults)? {
            let DeValue::String(text) = item.value else {
                faults.push(item.wrong_type::<Self>());
                continue;
            };
            match pin(text) {
                Some(pin) => pins.push(pin),
                None => faults.push(
                    Fault::at(item.span.clone(), format!("\"{text}\" is no digest of a key")).help(
                        "\"sha256:\" and 32 octets in base64 or as 64 hexadecimal digits; it \
                         comes from: openssl x509 -in cert.pem -noout -pubkey | openssl pkey \
                         -pubin -outform DER | openssl dgst -sha256",
                    ),
                ),
            }
        }
        if faults.len() == before && pins.is_empty() {
            faults.push(given.wrong::<Self>("it is empty, so that no key would fit"));
        }
        (faults.len() == before).then_some(Self(pins))
    }
    fn show(&self) -> String {
        let pins = self.0.iter().map(|pin| format!("sha256:{}", STANDARD.encode(pin)));
        show_list(&pins.collect::<Vec<_>>())
    }
}

/// `sha256:` and the digest, in base64 or in hexadecimal digits, which may have colons.
fn pin(text: &str) -> Option<[u8; 32]> {
    let digest = text.strip_prefix("sha256:")?;
    let digits: String = digest.chars().filter(|c| *c != ':').collect();
    if digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let octet = |n: usize| u8::from_str_radix(digits.get(2 * n..2 * n + 2)?, 16).ok();
        let octets: Option<Vec<u8>> = (0..32).map(octet).collect();
        return octets?.try_into().ok();
    }
    STANDARD.decode(format!("{}=", digest.trim_end_matches('='))).ok()?.try_into().ok()
}

/// A name that a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TlsName(pub(crate) String);

impl Form for TlsName {
    const NAME: &'static str = "a host name or an IP address";
    const EXAMPLE: &'static str = "\"relay.corp.example\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if super::network::is_host(text) || text.parse::<std::net::IpAddr>().is_ok() {
            return Some(Self(text.to_ascii_lowercase()));
        }
        faults.push(given.wrong::<Self>("a name as it stands in the certificate"));
        None
    }
    fn show(&self) -> String {
        quoted(&self.0)
    }
}
