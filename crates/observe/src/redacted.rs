//! Personal data on its way to a log.
//!
//! Logs are copied, shipped and kept by programs that know nothing of opt-outs. An
//! address in one is a mailing list for whoever reads it, so it is masked unless the
//! operator asked to see it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

static SHOWN: AtomicBool = AtomicBool::new(false);

/// Whether [`Redacted`] values are written out, for the whole process. Off until
/// the configuration says otherwise.
pub fn show_personal_data(shown: bool) {
    SHOWN.store(shown, Ordering::Relaxed);
}

/// A value that a log shows only where personal data may be shown.
#[derive(Clone, Copy)]
pub struct Redacted<T>(pub T);

impl<T: fmt::Display> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if SHOWN.load(Ordering::Relaxed) { self.0.fmt(f) } else { f.write_str("(personal)") }
    }
}

impl<T: fmt::Debug> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if SHOWN.load(Ordering::Relaxed) { self.0.fmt(f) } else { f.write_str("(personal)") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_until_asked_for() {
        let value = Redacted("bob@example.com");
        assert_eq!(format!("{value} {value:?}"), "(personal) (personal)");
        show_personal_data(true);
        assert_eq!(format!("{value} {value:?}"), "bob@example.com \"bob@example.com\"");
        show_personal_data(false);
    }
}
