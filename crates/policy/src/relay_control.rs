//! Who may relay: the closed relay (RFC 5321 s3.6.2, s7.9).
//!
//! A listener names its ways in: networks, a login, a client certificate, or several of
//! them that must hold together; nobody else is served. There is no default beyond
//! loopback, and no rule by host name: reverse DNS is the client's word. It is judged at
//! MAIL, with what is true of the client then, and never relies on what was true before.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// One way in: everything it asks for must hold. Without anything it lets everybody in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// The client's address is in each of these.
    pub networks: Vec<IpNet>,
    /// The client has logged in.
    pub login: bool,
    /// The client has shown a certificate that the listener trusts.
    pub certificate: bool,
}

impl Admission {
    /// By the client's network alone.
    pub fn network(network: IpNet) -> Self {
        Self { networks: vec![network], ..Self::default() }
    }

    /// By a login alone.
    pub fn login() -> Self {
        Self { login: true, ..Self::default() }
    }

    /// By a client certificate alone.
    pub fn certificate() -> Self {
        Self { certificate: true, ..Self::default() }
    }

    fn reaches(&self, address: IpAddr) -> bool {
        self.networks.iter().all(|network| network.contains(&address))
    }

    /// The addresses it lets in without proof of who they are; none if it asks for one.
    fn unproven(&self) -> Option<IpNet> {
        if self.login || self.certificate {
            return None;
        }
        // Networks overlap only by one holding the other, so all of them are the narrowest.
        self.networks.iter().max_by_key(|network| network.prefix_len()).copied()
    }
}

/// What is known of a client when it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// Its address.
    pub address: IpAddr,
    /// It has logged in.
    pub login: bool,
    /// It has shown a certificate that the listener trusts.
    pub certificate: bool,
}

/// Whether a client may relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relaying {
    /// Yes.
    Permitted,
    /// Not now; with a login it may.
    LoginNeeded,
    /// Not now; with a certificate it may, perhaps with a login as well.
    CertificateNeeded,
    /// Whatever it does, no.
    Denied,
}

/// Who may submit mail at one listener.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelayControl {
    ways: Vec<Admission>,
}

impl RelayControl {
    /// Each of `ways` lets a client in; without any, nobody is.
    pub fn new(ways: Vec<Admission>) -> Self {
        Self { ways }
    }

    /// Only this machine.
    pub fn loopback() -> Self {
        let v4 = IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8);
        let v6 = IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128);
        Self::new(vec![Admission::network(v4), Admission::network(v6)])
    }

    /// Whether this client may relay now. An IPv4 client on an IPv6 socket is judged by
    /// its IPv4 address.
    pub fn judge(&self, claim: &Claim) -> Relaying {
        let address = claim.address.to_canonical();
        let mut verdict = Relaying::Denied;
        for way in self.ways.iter().filter(|way| way.reaches(address)) {
            let lacks_login = way.login && !claim.login;
            let lacks_certificate = way.certificate && !claim.certificate;
            match (lacks_login, lacks_certificate) {
                (false, false) => return Relaying::Permitted,
                (true, false) => verdict = Relaying::LoginNeeded,
                (_, true) if verdict == Relaying::Denied => verdict = Relaying::CertificateNeeded,
                (_, true) => {}
            }
        }
        verdict
    }

    /// Whether a client at `address` may relay now, or could by a login or a certificate.
    pub fn could_permit(&self, address: IpAddr) -> bool {
        self.ways.iter().any(|way| way.reaches(address.to_canonical()))
    }

    /// A network that needs no proof and is everybody, or so much that it can only be meant
    /// so: an open relay. Networks that are that much only together count as well. Where the
    /// line is: half of all IPv4 addresses; an eighth of the IPv6 ones, since 2000::/3 is all
    /// that is in use (RFC 4291 s2.4).
    pub fn everybody(&self) -> Option<IpNet> {
        if self.ways.contains(&Admission::default()) {
            return Some(IpNet::new_assert(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
        }
        let networks: Vec<IpNet> = self.ways.iter().filter_map(Admission::unproven).collect();
        let apart = IpNet::aggregate(&networks);
        let is_v4 = |network: &&IpNet| matches!(network, IpNet::V4(_));
        let widest = |v4: bool| {
            let of_kind = apart.iter().filter(|network| is_v4(network) == v4);
            let line = if v4 { 1 } else { 3 };
            // In units of the narrowest network there is: 2^-32 of all of its kind is enough to
            // tell whether the line is reached.
            let share = |network: &IpNet| 1_u64 << 32_u8.saturating_sub(network.prefix_len());
            let sum: u64 = of_kind.clone().map(share).sum();
            let reached = sum >= 1 << (32 - line);
            of_kind.min_by_key(|network| network.prefix_len()).filter(|_| reached).copied()
        };
        widest(true).or_else(|| widest(false))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(ways: &[(&[&str], bool, bool)]) -> RelayControl {
        let way = |(networks, login, certificate): &(&[&str], bool, bool)| Admission {
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            login: *login,
            certificate: *certificate,
        };
        RelayControl::new(ways.iter().map(way).collect())
    }

    fn claim(address: &str, login: bool, certificate: bool) -> Claim {
        Claim { address: address.parse().unwrap(), login, certificate }
    }

    #[test]
    fn nobody_is_permitted_by_an_empty_list() {
        let nobody = RelayControl::default();
        assert_eq!(nobody.judge(&claim("127.0.0.1", true, true)), Relaying::Denied);
        assert!(!nobody.could_permit("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn networks_end_where_they_say() {
        let control = control(&[(&["10.1.0.0/16"], false, false)]);
        let judge = |address| control.judge(&claim(address, false, false));
        assert_eq!(judge("10.1.255.255"), Relaying::Permitted);
        assert_eq!(judge("10.2.0.0"), Relaying::Denied);
        assert_eq!(judge("2001:db8::1"), Relaying::Denied);
    }

    #[test]
    fn a_mapped_address_is_judged_as_ipv4() {
        let judge = |address| RelayControl::loopback().judge(&claim(address, false, false));
        assert_eq!(judge("::ffff:127.0.0.1"), Relaying::Permitted);
        assert_eq!(judge("::ffff:10.0.0.1"), Relaying::Denied);
        assert!(RelayControl::loopback().could_permit("::ffff:127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn each_way_is_enough_and_all_of_a_way_must_hold() {
        let control = control(&[
            (&["10.0.0.0/8"], false, false),
            (&["192.0.2.0/24"], true, false),
            (&["198.51.100.0/24"], true, true),
            (&["203.0.113.0/24", "203.0.113.64/26"], false, false),
        ]);
        let judge =
            |address, login, certificate| control.judge(&claim(address, login, certificate));
        assert_eq!(judge("10.9.9.9", false, false), Relaying::Permitted);
        assert_eq!(judge("192.0.2.1", false, true), Relaying::LoginNeeded);
        assert_eq!(judge("192.0.2.1", true, false), Relaying::Permitted);
        assert_eq!(judge("198.51.100.1", false, false), Relaying::CertificateNeeded);
        assert_eq!(judge("198.51.100.1", true, false), Relaying::CertificateNeeded);
        assert_eq!(judge("198.51.100.1", false, true), Relaying::LoginNeeded);
        assert_eq!(judge("198.51.100.1", true, true), Relaying::Permitted);
        assert_eq!(judge("203.0.113.1", true, true), Relaying::Denied);
        assert_eq!(judge("203.0.113.65", false, false), Relaying::Permitted);
        assert_eq!(judge("8.8.8.8", true, true), Relaying::Denied);
        assert!(control.could_permit("198.51.100.1".parse().unwrap()));
        assert!(!control.could_permit("8.8.8.8".parse().unwrap()));
    }

    #[test]
    fn a_login_from_anywhere_is_asked_for_before_a_certificate() {
        let control = control(&[(&[], false, true), (&[], true, false)]);
        let judge = |login, certificate| control.judge(&claim("8.8.8.8", login, certificate));
        assert_eq!(judge(false, false), Relaying::LoginNeeded);
        assert_eq!(judge(true, false), Relaying::Permitted);
        assert_eq!(judge(false, true), Relaying::Permitted);
    }

    #[test]
    fn everybody_is_seen_however_it_is_written() {
        for networks in [
            &["0.0.0.0/0"] as &[&str],
            &["::/0"],
            &["0.0.0.0/1", "128.0.0.0/1"],
            &["::/1", "10.0.0.0/8", "8000::/1"],
            &["2000::/3"],
            &["0.0.0.0/1"],
            &["1.0.0.0/8", "64.0.0.0/2", "192.0.0.0/3", "128.0.0.0/2"],
        ] {
            let ways: Vec<_> = networks.iter().map(|one| vec![*one]).collect();
            let ways: Vec<_> = ways.iter().map(|one| (one.as_slice(), false, false)).collect();
            assert!(control(&ways).everybody().is_some(), "{networks:?}");
            let proven: Vec<_> = ways.iter().map(|way| (way.0, true, false)).collect();
            assert_eq!(control(&proven).everybody(), None, "{networks:?} + login");
        }
        assert!(control(&[(&[], false, false)]).everybody().is_some());
        assert_eq!(control(&[(&["0.0.0.0/0", "10.0.0.0/8"], false, false)]).everybody(), None);
        assert_eq!(control(&[(&[], true, false), (&[], false, true)]).everybody(), None);
        // A quarter is not everybody, whatever a login adds for the rest.
        let some = control(&[(&["0.0.0.0/2"], false, false), (&["128.0.0.0/1"], true, false)]);
        assert_eq!(some.everybody(), None);
        assert_eq!(control(&[(&["2001:db8::/32"], false, false)]).everybody(), None);
    }
}
