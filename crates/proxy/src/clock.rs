//! The one place of the path of a message where a clock is read.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use smtp_session::Moment;

/// Reads both clocks into a [`Moment`].
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock whose monotonic part starts now.
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// The present.
    #[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
    pub fn now(&self) -> Moment {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(unix.as_micros()).unwrap_or(i64::MAX);
        Moment::new(self.start.elapsed(), micros)
    }

    /// The runtime's own instant for a moment, for its timers.
    pub(crate) fn instant(&self, at: Moment) -> tokio::time::Instant {
        tokio::time::Instant::from_std(self.start + at.monotonic())
    }
}
