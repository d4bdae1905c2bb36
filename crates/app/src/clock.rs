//! The one place of this crate that reads a clock; everything below gets times as
//! parameters.

use std::time::Instant;

use suppression::Timestamp;

/// Now, in UTC.
pub fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the clock of this crate")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    // A clock before 1970 or after 9999 is no clock; the epoch stands in for it.
    let micros = since.ok().and_then(|d| i64::try_from(d.as_micros()).ok()).unwrap_or(0);
    Timestamp::from_micros(micros).unwrap_or(Timestamp::EPOCH)
}

/// Now, for measuring.
pub fn instant() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "the clock of this crate")]
    Instant::now()
}

/// Waits, in a thread of its own.
pub fn sleep(duration: std::time::Duration) {
    #[expect(clippy::disallowed_methods, reason = "for threads outside the runtime")]
    std::thread::sleep(duration);
}
