//! How often somebody may guess.
//!
//! Failures are counted for the address they come from and for the user they are for, so that
//! neither one machine that tries many names nor many machines that try one get far. From the
//! fifth on nothing is verified for a time that doubles with each. An address from which a user
//! has logged in before is not stopped by what others try in that user's name: or anybody could
//! lock anybody out.
//!
//! Invariant: the table is bounded. It has two halves; when the newer is full it becomes the
//! older, and what nobody touched since then is forgotten.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// Failures that pass without a pause.
const FREE: u32 = 5;
/// The first pause; each failure doubles it.
const PAUSE: Duration = Duration::from_secs(15);
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// A failure is forgotten when none has followed for so long.
const MEMORY: Duration = Duration::from_secs(600);
/// Of each half of the table.
const ENTRIES_MAX: usize = 16_384;

/// What failures are counted for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// Of IPv6 the network, as one machine has all of it.
    Address(IpAddr),
    User(String),
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    failures: u32,
    until: Instant,
    last: Instant,
}

/// Counts failures.
#[derive(Debug)]
pub(super) struct Throttle {
    failures: Halves<Key, Tally>,
    /// Where who has logged in.
    homes: Halves<(IpAddr, String), ()>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { failures: Halves::new(ENTRIES_MAX), homes: Halves::new(ENTRIES_MAX) }
    }
}

impl Throttle {
    /// Whether nothing is verified now for this user from this address.
    pub(super) fn is_closed(&mut self, now: Instant, client: IpAddr, user: &str) -> bool {
        let client = network(client);
        let paused = |tally: Option<Tally>| tally.is_some_and(|tally| now < tally.until);
        if paused(self.failures.get(&Key::Address(client))) {
            return true;
        }
        let user = user.to_owned();
        paused(self.failures.get(&Key::User(user.clone())))
            && self.homes.get(&(client, user)).is_none()
    }

    /// A proof was wrong. Where nobody knows whose, only the address counts: else some would
    /// lock out all whose names cannot be read.
    pub(super) fn failed(&mut self, now: Instant, client: IpAddr, user: Option<&str>) {
        let user = user.map(|user| Key::User(user.to_owned()));
        for key in [Some(Key::Address(network(client))), user].into_iter().flatten() {
            let known = self.failures.get(&key).filter(|tally| {
                now.saturating_duration_since(tally.last.max(tally.until)) < MEMORY
            });
            let failures = known.map_or(0, |tally| tally.failures).saturating_add(1);
            let doublings = failures.checked_sub(FREE);
            let pause = doublings
                .map_or(Duration::ZERO, |n| PAUSE.saturating_mul(1 << n.min(16)).min(PAUSE_MAX));
            self.failures.put(key, Tally { failures, until: now + pause, last: now });
        }
    }

    /// A proof was right: what this address got wrong before is forgiven.
    pub(super) fn succeeded(&mut self, client: IpAddr, user: Option<&str>) {
        let client = network(client);
        self.failures.remove(&Key::Address(client));
        if let Some(user) = user {
            self.homes.put((client, user.to_owned()), ());
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
        v4 => v4,
    }
}

/// A table that forgets what was not touched for long.
#[derive(Debug)]
struct Halves<K, V> {
    newer: HashMap<K, V>,
    older: HashMap<K, V>,
    size: usize,
}

impl<K: Hash + Eq, V: Copy> Halves<K, V> {
    fn new(size: usize) -> Self {
        Self { newer: HashMap::new(), older: HashMap::new(), size }
    }

    fn get(&self, key: &K) -> Option<V> {
        self.newer.get(key).or_else(|| self.older.get(key)).copied()
    }

    fn put(&mut self, key: K, value: V) {
        if self.newer.len() >= self.size && !self.newer.contains_key(&key) {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(key, value);
    }

    fn remove(&mut self, key: &K) {
        self.newer.remove(key);
        self.older.remove(key);
    }
}

#[cfg(test)]
mod tests;
