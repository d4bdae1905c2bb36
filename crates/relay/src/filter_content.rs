//! The content in front of the filters, once the client's dot has come.
//!
//! What is held goes to them and comes back, perhaps changed; the smarthost waits before DATA
//! meanwhile, and NOOPs go on. What has been streamed is judged by the copy that was kept, and
//! by those who have read it as it went by; the smarthost waits for our dot meanwhile, and
//! nothing at all can be said to it. Either way the client waits for its reply, and the time it
//! may be made to wait is the limit.
//!
//! What comes back is looked at before it goes upstream: no filter can end the mail data, or
//! send 8-bit content to a smarthost that takes none.

use evidence::Verdict as Recorded;
use memchr::memchr2_iter;
use message::continues_field;
use policy::GateVerdict;
use smtp_session::{Moment, SlotId};

use crate::event::Event;
use crate::feed::{Feed, Last};
use crate::filter::{ContentNeed, FilterContent, FilterStep, Filtered};
use crate::filtered::{Ended, Fate, Shown, fate, found_by};
use crate::phase::{Dot, Judging, Phase, Step, Until};
use crate::record::{self, Found};
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// Shows the filters what has come of content that goes upstream.
    pub(crate) fn show_pieces(&mut self) {
        let Phase::Streaming(streaming) = &mut self.phase else { return };
        let Some(piece) = streaming.feed.piece(&streaming.content) else { return };
        let shown = self.steps.show(FilterStep::Piece(piece));
        self.events.push_back(shown);
    }

    pub(crate) fn piece_taken(&mut self, octets: usize) {
        if let Phase::Streaming(streaming) = &mut self.phase {
            streaming.feed.taken(octets);
        }
    }

    /// Filters are behind: the client is to wait for them.
    pub(crate) fn waits_for_readers(&self) -> bool {
        matches!(&self.phase, Phase::Streaming(streaming) if streaming.feed.is_full())
    }

    /// The client's dot was seen of a message that has gone upstream: ours follows, once it was
    /// judged.
    pub(crate) fn judge_shown(&mut self, now: Moment, dot: Dot, feed: Feed) {
        let need = self.settings.filters.need(&dot.facts.possible);
        let Last { copy, rest } = feed.end();
        // The header may have decided that nobody wants the copy, but for those who read it.
        let copy = copy.filter(|_| need >= ContentNeed::Copy || rest.is_none());
        let (content, room) = match (copy, &rest) {
            _ if need == ContentNeed::Nothing => return self.ask_intent(now, dot),
            (Some(mut copy), _) => copy.lend(),
            (None, Some(rest)) => (Vec::new(), rest.room.clone()),
            (None, None) => return self.ask_intent(now, dot),
        };
        let content = FilterContent {
            content,
            room,
            rest,
            possible: dot.facts.possible.clone(),
            gates_permit: dot.content.gates_permit,
            may_change: false,
        };
        self.phase = Phase::Judging(Box::new(Judging { dot }));
        let shown = self.steps.show(FilterStep::Content(Box::new(content)));
        self.events.push_back(shown);
    }

    /// The client's dot was seen of a message that is held as a whole: DATA follows, once it was
    /// judged. `false`: nobody wants to judge it.
    pub(crate) fn judge_held(&mut self) -> bool {
        let Phase::Holding(holding) = &mut self.phase else { return false };
        let Step::Ready(Some(slot)) = holding.step else { return false };
        let need = self.settings.filters.need(&holding.facts.possible);
        if holding.until != Until::Dot || need == ContentNeed::Nothing {
            return false;
        }
        holding.step = Step::Judged(slot);
        let (octets, room) = holding.held.lend();
        let content = FilterContent {
            content: octets,
            room,
            rest: None,
            possible: holding.facts.possible.clone(),
            gates_permit: holding.content.gates_permit,
            may_change: true,
        };
        let shown = self.steps.show(FilterStep::Content(Box::new(content)));
        self.events.push_back(shown);
        true
    }

    pub(crate) fn content_filtered(&mut self, now: Moment, filtered: Filtered) {
        let (facts, seen, held) = match &self.phase {
            Phase::Judging(judging) => (&judging.dot.facts, &judging.dot.content, None),
            Phase::Holding(holding) => match holding.step {
                Step::Judged(slot) => (&holding.facts, &holding.content, Some(slot)),
                Step::Collecting | Step::Ready(_) | Step::Asked(_) => return,
            },
            _ => return,
        };
        self.steps.judged();
        let Filtered { verdict, mut findings, content, changed } = filtered;
        let reference = facts.reference;
        let shown = Shown { path: None, reference: &reference, action: self.settings.action };
        let dropped = || replies::discarded_unseen(&reference);
        let fate = fate(verdict, shown, dropped);
        if let Fate::Ends(ended) = &fate {
            // That one is told with the reply.
            findings.retain(|one| found_by(one) != ended.by || !ends(one.verdict));
        }
        let who = self.who();
        let mut records: Vec<_> = findings
            .iter()
            .map(|one| {
                let (by, verdict) = (found_by(one), record::recorded(one.verdict));
                let found = Found { by: &by, verdict, reason: &one.found, reply: None };
                record::found(who, facts, seen.header.message_id(), now, found)
            })
            .collect();
        if let Fate::Ends(ended) = &fate {
            records.push(record::found(who, facts, seen.header.message_id(), now, ended.found()));
        }
        self.events.extend(records.into_iter().map(|one| Event::Found(Box::new(one))));
        match (fate, held) {
            (Fate::Ends(ended), _) => self.content_refused(now, ended),
            (Fate::Passes, Some(slot)) => self.held_permitted(now, slot, content, changed),
            (Fate::Passes, None) => {
                if let Phase::Judging(judging) = std::mem::take(&mut self.phase) {
                    self.ask_intent(now, judging.dot);
                }
            }
        }
    }

    fn content_refused(&mut self, now: Moment, ended: Ended) {
        if ended.verdict == Recorded::Drop {
            let facts = match &mut self.phase {
                Phase::Judging(judging) => &mut judging.dot.facts,
                Phase::Holding(holding) => &mut holding.facts,
                _ => return,
            };
            facts.dropped += std::mem::take(&mut facts.recipients);
            return self.swallow(now, ended.reply, "dropped");
        }
        self.swallow(now, ended.reply, "filter");
    }

    /// What was held goes upstream as it came back.
    fn held_permitted(&mut self, now: Moment, slot: SlotId, content: Vec<u8>, changed: bool) {
        let size_max = self.settings.message_size_max;
        let Phase::Holding(holding) = &mut self.phase else { return };
        if !changed && content.len() != holding.held.lent() {
            return self.swallow(now, replies::filter_failed(), "filter");
        }
        if changed {
            if !is_well_formed(&content) {
                return self.swallow(now, replies::filter_failed(), "filter");
            }
            if size_max > 0 && content.len() as u64 > size_max {
                return self.swallow(now, replies::too_big(), "size");
            }
            holding.content.eight_bit = !content.is_ascii();
            // Without a connection (another is on its way) it is asked for when it comes.
            let upstream = self.link.connection();
            if holding.content.eight_bit
                && upstream.is_some_and(|upstream| !upstream.capabilities().eight_bit_mime)
            {
                return self.swallow(now, replies::eight_bit_not_taken(), "8bit");
            }
        }
        if changed && !self.classes_changed(now, &content) {
            return;
        }
        let Phase::Holding(holding) = &mut self.phase else { return };
        if let Err(full) = holding.held.bring_back(content) {
            return self.cannot_hold(now, full);
        }
        holding.step = Step::Ready(Some(slot));
        self.say_classes(now);
        self.resume_held(now);
    }
}

fn ends(verdict: GateVerdict) -> bool {
    matches!(verdict, GateVerdict::Refuse | GateVerdict::Defer)
}

/// Lines end with CRLF and nothing else is of it, there is no NUL (RFC 5321 s2.3.8, s4.5.2), and
/// nothing that would continue our Received.
fn is_well_formed(content: &[u8]) -> bool {
    let paired = memchr2_iter(b'\r', b'\n', content).all(|at| match content.get(at) {
        Some(b'\r') => content.get(at + 1) == Some(&b'\n'),
        _ => at.checked_sub(1).and_then(|before| content.get(before)) == Some(&b'\r'),
    });
    paired
        && !content.is_empty()
        && !continues_field(content)
        && memchr::memchr(0, content).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_that_could_be_read_in_two_ways_is_not_well_formed() {
        for good in ["a: b\r\n\r\nx\r\n", "\r\n", "no end", "\r\n.\r\n"] {
            assert!(is_well_formed(good.as_bytes()), "{good:?}");
        }
        for bad in
            ["", "a\nb", "a\rb", "a\r", "\n", "a\r\r\n", "a\n\r", "a\0b\r\n", "\r\n\n", " a", "\ta"]
        {
            assert!(!is_well_formed(bad.as_bytes()), "{bad:?}");
        }
    }
}
