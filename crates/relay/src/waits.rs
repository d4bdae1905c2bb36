//! The waits of a client for our replies, added up.

use std::time::Duration;

use smtp_session::Moment;

/// The waits of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    spent: Duration,
    /// A reply is being waited for.
    since: Option<Moment>,
}

impl Waits {
    pub(crate) fn note(&mut self, now: Moment, waiting: bool) {
        match (waiting, self.since) {
            (true, None) => self.since = Some(now),
            (false, Some(since)) => {
                self.spent = self.spent.saturating_add(now.since(since));
                self.since = None;
            }
            _ => {}
        }
    }

    /// When they are more than `budget`, should this one not end.
    pub(crate) fn deadline(&self, budget: Duration) -> Option<Moment> {
        Some(self.since?.plus(budget.saturating_sub(self.spent)))
    }
}
