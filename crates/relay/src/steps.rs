//! The transaction as filters know it: by a number, and whether they still wait for more of it.

use crate::event::Event;
use crate::filter::FilterStep;

#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// Of the present transaction, or of the last one.
    number: u64,
    /// They were shown a step of it, and have neither judged its content nor heard that it is
    /// over.
    open: bool,
}

impl Steps {
    /// Another transaction: what is answered from now on to an earlier one is nobody's.
    pub(crate) fn begin(&mut self) {
        self.number += 1;
    }

    pub(crate) fn show(&mut self, step: FilterStep) -> Event {
        self.open = true;
        Event::Filter(self.number, step)
    }

    /// The content was judged: nothing of this transaction is asked any more.
    pub(crate) fn judged(&mut self) {
        self.open = false;
    }

    /// The transaction needs no verdict any more; what has to be said about that.
    pub(crate) fn abort(&mut self) -> Option<Event> {
        std::mem::take(&mut self.open).then(|| Event::Filter(self.number, FilterStep::Abort))
    }

    pub(crate) fn is_about(&self, number: u64) -> bool {
        self.number == number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_transaction_that_was_shown_and_not_judged_is_aborted_once() {
        let mut steps = Steps::default();
        steps.begin();
        assert!(steps.abort().is_none(), "nothing was shown");
        steps.show(FilterStep::Abort);
        assert!(steps.is_about(1) && !steps.is_about(2));
        assert!(matches!(steps.abort(), Some(Event::Filter(1, FilterStep::Abort))));
        assert!(steps.abort().is_none());
        steps.begin();
        assert!(!steps.is_about(1));
        steps.show(FilterStep::Abort);
        steps.judged();
        assert!(steps.abort().is_none());
    }
}
