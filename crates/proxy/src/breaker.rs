//! Whether a smarthost is worth a try.
//!
//! ```text
//!   closed --3 failures in a row--> open --5 s, then 10, 20, ... 60 s--> half open
//!     ^                              ^                                     |   |
//!     |                              +-------------- it failed ------------+   |
//!     +------------------------------------------- it succeeded ---------------+
//! ```
//!
//! Half open lets one try through and nobody else until its outcome is known. It is fed by
//! what really happens to sessions and to probes. Where there is nobody else to turn to, an
//! open one gives way to one try a second: a smarthost that was restarted is found at once.
//! Atomics only: nobody waits here, and a race costs one try more.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use smtp_session::Moment;

/// Failures in a row that open it.
const FAILURES: u32 = 3;
/// How long it stays open at first, and at most.
const PAUSE_FIRST: u64 = 5_000;
const PAUSE_MAX: u64 = 60_000;
/// Between two tries of one that is the only one there is.
const LAST_RESORT: u64 = 1_000;
/// After how long a try of which nothing is heard counts no more.
const CLAIM: u64 = 30_000;

/// All times in milliseconds of the monotonic clock, plus one: 0 is never.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: AtomicU32,
    /// When it may be tried again; 0: closed.
    retry_at: AtomicU64,
    /// The pause that led there.
    pause: AtomicU64,
    failed_at: AtomicU64,
    /// Until when the one try has time.
    claimed: AtomicU64,
}

/// Whether a smarthost may be tried now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As often as one likes.
    Closed,
    /// Once, to see whether it is well again.
    HalfOpen,
    /// Only where there is no other.
    Open,
}

/// Leave to try; its outcome is told by [`Breaker::succeeded`] or [`Breaker::failed`], and when
/// it is dropped without, somebody else may try.
#[derive(Debug)]
pub(crate) struct Try<'a> {
    breaker: &'a Breaker,
    alone: bool,
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if self.alone {
            self.breaker.claimed.store(0, Ordering::Relaxed);
        }
    }
}

fn stamp(now: Moment) -> u64 {
    u64::try_from(now.monotonic().as_millis()).unwrap_or(u64::MAX - 1).saturating_add(1)
}

impl Breaker {
    pub(crate) fn standing(&self, now: Moment) -> Standing {
        match self.retry_at.load(Ordering::Relaxed) {
            0 => Standing::Closed,
            at if stamp(now) >= at => Standing::HalfOpen,
            _ => Standing::Open,
        }
    }

    /// How long it stays open yet.
    pub(crate) fn pause(&self, now: Moment) -> Option<Duration> {
        let at = self.retry_at.load(Ordering::Relaxed);
        (at != 0).then(|| Duration::from_millis(at.saturating_sub(stamp(now))))
    }

    /// Leave to try it now; `last`: there is no other.
    pub(crate) fn enter(&self, now: Moment, last: bool) -> Option<Try<'_>> {
        let at = stamp(now);
        match self.standing(now) {
            Standing::Closed => return Some(Try { breaker: self, alone: false }),
            Standing::HalfOpen => {}
            Standing::Open => {
                let rested = at >= self.failed_at.load(Ordering::Relaxed) + LAST_RESORT;
                if !last || !rested {
                    return None;
                }
            }
        }
        let claimed = self.claimed.load(Ordering::Relaxed);
        let free = at >= claimed;
        let until = at.saturating_add(CLAIM);
        let won = free
            && self
                .claimed
                .compare_exchange(claimed, until, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        won.then(|| Try { breaker: self, alone: true })
    }

    /// It works. True when it was open.
    pub(crate) fn succeeded(&self) -> bool {
        // Nearly always there is nothing to change, and nothing is written.
        if self.failures.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.failures.store(0, Ordering::Relaxed);
        self.pause.store(0, Ordering::Relaxed);
        self.retry_at.swap(0, Ordering::Relaxed) != 0
    }

    /// It does not work. True when this opened it.
    pub(crate) fn failed(&self, now: Moment) -> bool {
        let at = stamp(now);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        self.failed_at.store(at, Ordering::Relaxed);
        let standing = self.standing(now);
        // What fails while it is open is a session of before, or the last resort: no news.
        if standing == Standing::Open || (standing == Standing::Closed && failures < FAILURES) {
            return false;
        }
        let pause = match self.pause.load(Ordering::Relaxed) {
            0 => PAUSE_FIRST,
            before => before.saturating_mul(2).min(PAUSE_MAX),
        };
        self.pause.store(pause, Ordering::Relaxed);
        self.retry_at.store(at.saturating_add(pause), Ordering::Relaxed);
        standing == Standing::Closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::new(Duration::from_millis(millis), 0)
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        assert!(!breaker.failed(at(0)) && !breaker.failed(at(0)));
        assert!(breaker.failed(at(0)), "the third opens it");
        breaker
    }

    #[test]
    fn three_failures_in_a_row_open_it_and_not_three_with_a_success_between() {
        let breaker = Breaker::default();
        for _ in 0..5 {
            assert!(!breaker.failed(at(0)) && !breaker.failed(at(1)));
            assert_eq!(breaker.standing(at(2)), Standing::Closed);
            assert!(!breaker.succeeded());
        }
        let breaker = opened();
        assert_eq!(breaker.standing(at(4_999)), Standing::Open);
        assert!(breaker.enter(at(4_999), false).is_none());
        assert_eq!(breaker.standing(at(5_000)), Standing::HalfOpen);
    }

    #[test]
    fn half_open_lets_one_in_until_its_outcome_is_known() {
        let breaker = opened();
        let first = breaker.enter(at(5_000), false).unwrap();
        assert!(breaker.enter(at(5_000), false).is_none());
        assert!(breaker.enter(at(5_000), true).is_none());
        drop(first);
        assert!(breaker.enter(at(5_001), false).is_some(), "the first went away without a word");
        assert!(breaker.succeeded(), "it was open");
        let both = (breaker.enter(at(5_002), false), breaker.enter(at(5_002), false));
        assert!(both.0.is_some() && both.1.is_some());
    }

    #[test]
    fn each_failed_try_doubles_the_pause_up_to_a_minute() {
        let breaker = opened();
        let mut now = 5_000;
        for pause in [10_000, 20_000, 40_000, 60_000, 60_000] {
            let one = breaker.enter(at(now), false).unwrap();
            assert!(!breaker.failed(at(now)));
            drop(one);
            assert_eq!(breaker.pause(at(now)), Some(Duration::from_millis(pause)));
            assert_eq!(breaker.standing(at(now + pause - 1)), Standing::Open);
            now += pause;
            assert_eq!(breaker.standing(at(now)), Standing::HalfOpen);
        }
        assert!(breaker.succeeded());
        assert_eq!(breaker.pause(at(now)), None);
        for _ in 0..3 {
            breaker.failed(at(now));
        }
        assert_eq!(breaker.pause(at(now)), Some(Duration::from_secs(5)), "from the beginning");
    }

    #[test]
    fn the_only_one_there_is_gets_one_try_a_second() {
        let breaker = opened();
        assert!(breaker.enter(at(999), true).is_none());
        let one = breaker.enter(at(1_000), true).unwrap();
        assert!(breaker.enter(at(1_000), true).is_none(), "one at a time");
        breaker.failed(at(1_001));
        drop(one);
        assert_eq!(breaker.pause(at(1_001)), Some(Duration::from_millis(3_999)), "not prolonged");
        assert!(breaker.enter(at(1_500), true).is_none());
        assert!(breaker.enter(at(2_001), true).is_some());
    }
}
