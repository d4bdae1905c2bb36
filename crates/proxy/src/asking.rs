//! Questions of one session that live lists are asked, until they are answered.
//!
//! All recipients that came up in one turn go out together: a client that pipelines its
//! envelope costs one round trip. What the gate asked about stays here and never goes to
//! the lists, so that each of them gets an answer: what was not found out, for whatever
//! reason, is unknown. Without live lists nothing here is ever allocated.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use policy::{Answered, Answering, Asked, LiveLists, Lookup, Lookups, QuestionId};

/// A recipient with what was found out about it.
pub(crate) type LookedUp = (QuestionId, Box<Asked>, Lookups);

/// The questions of one session.
#[derive(Default)]
pub(crate) struct Asking {
    /// Came up in this turn, not yet asked.
    next: Vec<(QuestionId, Box<Asked>)>,
    /// Groups that were asked.
    groups: Vec<Group>,
}

struct Group {
    asked: Vec<(QuestionId, Box<Asked>)>,
    answering: Answering,
}

impl Asking {
    /// One more question.
    pub(crate) fn add(&mut self, id: QuestionId, asked: Box<Asked>) {
        self.next.push((id, asked));
    }

    /// Asks what came up. Comes back with the answers where there is nobody to ask.
    pub(crate) fn send(&mut self, lists: Option<&dyn LiveLists>) -> Vec<LookedUp> {
        if self.next.is_empty() {
            return Vec::new();
        }
        let asked = std::mem::take(&mut self.next);
        let Some(lists) = lists else {
            return complete(asked, Vec::new(), "no live list is configured");
        };
        let questions = asked.iter().map(|(_, asked)| asked.question()).collect();
        match catch_unwind(AssertUnwindSafe(|| lists.ask(questions))) {
            Ok(answering) => {
                self.groups.push(Group { asked, answering });
                Vec::new()
            }
            Err(_) => broken(asked),
        }
    }

    /// The next group that is answered.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<LookedUp>> {
        for at in 0..self.groups.len() {
            let Some(group) = self.groups.get_mut(at) else { continue };
            let answering = &mut group.answering;
            let answered = match catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx))) {
                Ok(Poll::Pending) => continue,
                Ok(Poll::Ready(answered)) => Some(answered),
                Err(_) => None,
            };
            let Group { asked, .. } = self.groups.swap_remove(at);
            return Poll::Ready(match answered {
                Some(answered) => complete(asked, answered, "no answer"),
                None => broken(asked),
            });
        }
        Poll::Pending
    }

    /// Nobody waits for the answers any more.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

fn broken(asked: Vec<(QuestionId, Box<Asked>)>) -> Vec<LookedUp> {
    tracing::error!("a live look-up ended by a fault of its own; its recipients are deferred");
    complete(asked, Vec::new(), "the look-up ended by a fault of its own")
}

/// Puts answers and recipients together; what there is no answer for is unknown.
fn complete(
    asked: Vec<(QuestionId, Box<Asked>)>,
    answered: Vec<Answered>,
    why: &str,
) -> Vec<LookedUp> {
    let mut answered = answered.into_iter();
    let each = asked.into_iter().map(|(id, mut asked)| {
        let mut lookups = Lookups::new();
        if let Some(found) = answered.next() {
            asked.as_of(found.epoch);
            lookups = found.lookups;
        }
        let wanted = asked.streams().count();
        lookups.truncate(wanted);
        lookups.resize_with(wanted, || Lookup::Unknown(why.to_owned()));
        (id, asked, lookups)
    });
    each.collect()
}

#[cfg(test)]
mod tests;
