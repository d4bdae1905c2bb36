//! Replies to a pipelined group leave together, as long as nobody has to wait for it.
//!
//! The reply to MAIL is known at once, those to RCPT and DATA when the smarthost has spoken. A
//! client that has sent all of them reads nothing before the last: one segment, and one time that
//! it is woken, instead of two. A smarthost that takes its time changes nothing: what is there
//! goes out after a moment, and each reply behind it by itself, so that no timer of the client
//! sees more than that moment.

use std::time::Duration;

use smtp_session::Moment;

/// Longer than a smarthost nearby needs, and nothing against the minutes of a client (RFC 5321
/// s4.5.3.2).
const MOMENT: Duration = Duration::from_millis(200);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gathering {
    #[default]
    No,
    Until(Moment),
    /// It took too long for this group.
    Over,
}

impl Gathering {
    /// Whether what is there is kept back; `may`: the client waits for more anyway.
    pub(super) fn holds(&mut self, may: bool, now: Moment) -> bool {
        match self {
            _ if !may => *self = Self::No,
            Self::No => *self = Self::Until(now.plus(MOMENT)),
            Self::Until(_) | Self::Over => self.end_if_due(now),
        }
        matches!(self, Self::Until(_))
    }

    pub(super) fn deadline(self) -> Option<Moment> {
        match self {
            Self::Until(at) => Some(at),
            Self::No | Self::Over => None,
        }
    }

    pub(super) fn end_if_due(&mut self, now: Moment) {
        if self.deadline().is_some_and(|at| now.reached(at)) {
            *self = Self::Over;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::new(Duration::from_millis(millis), 0)
    }

    #[test]
    fn a_group_is_kept_back_for_a_moment_and_once() {
        let mut gathering = Gathering::default();
        assert!(gathering.holds(true, at(0)));
        assert_eq!(gathering.deadline().map(|at| at.monotonic()), Some(Duration::from_millis(200)));
        assert!(gathering.holds(true, at(199)));
        assert!(!gathering.holds(true, at(200)));
        assert_eq!(gathering.deadline(), None, "nothing is due again and again");
        assert!(!gathering.holds(true, at(201)), "what comes later goes out at once");
        assert!(!gathering.holds(false, at(202)));
        assert!(gathering.holds(true, at(203)), "the next group");
    }

    #[test]
    fn nothing_stays_due_when_there_is_nothing_to_send_any_more() {
        let mut gathering = Gathering::default();
        assert!(gathering.holds(true, at(0)));
        gathering.end_if_due(at(300));
        assert_eq!(gathering.deadline(), None);
    }

    #[test]
    fn a_client_that_waits_for_this_very_reply_has_it_at_once() {
        assert!(!Gathering::default().holds(false, at(0)));
    }
}
