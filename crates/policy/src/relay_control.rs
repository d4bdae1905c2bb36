//! Who may relay: the closed relay, by client network (RFC 5321 s3.6.2, s7.9).
//!
//! A listener names its networks; nobody else is served. There is no default
//! beyond loopback, and no rule by host name: reverse DNS is the client's word.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The networks that may submit mail at one listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayControl {
    networks: Vec<IpNet>,
}

impl RelayControl {
    /// Only clients inside one of `networks` may relay; an empty list means nobody.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self { networks }
    }

    /// Only this machine.
    pub fn loopback() -> Self {
        let v4 = IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8);
        let v6 = IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);
        Self::new(vec![v4, v6])
    }

    /// Whether a client at `address` may relay. An IPv4 client on an IPv6 socket is
    /// judged by its IPv4 address.
    pub fn permits(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_permitted_by_an_empty_list() {
        assert!(!RelayControl::default().permits(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    }

    #[test]
    fn networks_end_where_they_say() {
        let control = RelayControl::new(vec!["10.1.0.0/16".parse().unwrap()]);
        assert!(control.permits("10.1.255.255".parse().unwrap()));
        assert!(!control.permits("10.2.0.0".parse().unwrap()));
        assert!(!control.permits("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_mapped_address_is_judged_as_ipv4() {
        assert!(RelayControl::loopback().permits("::ffff:127.0.0.1".parse().unwrap()));
        assert!(!RelayControl::loopback().permits("::ffff:10.0.0.1".parse().unwrap()));
    }
}
