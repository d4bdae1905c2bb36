//! When a source that has to be asked is asked next.
//!
//! The times lie on a grid that began with the first one, so that however long a reading takes,
//! the next is where it would have been. After a failure it is tried sooner than that: servers
//! come back, and a list that is not read grows old.

use std::time::{Duration, Instant};

/// The first wait after a failure; it doubles with each one that follows.
const RETRY: Duration = Duration::from_secs(10);

/// When it is asked next.
#[derive(Debug)]
pub(super) struct Schedule {
    every: Duration,
    /// The grid's next time.
    next: Instant,
    retry: Retry,
}

impl Schedule {
    /// For the first time at once.
    pub(super) fn new(every: Duration, now: Instant) -> Self {
        Self { every, next: now, retry: Retry::default() }
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due()
    }

    /// How long until it is due.
    pub(super) fn wait(&self, now: Instant) -> Duration {
        self.due().saturating_duration_since(now)
    }

    fn due(&self) -> Instant {
        self.retry.at.map_or(self.next, |at| at.min(self.next))
    }

    pub(super) fn succeeded(&mut self, now: Instant) {
        self.advance(now);
        self.retry = Retry::default();
    }

    pub(super) fn failed(&mut self, now: Instant) {
        self.advance(now);
        self.retry.failed(now, self.every);
    }

    /// What lies in the past was missed, and is not made up for.
    fn advance(&mut self, now: Instant) {
        if self.next <= now {
            let behind = now.duration_since(self.next).as_nanos() / self.every.as_nanos().max(1);
            let steps = u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1);
            self.next += self.every.saturating_mul(steps);
        }
    }
}

/// When something that failed is tried again.
#[derive(Debug, Default)]
pub(super) struct Retry {
    /// Failures in a row.
    failures: u32,
    at: Option<Instant>,
}

impl Retry {
    /// It failed; wait longer each time, and never longer than this.
    pub(super) fn failed(&mut self, now: Instant, longest: Duration) {
        let wait = RETRY.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures = self.failures.saturating_add(1);
        self.at = Some(now + wait);
    }

    /// Whether something failed that is to be tried again by now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| now >= at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_times_stay_on_their_grid_however_long_a_reading_takes() {
        let start = clock::instant();
        let mut schedule = Schedule::new(MINUTE, start);
        assert!(schedule.is_due(start));
        schedule.succeeded(start + Duration::from_secs(7));
        assert_eq!(schedule.wait(start + Duration::from_secs(7)), Duration::from_secs(53));
        assert!(!schedule.is_due(start + Duration::from_secs(59)));
        assert!(schedule.is_due(start + MINUTE));
        // Three times were missed.
        schedule.succeeded(start + Duration::from_secs(245));
        assert_eq!(schedule.wait(start + Duration::from_secs(245)), Duration::from_secs(55));
        // Asked for in between, it is due when it would have been.
        schedule.succeeded(start + Duration::from_secs(250));
        assert_eq!(schedule.wait(start + Duration::from_secs(250)), Duration::from_secs(50));
    }

    #[test]
    fn after_failures_it_is_tried_sooner_and_ever_later() {
        let start = clock::instant();
        let mut schedule = Schedule::new(5 * MINUTE, start);
        let mut at = start;
        let mut waits = Vec::new();
        for _ in 0..7 {
            schedule.failed(at);
            waits.push(schedule.wait(at).as_secs());
            at += schedule.wait(at);
        }
        assert_eq!(waits, [10, 20, 40, 80, 150, 300, 300]);
        schedule.succeeded(at);
        assert_eq!(schedule.wait(at), 5 * MINUTE);
        let mut often = Schedule::new(Duration::from_secs(3), start);
        often.failed(start);
        assert_eq!(often.wait(start), Duration::from_secs(3));
    }
}
