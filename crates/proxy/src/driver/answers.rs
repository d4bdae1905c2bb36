//! Answers that take their time: of live lists, and of filters.

use std::task::{Context, Poll};

use relay::{Answer, FilterStep};
use smtp_session::Moment;

use super::Driver;

impl Driver {
    /// Shows the filters a step of the transaction of that number.
    pub(super) fn filter(&mut self, number: u64, step: FilterStep) {
        // The relay asks only where its listener has filters.
        if let Some(filtering) = &mut self.filtering {
            filtering.add(number, step, self.relay.facts());
        }
    }

    pub(super) fn poll_asking(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        if self.relay.is_finished() {
            self.asking.forget();
            return false;
        }
        let Poll::Ready(answers) = self.asking.poll(cx) else { return false };
        for (id, asked, lookups) in answers {
            self.relay.answer(now, Answer::LookedUp(id, asked, lookups));
        }
        true
    }

    pub(super) fn poll_filtering(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(filtering) = &mut self.filtering else { return false };
        if self.relay.is_finished() {
            filtering.forget();
            return false;
        }
        let Poll::Ready((number, answer)) = filtering.poll(cx) else { return false };
        self.relay.answer(now, Answer::Filtered(number, answer));
        true
    }
}
