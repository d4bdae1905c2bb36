//! A point in time, as a parameter.
//!
//! Timers need a clock that never jumps; records and the Received field need the
//! date. One value carries both, read once by whoever owns a clock, so that the
//! sessions stay reproducible: a simulation makes moments out of a counter.

use std::time::Duration;

/// A point in time in two clocks: monotonic for timers, civil for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    monotonic: Duration,
    unix_micros: i64,
}

impl Moment {
    /// `monotonic`: time since any fixed start; `unix_micros`: microseconds since
    /// 1970-01-01 UTC.
    pub const fn new(monotonic: Duration, unix_micros: i64) -> Self {
        Self { monotonic, unix_micros }
    }

    /// Time since the fixed start of the monotonic clock.
    pub const fn monotonic(self) -> Duration {
        self.monotonic
    }

    /// Microseconds since 1970-01-01 UTC.
    pub const fn unix_micros(self) -> i64 {
        self.unix_micros
    }

    /// Milliseconds since 1970-01-01 UTC; moments before it count as zero.
    pub fn unix_millis(self) -> u64 {
        u64::try_from(self.unix_micros / 1000).unwrap_or(0)
    }

    /// This moment moved into the future, on both clocks.
    #[must_use]
    pub fn plus(self, delay: Duration) -> Self {
        let micros = i64::try_from(delay.as_micros()).unwrap_or(i64::MAX);
        Self {
            monotonic: self.monotonic.saturating_add(delay),
            unix_micros: self.unix_micros.saturating_add(micros),
        }
    }

    /// Time gone by since `earlier`; zero when `earlier` lies ahead.
    pub fn since(self, earlier: Self) -> Duration {
        self.monotonic.saturating_sub(earlier.monotonic)
    }

    /// Whether a timer set for `deadline` has run out.
    pub fn reached(self, deadline: Self) -> bool {
        self.monotonic >= deadline.monotonic
    }

    /// The earlier of two deadlines, where either may be missing.
    pub fn earliest(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if a.monotonic <= b.monotonic { a } else { b }),
            (one, None) | (None, one) => one,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_deadline_wins_and_a_missing_one_is_never_due() {
        let a = Moment::new(Duration::from_secs(1), 0);
        let b = a.plus(Duration::from_secs(5));
        assert_eq!(Moment::earliest(Some(b), Some(a)), Some(a));
        assert_eq!(Moment::earliest(None, Some(b)), Some(b));
        assert_eq!(Moment::earliest(None, None), None);
        assert!(b.reached(b) && !a.reached(b));
        assert_eq!(b.since(a), Duration::from_secs(5));
        assert_eq!(a.since(b), Duration::ZERO);
    }
}
