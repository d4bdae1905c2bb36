//! One milter, as all sessions know it: where it is, what is expected of it, and how it is.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use observe::Counter;
use smtp_session::Moment;

use crate::breaker::{Breaker, Try};
use crate::clock::Clock;

/// How a milter is reached, and what is expected of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MilterSettings {
    /// What people call it.
    pub name: Arc<str>,
    /// Where it listens.
    pub address: MilterAddress,
    /// It may change content; if not, it is offered no such action.
    pub changes: bool,
    /// It reads content that nobody may change while that comes in, as slowly as it does.
    pub early: bool,
    /// What becomes of a message that it cannot be asked about.
    pub on_failure: OnFailure,
    /// For all it is asked about one transaction.
    pub cap: Duration,
    /// For the connection to it.
    pub connect_timeout: Duration,
}

/// Where a milter listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MilterAddress {
    /// `host:port`, `1.2.3.4:25` or `[2001:db8::1]:25`.
    Tcp(String),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for MilterAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What becomes of a message that a milter cannot be asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// 451: it comes again.
    #[default]
    Defer,
    /// It goes on without this milter, and the evidence says so.
    Permit,
}

/// What is known about a milter now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MilterHealth {
    /// Not asked yet.
    Untried,
    /// The last transaction it was asked about went well.
    Up,
    /// It could not be reached, or what it did was not the protocol, or it took too long.
    Down,
}

/// A milter, shared by all sessions.
#[derive(Debug)]
pub struct Milter {
    settings: MilterSettings,
    /// 0 untried, 1 up, 2 down.
    health: AtomicU64,
    breaker: Breaker,
    /// Why it is down.
    fault: ArcSwapOption<String>,
    /// Connections made to it.
    pub connections: Counter,
    /// Transactions that it was asked about.
    pub asked: Counter,
    /// Recipients and messages that it refused, deferred or discarded.
    pub refused: Counter,
    /// Messages that it changed.
    pub changed: Counter,
    /// Transactions in which it failed.
    pub failures: Counter,
}

impl Milter {
    /// Nothing is contacted yet.
    pub fn new(settings: MilterSettings) -> Self {
        Self {
            settings,
            health: AtomicU64::new(0),
            breaker: Breaker::default(),
            fault: ArcSwapOption::empty(),
            connections: Counter::default(),
            asked: Counter::default(),
            refused: Counter::default(),
            changed: Counter::default(),
            failures: Counter::default(),
        }
    }

    /// How it is reached.
    pub fn settings(&self) -> &MilterSettings {
        &self.settings
    }

    /// How the last try went.
    pub fn health(&self) -> MilterHealth {
        match self.health.load(Ordering::Relaxed) {
            0 => MilterHealth::Untried,
            1 => MilterHealth::Up,
            _ => MilterHealth::Down,
        }
    }

    /// How long it is left alone yet, because it failed several times in a row.
    pub fn pause(&self, clock: Clock) -> Option<Duration> {
        self.breaker.pause(clock.now())
    }

    /// Why it failed last, while it is down.
    pub fn fault(&self) -> Option<String> {
        self.fault.load().as_deref().cloned()
    }

    /// Leave to connect to it now. There is no other that could be asked in its place.
    pub(crate) fn enter(&self, now: Moment) -> Option<Try<'_>> {
        self.breaker.enter(now, true)
    }

    /// It does what it should.
    pub(crate) fn succeeded(&self) {
        // Nearly always there is nothing to change, and nothing is written.
        if self.health.load(Ordering::Relaxed) != 1 && self.health.swap(1, Ordering::Relaxed) == 2 {
            self.fault.store(None);
            tracing::info!(milter = %self.settings.name, "the milter answers again");
        }
    }

    /// It has answered MAIL, whatever it makes of the message then.
    pub(crate) fn reachable(&self) {
        self.breaker.succeeded();
    }

    /// It failed before it knew anything but the client and the reverse-path: after some of that
    /// it is left alone. What it makes of a message does not count here: one client's messages
    /// could else bring it about that nobody's are shown to it.
    pub(crate) fn unreachable(&self, now: Moment) {
        self.breaker.failed(now);
    }

    /// It does not.
    pub(crate) fn failed(&self, why: &str) {
        self.failures.count();
        if self.health.swap(2, Ordering::Relaxed) != 2 {
            self.fault.store(Some(Arc::new(why.to_owned())));
            tracing::warn!(milter = %self.settings.name, why, "a milter fails");
        }
    }
}
