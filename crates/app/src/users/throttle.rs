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
    /// The failures of an address that were for this user, or for one whose name nobody could
    /// read: what a success forgives.
    Pair(IpAddr, String),
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
    /// Exchanges that were counted before their end, which is yet to come.
    presumed: Halves<(IpAddr, String), u32>,
    /// Where who has logged in.
    homes: Halves<(IpAddr, String), ()>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            failures: Halves::new(ENTRIES_MAX),
            presumed: Halves::new(ENTRIES_MAX),
            homes: Halves::new(ENTRIES_MAX),
        }
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

    /// An exchange begins whose proof will be judged elsewhere. It counts as a failure until it
    /// has succeeded: or one could open a hundred at once and guess in each. Who has logged in
    /// from there before is trusted with several at a time.
    pub(super) fn begun(&mut self, now: Instant, client: IpAddr, user: &str) {
        let pair = (network(client), user.to_owned());
        if self.homes.get(&pair).is_some() {
            return;
        }
        self.count(now, client, Some(user));
        let open = self.presumed.get(&pair).unwrap_or(0);
        self.presumed.put(pair, open.saturating_add(1));
    }

    /// Whether an exchange that ends now was counted when it began.
    fn was_presumed(&mut self, client: IpAddr, user: Option<&str>) -> bool {
        let Some(user) = user else { return false };
        let pair = (network(client), user.to_owned());
        match self.presumed.get(&pair) {
            None => false,
            Some(0 | 1) => {
                self.presumed.remove(&pair);
                true
            }
            Some(open) => {
                self.presumed.put(pair, open - 1);
                true
            }
        }
    }

    /// A proof was wrong. Where nobody knows whose, only the address counts: else some would
    /// lock out all whose names cannot be read.
    pub(super) fn failed(&mut self, now: Instant, client: IpAddr, user: Option<&str>) {
        if !self.was_presumed(client, user) {
            self.count(now, client, user);
        }
    }

    fn count(&mut self, now: Instant, client: IpAddr, user: Option<&str>) {
        let client = network(client);
        let pair = Some(Key::Pair(client, user.unwrap_or_default().to_owned()));
        let user = user.map(|user| Key::User(user.to_owned()));
        for key in [Some(Key::Address(client)), user, pair].into_iter().flatten() {
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

    /// A proof was right: what this address got wrong before for this user is forgiven, and
    /// nothing that it tried for others: or who has one login could guess the rest.
    pub(super) fn succeeded(&mut self, client: IpAddr, user: Option<&str>) {
        let presumed = self.was_presumed(client, user);
        let client = network(client);
        let pair = Key::Pair(client, user.unwrap_or_default().to_owned());
        let forgiven = self.failures.get(&pair).map_or(0, |tally| tally.failures);
        self.failures.remove(&pair);
        self.forgive(Key::Address(client), forgiven);
        let Some(user) = user else { return };
        self.forgive(Key::User(user.to_owned()), u32::from(presumed));
        self.homes.put((client, user.to_owned()), ());
    }

    fn forgive(&mut self, key: Key, forgiven: u32) {
        let Some(tally) = self.failures.get(&key).filter(|_| forgiven > 0) else { return };
        let failures = tally.failures.saturating_sub(forgiven);
        if failures == 0 {
            return self.failures.remove(&key);
        }
        let until = if failures < FREE { tally.last } else { tally.until };
        self.failures.put(key, Tally { failures, until, ..tally });
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
