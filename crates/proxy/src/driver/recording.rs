//! Writing down what the session has done: before its replies, and before the final dot.

use std::task::{Context, Poll};

use relay::Answer;
use smtp_session::Moment;

use super::Driver;
use super::records::Records;
use crate::recorder::Commit;

impl Driver {
    pub(super) fn write_records(&mut self) -> bool {
        let lines = self.take_lines();
        let written = lines.is_empty() || self.shared.recorder.write(&lines);
        self.greeted.recorded(written);
        if !written {
            self.shared.counters.evidence_failures.count();
        }
        written
    }

    fn take_lines(&mut self) -> Vec<u8> {
        let Records { lines, .. } = std::mem::take(&mut self.records);
        self.greeted.before(lines, &*self.shared.recorder, self.relay.facts())
    }

    /// Writes what was collected, the intent last. One of an earlier message, whose client did
    /// not wait for it, is not waited for any more.
    pub(super) fn commit_records(&mut self, now: Moment) {
        let lines = self.take_lines();
        self.committing = None;
        let commit = self.shared.recorder.commit(&lines);
        self.greeted.recorded(!matches!(commit, Commit::Done(false)));
        match commit {
            Commit::Done(written) => self.committed(now, written),
            Commit::Pending(written) => self.committing = Some(written),
        }
    }

    fn committed(&mut self, now: Moment, written: bool) {
        if !written {
            self.shared.counters.evidence_failures.count();
        }
        self.relay.answer(now, Answer::IntentWritten(written));
    }

    pub(super) fn poll_committing(&mut self, cx: &mut Context<'_>, now: Moment) -> bool {
        let Some(committing) = &mut self.committing else { return false };
        let Poll::Ready(written) = committing.as_mut().poll(cx) else { return false };
        self.committing = None;
        // It may have spoken while we waited.
        self.hear_smarthost(now);
        self.committed(now, written);
        true
    }
}
