//! Forms that name places of a network: what to listen on, what to connect to,
//! who may come in.

use std::net::{IpAddr, SocketAddr};
use std::ops::Range;

use ipnet::IpNet;
use toml::de::DeValue;

use super::fault::Fault;
use super::form::{Form, Given, quoted};

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listen(pub(crate) SocketAddr);

impl Form for Listen {
    const NAME: &'static str = "an address and port to listen on";
    const EXAMPLE: &'static str = "\"0.0.0.0:25\" or \"[::1]:2525\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Some(Self(address));
        }
        let mut fault = given.wrong::<Self>("an IP address, a colon and a port");
        if text.parse::<IpAddr>().is_ok() {
            fault = given.wrong::<Self>("the port is missing");
        } else if let Some(port) = text.strip_prefix(':').or_else(|| text.strip_prefix("*:")) {
            fault = fault.help(format!("on all addresses: \"0.0.0.0:{port}\" or \"[::]:{port}\""));
        } else if let Some(port) = text.strip_prefix("localhost:") {
            fault = fault.help(format!("on this machine only: \"127.0.0.1:{port}\""));
        }
        faults.push(fault);
        None
    }
    fn show(&self) -> String {
        quoted(&self.0.to_string())
    }
}

/// A host and port to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// A host name, or an IP address without brackets.
    pub host: String,
    /// The port, never 0.
    pub port: u16,
}

impl Form for HostPort {
    const NAME: &'static str = "a host and port";
    const EXAMPLE: &'static str = "\"relay.corp.example:587\"";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let text = given.string::<Self>(faults)?;
        match parse_host_port(text) {
            Ok(it) => Some(it),
            Err(why) => {
                let mut fault = given.wrong::<Self>(why);
                if is_host(text) {
                    fault = fault.help(format!("mail servers listen on 25 or 587: \"{text}:587\""));
                }
                faults.push(fault);
                None
            }
        }
    }
    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

impl std::fmt::Display for HostPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// `host:port`.
pub(crate) fn parse_host_port(text: &str) -> Result<HostPort, &'static str> {
    if text.contains("://") {
        return Err("without a scheme");
    }
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    let port: u16 = port.parse().map_err(|_| "the port is a number from 1 to 65535")?;
    if port == 0 {
        return Err("the port is a number from 1 to 65535");
    }
    let host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(v6) if v6.parse::<std::net::Ipv6Addr>().is_ok() => v6,
        Some(_) => return Err("brackets are for IPv6 addresses"),
        None if is_host(host) => host,
        None if host.contains(':') => return Err("an IPv6 address stands in brackets"),
        None => return Err("this is no host name"),
    };
    Ok(HostPort { host: host.to_owned(), port })
}

/// Labels of letters, digits, `-` and `_`, at most 63 octets each and 253 in all
/// (RFC 1123 s2.1; the underscore because internal names have it).
pub(crate) fn is_host(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// Networks, each with its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Networks(pub(crate) Vec<(IpNet, Range<usize>)>);

impl Form for Networks {
    const NAME: &'static str = "a list of networks";
    const EXAMPLE: &'static str = "[\"10.0.0.0/8\", \"2001:db8::/32\"]";
    fn read(given: &Given<'_>, faults: &mut Vec<Fault>) -> Option<Self> {
        let mut networks = Vec::new();
        let mut bad = false;
        for item in given.elements::<Self>(faults)? {
            match network(&item, faults) {
                Some(net) => networks.push((net, item.span)),
                None => bad = true,
            }
        }
        (!bad).then_some(Self(networks))
    }
    fn show(&self) -> String {
        let items: Vec<_> = self.0.iter().map(|(n, _)| quoted(&n.to_string())).collect();
        format!("[{}]", items.join(", "))
    }
}

fn network(item: &Given<'_>, faults: &mut Vec<Fault>) -> Option<IpNet> {
    let DeValue::String(text) = item.value else {
        faults.push(item.wrong_type::<Networks>());
        return None;
    };
    network_of(text, &item.span, faults)
}

/// A network, or one address of it; `span`: where it stands.
pub(crate) fn network_of(
    text: &str,
    span: &Range<usize>,
    faults: &mut Vec<Fault>,
) -> Option<IpNet> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(IpNet::from(address.to_canonical()));
    }
    let wrong =
        |why: &str| Fault::at(span.clone(), format!("\"{text}\" is not a network")).label(why);
    match text.parse::<IpNet>() {
        Ok(net) if net.addr() == net.network() => Some(canonical(net)),
        Ok(net) => {
            faults.push(wrong("has bits set behind its prefix").help(format!(
                "the network is \"{}\", this one host is \"{}\"",
                net.trunc(),
                net.addr()
            )));
            None
        }
        Err(_) => {
            let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
            let why = match address.parse::<IpAddr>() {
                Err(_) => format!("`{address}` is no IP address"),
                Ok(IpAddr::V4(_)) => format!("`{prefix}` is no prefix length from 0 to 32"),
                Ok(IpAddr::V6(_)) => format!("`{prefix}` is no prefix length from 0 to 128"),
            };
            faults.push(
                wrong(&why).help("for example \"10.0.0.0/8\", \"192.0.2.7\" or \"2001:db8::/32\""),
            );
            None
        }
    }
}

/// IPv4 written as IPv6 (`::ffff:0:0/96`, RFC 4291 s2.5.5.2) is IPv4: so are clients judged.
fn canonical(net: IpNet) -> IpNet {
    let IpNet::V6(mapped) = net else { return net };
    let length = mapped.prefix_len().checked_sub(96);
    let v4 = length.zip(mapped.addr().to_ipv4_mapped());
    v4.and_then(|(length, address)| IpNet::new(address.into(), length).ok()).unwrap_or(net)
}
