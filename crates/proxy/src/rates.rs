//! The rates of clients, logins and domains: `governor`'s cells, one for each that has sent
//! of late.
//!
//! A limit of n a minute lets n through at once, and then one every 60/n seconds. Memory is
//! bounded: what has not been used for its minute is swept out in the background, and while a
//! table is full, all keys share a fixed number of cells: a flood of made-up domains cannot
//! make room for itself, and limits still limit. A cell is named by a keyed hash, so no address
//! and no name is kept. IPv6 clients are counted by their /64: one host has all of it.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use policy::{Counted, Party, Rates, Source, TooMuch};

/// Cells of one limit. A cell is about 40 bytes, so all eight limits stay below 30 MB.
const CELLS_MAX: usize = 100_000;
/// Cells that all keys share while a table is full.
const SHARED_CELLS: u64 = 4096;
/// How often unused cells are taken out.
const SWEEP: Duration = Duration::from_secs(20);

/// What is permitted in a minute; `None`: any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateSettings {
    /// Messages of one client's address.
    pub client_messages: Option<NonZeroU32>,
    /// Recipients of one client's address.
    pub client_recipients: Option<NonZeroU32>,
    /// Messages of one login.
    pub login_messages: Option<NonZeroU32>,
    /// Recipients of one login.
    pub login_recipients: Option<NonZeroU32>,
    /// Messages from senders at one domain.
    pub sender_domain_messages: Option<NonZeroU32>,
    /// Recipients of senders at one domain.
    pub sender_domain_recipients: Option<NonZeroU32>,
    /// Messages to one domain.
    pub recipient_domain_messages: Option<NonZeroU32>,
    /// Recipients at one domain.
    pub recipient_domain_recipients: Option<NonZeroU32>,
}

/// A clock that is told the time.
#[derive(Debug, Clone, Default)]
struct Told(Arc<AtomicU64>);

impl Told {
    /// Sessions may come with moments in another order than they were read.
    fn tell(&self, now: Duration) {
        let nanos = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
        self.0.fetch_max(nanos, Ordering::Relaxed);
    }
}

impl Clock for Told {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// One limit.
#[derive(Debug)]
struct Limit {
    cells: RateLimiter<u64, DashMapStateStore<u64>, Told, NoOpMiddleware<Duration>>,
    clock: Told,
    full: AtomicBool,
    asked: AtomicU64,
    party: Party,
    counted: Counted,
}

impl Limit {
    fn new(
        per_minute: Option<NonZeroU32>,
        party: Party,
        counted: Counted,
        clock: &Told,
    ) -> Option<Self> {
        let quota = Quota::per_minute(per_minute?);
        Some(Self {
            cells: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock: clock.clone(),
            full: AtomicBool::new(false),
            asked: AtomicU64::new(0),
            party,
            counted,
        })
    }

    fn count(&self, key: u64) -> Result<(), TooMuch> {
        // Not each time: the number is a sum over all shards.
        if self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(256) {
            self.look_at_size();
        }
        let key = if self.full.load(Ordering::Relaxed) { key % SHARED_CELLS } else { key };
        self.cells.check_key(&key).map_err(|not_until| TooMuch {
            party: self.party,
            counted: self.counted,
            wait: not_until.wait_time_from(self.clock.now()),
        })
    }

    fn look_at_size(&self) {
        self.full.store(self.cells.len() >= CELLS_MAX, Ordering::Relaxed);
    }

    fn sweep(&self) {
        self.cells.retain_recent();
        self.cells.shrink_to_fit();
        self.look_at_size();
    }
}

/// All limits of a gate.
#[derive(Debug)]
pub struct RateLimits {
    clock: Told,
    hasher: RandomState,
    client: [Option<Limit>; 2],
    login: [Option<Limit>; 2],
    sender: [Option<Limit>; 2],
    recipient: [Option<Limit>; 2],
    is_swept: AtomicBool,
}

impl RateLimits {
    /// With nothing used yet; `None` where nothing is limited.
    pub fn of(settings: &RateSettings) -> Option<Arc<Self>> {
        (*settings != RateSettings::default()).then(|| Arc::new(Self::new(settings)))
    }

    /// Takes out what is not used any more, as long as somebody has the limits; once is enough,
    /// and more do no harm. Inside a runtime.
    pub fn keep_sweeping(self: &Arc<Self>) {
        if !self.is_swept.swap(true, Ordering::Relaxed) {
            let kept = Arc::downgrade(self);
            tokio::spawn(async move { keep_sweeping(&kept).await });
        }
    }

    fn new(settings: &RateSettings) -> Self {
        let clock = Told::default();
        let both = |messages, recipients, party| {
            [
                Limit::new(messages, party, Counted::Messages, &clock),
                Limit::new(recipients, party, Counted::Recipients, &clock),
            ]
        };
        Self {
            hasher: RandomState::new(),
            client: both(settings.client_messages, settings.client_recipients, Party::Client),
            login: both(settings.login_messages, settings.login_recipients, Party::Login),
            sender: both(
                settings.sender_domain_messages,
                settings.sender_domain_recipients,
                Party::SenderDomain,
            ),
            recipient: both(
                settings.recipient_domain_messages,
                settings.recipient_domain_recipients,
                Party::RecipientDomain,
            ),
            is_swept: AtomicBool::new(false),
            clock,
        }
    }

    fn key(&self, of: &impl Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    fn count_source(&self, source: &Source<'_>, counted: Counted) -> Result<(), TooMuch> {
        if let Some(limit) = of(&self.client, counted) {
            limit.count(self.key(&network(source.client)))?;
        }
        if let (Some(limit), Some(login)) = (of(&self.login, counted), source.login) {
            limit.count(self.key(&login))?;
        }
        if let (Some(limit), Some(domain)) = (of(&self.sender, counted), source.domain) {
            limit.count(self.key(&domain))?;
        }
        Ok(())
    }

    fn sweep(&self) {
        let all = [&self.client, &self.login, &self.sender, &self.recipient];
        all.into_iter().flatten().flatten().for_each(Limit::sweep);
    }
}

fn of([messages, recipients]: &[Option<Limit>; 2], counted: Counted) -> Option<&Limit> {
    match counted {
        Counted::Messages => messages.as_ref(),
        Counted::Recipients => recipients.as_ref(),
    }
}

/// What of an address one client has.
pub(crate) fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
        v4 @ IpAddr::V4(_) => v4,
    }
}

impl Rates for RateLimits {
    fn message(&self, now: Duration, source: &Source<'_>) -> Result<(), TooMuch> {
        self.clock.tell(now);
        self.count_source(source, Counted::Messages)
    }

    fn recipient(
        &self,
        now: Duration,
        source: &Source<'_>,
        domain: Option<&str>,
        first: bool,
    ) -> Result<(), TooMuch> {
        self.clock.tell(now);
        self.count_source(source, Counted::Recipients)?;
        let Some(domain) = domain else { return Ok(()) };
        let key = self.key(&domain);
        if let Some(limit) = of(&self.recipient, Counted::Messages).filter(|_| first) {
            limit.count(key)?;
        }
        of(&self.recipient, Counted::Recipients).map_or(Ok(()), |limit| limit.count(key))
    }
}

async fn keep_sweeping(kept: &Weak<RateLimits>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(limits) = kept.upgrade() else { return };
        // Long tables take some milliseconds, which no session should wait for.
        let _ = tokio::task::spawn_blocking(move || limits.sweep()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(change: impl FnOnce(&mut RateSettings)) -> RateLimits {
        let mut settings = RateSettings::default();
        change(&mut settings);
        RateLimits::new(&settings)
    }

    fn from<'a>(client: &str, login: Option<&'a str>, domain: Option<&'a str>) -> Source<'a> {
        Source { client: client.parse().unwrap(), login, domain }
    }

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_minute_has_so_many_and_then_one_after_the_other() {
        let limits = limits(|s| s.client_messages = NonZeroU32::new(6));
        let one = from("192.0.2.1", None, None);
        for _ in 0..6 {
            limits.message(secs(100), &one).unwrap();
        }
        let refused = limits.message(secs(100), &one).unwrap_err();
        assert_eq!((refused.party, refused.counted), (Party::Client, Counted::Messages));
        assert_eq!(refused.wait, secs(10));
        limits.message(secs(100), &from("192.0.2.2", None, None)).unwrap();
        limits.recipient(secs(100), &one, Some("x.example"), true).unwrap();
        assert!(limits.message(secs(109), &one).is_err());
        limits.message(secs(110), &one).unwrap();
        assert!(limits.message(secs(110), &one).is_err());
        // Time that comes late does not go back.
        assert!(limits.message(secs(50), &one).is_err());
        for _ in 0..6 {
            limits.message(secs(300), &one).unwrap();
        }
    }

    #[test]
    fn each_limit_counts_its_own() {
        let two = NonZeroU32::new(2);
        type Change = fn(&mut RateSettings, Option<NonZeroU32>);
        let recipients: [(Party, Change, Source<'_>, Source<'_>, [&str; 2]); 4] = [
            (
                Party::Client,
                |s, n| s.client_recipients = n,
                from("2001:db8::1", None, None),
                from("2001:db8::ffff", Some("erp"), None),
                ["a.example", "b.example"],
            ),
            (
                Party::Login,
                |s, n| s.login_recipients = n,
                from("192.0.2.1", Some("erp"), None),
                from("192.0.2.2", Some("erp"), None),
                ["a.example", "b.example"],
            ),
            (
                Party::SenderDomain,
                |s, n| s.sender_domain_recipients = n,
                from("192.0.2.1", None, Some("corp.example")),
                from("192.0.2.2", Some("erp"), Some("corp.example")),
                ["a.example", "b.example"],
            ),
            (
                Party::RecipientDomain,
                |s, n| s.recipient_domain_recipients = n,
                from("192.0.2.1", None, None),
                from("192.0.2.2", None, None),
                ["a.example", "a.example"],
            ),
        ];
        for (party, change, first, second, domains) in recipients {
            let limits = limits(|s| change(s, two));
            let ask = |source: &Source<'_>, domain| {
                limits.recipient(secs(1), source, Some(domain), false)
            };
            ask(&first, domains[0]).unwrap();
            ask(&second, domains[1]).unwrap();
            let refused = ask(&first, domains[0]).unwrap_err();
            assert_eq!((refused.party, refused.counted), (party, Counted::Recipients));
            assert_eq!(limits.message(secs(1), &first), Ok(()));
            let stranger = from("198.51.100.1", Some("shop"), Some("shop.example"));
            ask(&stranger, "z.example").unwrap();
            limits.recipient(secs(1), &stranger, None, false).unwrap();
        }
    }

    #[test]
    fn a_message_counts_once_for_each_domain_it_goes_to() {
        let limits = limits(|s| s.recipient_domain_messages = NonZeroU32::new(1));
        let one = from("192.0.2.1", None, None);
        limits.recipient(secs(1), &one, Some("a.example"), true).unwrap();
        limits.recipient(secs(1), &one, Some("a.example"), false).unwrap();
        limits.recipient(secs(1), &one, Some("b.example"), true).unwrap();
        let refused = limits.recipient(secs(1), &one, Some("a.example"), true).unwrap_err();
        assert_eq!((refused.party, refused.counted), (Party::RecipientDomain, Counted::Messages));
    }

    #[test]
    fn a_flood_of_names_has_no_more_cells_than_there_are_and_is_still_limited() {
        let limits = limits(|s| s.sender_domain_messages = NonZeroU32::new(1));
        let send = |now, number: usize| {
            let domain = format!("d{number}.example");
            limits.message(secs(now), &from("192.0.2.1", None, Some(&domain)))
        };
        let refused = (0..3 * CELLS_MAX).filter(|number| send(1, *number).is_err()).count();
        let cells = of(&limits.sender, Counted::Messages).unwrap().cells.len();
        assert!(cells <= CELLS_MAX + 256 + 4096, "{cells}");
        assert!(refused > CELLS_MAX, "{refused}");
        // After their minute they are forgotten, and a name has a cell of its own again.
        limits.clock.tell(secs(200));
        limits.sweep();
        assert_eq!(of(&limits.sender, Counted::Messages).unwrap().cells.len(), 0);
        send(201, 1).unwrap();
        send(201, 2).unwrap();
        assert!(send(201, 1).is_err());
    }

    #[test]
    fn without_limits_there_is_nothing_to_keep() {
        assert!(RateLimits::of(&RateSettings::default()).is_none());
        let limited = RateSettings { login_messages: NonZeroU32::new(1), ..Default::default() };
        let limits = RateLimits::of(&limited).unwrap();
        let erp = from("192.0.2.1", Some("erp"), None);
        limits.message(secs(1), &erp).unwrap();
        assert!(limits.message(secs(1), &erp).is_err());
        limits.message(secs(1), &from("192.0.2.1", None, None)).unwrap();
    }
}
