//! Commands that wait for their answers, in the order in which they came.
//!
//! Answers may be found in any order (a refusal is known at once, a permitted
//! recipient waits for the smarthost); they leave strictly in the order of the
//! commands (RFC 2920 s3.2 point 3).

use std::collections::VecDeque;

use smtp_wire::Reply;

/// Names one unanswered command of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotId(u64);

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The number of the oldest slot.
    first: u64,
    slots: VecDeque<Option<Reply>>,
}

impl Queue {
    pub(super) fn push(&mut self) -> SlotId {
        let id = SlotId(self.first + self.slots.len() as u64);
        self.slots.push_back(None);
        id
    }

    pub(super) fn push_answered(&mut self, reply: Reply, out: &mut Vec<u8>) {
        if self.slots.is_empty() {
            reply.encode(out);
            self.first += 1;
        } else {
            self.slots.push_back(Some(reply));
        }
    }

    /// A slot is answered once; a second answer, or one for a slot that has left,
    /// changes nothing.
    pub(super) fn answer(&mut self, slot: SlotId, reply: Reply) {
        let place = slot.0.checked_sub(self.first).and_then(|at| usize::try_from(at).ok());
        if let Some(place @ None) = place.and_then(|at| self.slots.get_mut(at)) {
            *place = Some(reply);
        }
    }

    /// Writes the replies that have no unanswered command before them.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        while let Some(Some(reply)) = self.slots.front() {
            reply.encode(out);
            self.slots.pop_front();
            self.first += 1;
        }
        if self.slots.is_empty() && self.slots.capacity() > 8 {
            self.slots = VecDeque::new();
        }
    }

    pub(super) fn is_last(&self, slot: SlotId) -> bool {
        slot.0 + 1 == self.first + self.slots.len() as u64
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn clear(&mut self) {
        self.first += self.slots.len() as u64;
        self.slots.clear();
    }
}
