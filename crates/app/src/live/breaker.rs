//! Whether a list that keeps failing is asked at all.
//!
//! A database that is away would let every recipient wait for the whole time limit, only to be
//! told to come again. So after some failures in a row it is not asked for a while, and whoever
//! would have been asked about is told at once; then one question tries it. Nothing here is
//! ever a permit: not asked is not known.
//!
//! ```text
//! closed --5 failures in a row--> open(5 s) --time is over--> trying, one question
//!   ^                               ^                           |          |
//!   |                               +--- twice as long, <=60 s -- failed   |
//!   +------------------------------------------------------------- answered
//! ```

use std::time::{Duration, Instant};

/// Failures in a row that open it.
const FAILURES: u32 = 5;
/// How long nobody is asked at first, and at most.
const PAUSE: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How a list that is asked live has answered lately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Breaker {
    /// It is asked; with the failures in a row until now.
    Closed { failures: u32 },
    /// It is not asked before that time, for that long.
    Open { until: Instant, pause: Duration },
    /// One question is out, since then. Should nothing be heard of it for another pause, the
    /// next one tries.
    Trying { since: Instant, pause: Duration },
}

/// What changed by an answer, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    None,
    /// It is not asked any more for that long.
    Opened(Duration),
    /// It is asked again.
    Closed,
}

impl Default for Breaker {
    fn default() -> Self {
        Self::Closed { failures: 0 }
    }
}

impl Breaker {
    /// Whether it may be asked now; else how long not.
    pub(super) fn ask(&mut self, now: Instant) -> Result<(), Duration> {
        let (from, pause) = match *self {
            Self::Closed { .. } => return Ok(()),
            Self::Open { until, pause } => (until, pause),
            Self::Trying { since, pause } => (since + pause, pause),
        };
        if now < from {
            return Err(from - now);
        }
        *self = Self::Trying { since: now, pause };
        Ok(())
    }

    /// It answered.
    pub(super) fn succeeded(&mut self) -> Turn {
        let was = std::mem::take(self);
        if matches!(was, Self::Closed { .. }) { Turn::None } else { Turn::Closed }
    }

    /// It failed.
    pub(super) fn failed(&mut self, now: Instant) -> Turn {
        let pause = match *self {
            Self::Closed { failures } if failures + 1 < FAILURES => {
                *self = Self::Closed { failures: failures + 1 };
                return Turn::None;
            }
            Self::Closed { .. } => PAUSE,
            // Of a question that was out already when it opened.
            Self::Open { .. } => return Turn::None,
            Self::Trying { pause, .. } => (pause * 2).min(PAUSE_MAX),
        };
        *self = Self::Open { until: now + pause, pause };
        Turn::Opened(pause)
    }

    /// The word for the status.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "closed",
            Self::Open { .. } => "open",
            Self::Trying { .. } => "trying",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn opened(at: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _ in 1..FAILURES {
            assert_eq!(breaker.ask(at), Ok(()));
            assert_eq!(breaker.failed(at), Turn::None);
        }
        assert_eq!(breaker.ask(at), Ok(()));
        assert_eq!(breaker.failed(at), Turn::Opened(PAUSE));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_an_answer_between_counts() {
        let now = crate::clock::instant();
        let mut breaker = Breaker::default();
        for _ in 0..20 {
            for _ in 1..FAILURES {
                assert_eq!(breaker.failed(now), Turn::None);
            }
            assert_eq!(breaker.succeeded(), Turn::None);
        }
        assert_eq!(breaker.ask(now), Ok(()));
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now), Err(PAUSE));
        assert_eq!(breaker.ask(now + PAUSE - SECOND), Err(SECOND));
    }

    #[test]
    fn behind_the_pause_one_question_tries_and_the_others_do_not_wait_for_it() {
        let now = crate::clock::instant();
        let mut breaker = opened(now);
        let then = now + PAUSE;
        assert_eq!(breaker.ask(then), Ok(()));
        assert_eq!(breaker.ask(then), Err(PAUSE));
        assert_eq!(breaker.succeeded(), Turn::Closed);
        assert_eq!(breaker, Breaker::default());
        assert_eq!(breaker.ask(then), Ok(()));
    }

    #[test]
    fn a_try_that_fails_doubles_the_pause_up_to_a_minute() {
        let mut now = crate::clock::instant();
        let mut breaker = opened(now);
        let mut pause = PAUSE;
        for seconds in [10, 20, 40, 60, 60] {
            now += pause;
            assert_eq!(breaker.ask(now), Ok(()));
            pause = Duration::from_secs(seconds);
            assert_eq!(breaker.failed(now), Turn::Opened(pause));
        }
        // Closed, it begins with the short one again.
        now += pause;
        assert_eq!(breaker.ask(now), Ok(()));
        breaker.succeeded();
        for _ in 1..FAILURES {
            breaker.failed(now);
        }
        assert_eq!(breaker.failed(now), Turn::Opened(PAUSE));
    }

    #[test]
    fn a_late_failure_does_not_prolong_the_pause() {
        let now = crate::clock::instant();
        let mut breaker = opened(now);
        assert_eq!(breaker.failed(now + SECOND), Turn::None);
        assert_eq!(breaker.ask(now + PAUSE), Ok(()));
    }

    #[test]
    fn a_try_of_which_nothing_is_heard_is_not_waited_for_for_ever() {
        let now = crate::clock::instant();
        let mut breaker = opened(now);
        assert_eq!(breaker.ask(now + PAUSE), Ok(()));
        assert_eq!(breaker.ask(now + PAUSE * 2), Ok(()));
    }
}
