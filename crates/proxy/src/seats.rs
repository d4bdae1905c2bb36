//! The count of open sessions: how many there may be, and of whom.
//!
//! A client is an address, of IPv6 a /64: one host has all of it. Those who may never relay get
//! a small part only, so that they cannot keep out those who may.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// How many clients are served.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sessions at once.
    pub connections: usize,
    /// Sessions at once from one address; of IPv6, from one /64.
    pub connections_per_client: usize,
    /// How long a client may leave our replies unread.
    pub client_write_timeout: Duration,
}

/// The part of all connections that refused clients may have.
const REFUSED_PART: usize = 10;

/// What a place is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guest {
    /// A session.
    Client,
    /// One that was refused by its greeting, until it says QUIT.
    Refused,
    /// A front end's connection whose client is not told yet: nobody's.
    Unnamed,
}

/// Sessions now open. Locked when a session begins and ends, never in between.
#[derive(Debug, Default)]
pub(crate) struct Open {
    all: usize,
    refused: usize,
    unnamed: usize,
    by_client: HashMap<IpAddr, usize>,
}

impl Open {
    /// Sessions in all.
    pub(crate) fn all(&self) -> usize {
        self.all
    }

    /// Whether there is room; it is taken then. `client`: by `rates::network`.
    pub(crate) fn enter(&mut self, limits: &Limits, client: IpAddr, guest: Guest) -> bool {
        let full = self.all + self.unnamed >= limits.connections;
        if guest == Guest::Unnamed {
            self.unnamed += usize::from(!full);
            return !full;
        }
        let here = self.by_client.get(&client).copied().unwrap_or(0);
        let refused_max = (limits.connections / REFUSED_PART).max(1);
        if full
            || here >= limits.connections_per_client
            || (guest == Guest::Refused && self.refused >= refused_max)
        {
            return false;
        }
        self.all += 1;
        self.refused += usize::from(guest == Guest::Refused);
        self.by_client.insert(client, here + 1);
        true
    }

    pub(crate) fn leave(&mut self, client: IpAddr, guest: Guest) {
        if guest == Guest::Unnamed {
            self.unnamed = self.unnamed.saturating_sub(1);
            return;
        }
        self.all = self.all.saturating_sub(1);
        self.refused = self.refused.saturating_sub(usize::from(guest == Guest::Refused));
        if let Some(here) = self.by_client.get_mut(&client) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                self.by_client.remove(&client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connections: usize, connections_per_client: usize) -> Limits {
        let client_write_timeout = Duration::from_secs(1);
        Limits { connections, connections_per_client, client_write_timeout }
    }

    fn client(address: &str) -> IpAddr {
        crate::rates::network(address.parse().unwrap())
    }

    #[test]
    fn all_addresses_of_a_64_are_one_client() {
        let (mut open, limits) = (Open::default(), limits(60, 2));
        assert!(open.enter(&limits, client("2001:db8::1"), Guest::Client));
        assert!(open.enter(&limits, client("2001:db8::ffff:0:0:2"), Guest::Client));
        assert!(!open.enter(&limits, client("2001:db8::3"), Guest::Client));
        assert!(open.enter(&limits, client("2001:db8:0:1::1"), Guest::Client));
        for last in 1..4 {
            let address = client(&format!("192.0.2.{last}"));
            assert!(open.enter(&limits, address, Guest::Client), "{address}");
        }
        open.leave(client("2001:db8::2"), Guest::Client);
        assert!(open.enter(&limits, client("2001:db8::3"), Guest::Client));
    }

    #[test]
    fn refused_clients_leave_room_for_the_others() {
        let (mut open, limits) = (Open::default(), limits(20, 1));
        let outsider = |number| client(&format!("2001:db8:0:{number}::1"));
        let seated =
            (0..20).filter(|number| open.enter(&limits, outsider(*number), Guest::Refused));
        assert_eq!(seated.count(), 2);
        for number in 1..=18 {
            assert!(open.enter(&limits, client(&format!("10.0.0.{number}")), Guest::Client));
        }
        assert!(!open.enter(&limits, client("10.0.0.99"), Guest::Client), "all are taken");
        open.leave(outsider(0), Guest::Refused);
        assert!(open.enter(&limits, outsider(3), Guest::Refused));
    }

    #[test]
    fn where_few_are_served_one_may_still_be_refused_in_peace() {
        let (mut open, limits) = (Open::default(), limits(3, 3));
        assert!(open.enter(&limits, client("192.0.2.1"), Guest::Refused));
        assert!(!open.enter(&limits, client("192.0.2.2"), Guest::Refused));
    }

    #[test]
    fn connections_of_a_front_end_count_before_the_client_is_told() {
        let (mut open, limits) = (Open::default(), limits(3, 1));
        let front_end = client("10.0.0.5");
        for _ in 0..3 {
            assert!(open.enter(&limits, front_end, Guest::Unnamed));
        }
        assert!(!open.enter(&limits, front_end, Guest::Unnamed));
        assert!(!open.enter(&limits, client("192.0.2.1"), Guest::Client));
        assert_eq!(open.all(), 0, "no session yet");
        open.leave(front_end, Guest::Unnamed);
        assert!(open.enter(&limits, client("192.0.2.1"), Guest::Client));
        assert!(!open.enter(&limits, front_end, Guest::Unnamed));
    }
}
