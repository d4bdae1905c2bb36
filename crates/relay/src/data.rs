//! Mail data on its way: streamed, held, or swallowed.
//!
//! Streaming keeps nothing but the beginning of the current header line. Whatever
//! goes wrong on the way (the smarthost is lost, a line ends wrongly, the message is
//! too big) the smarthost's connection is dropped without the dot, so that nothing
//! half-sent can be delivered; the rest of the client's data is read and thrown
//! away, and the reason is the reply to its dot (RFC 5321 s4.1.1.4).

use evidence::Ending;
use smtp_session::{Lost, Moment, SlotId};
use smtp_wire::Reply;

use crate::event::Event;
use crate::facts::{Content, Facts};
use crate::hold::{Full, Held, HoldSettings};
use crate::phase::{Dot, Envelope, Holding, Link, Phase, Streaming, Swallowing};
use crate::record;
use crate::relay::Relay;
use crate::replies;
use crate::trace::Trace;
use crate::verbatim::verbatim;

impl Relay {
    fn trace(&self, now: Moment, facts: &Facts, utf8: bool) -> String {
        Trace {
            client_name: &self.client_name,
            client: self.facts.client,
            hostname: &self.settings.hostname,
            extended: self.server.is_extended(),
            utf8,
            reference: &facts.reference.to_string(),
        }
        .field(now)
    }

    /// The smarthost said 354, and so do we.
    pub(crate) fn begin_streaming(&mut self, now: Moment, slot: SlotId, envelope: Envelope) {
        let facts = self.message_facts(&envelope);
        let trace = self.trace(now, &facts, envelope.is_utf8());
        let streaming = Streaming { facts, content: Content::default(), trace: Some(trace) };
        self.phase = Phase::Streaming(Box::new(streaming));
        self.server.answer(now, slot, replies::go_ahead());
    }

    /// The smarthost took recipients and waits before DATA; the client may send.
    pub(crate) fn begin_holding(&mut self, now: Moment, slot: SlotId, settings: &HoldSettings) {
        let Phase::Envelope(envelope) = std::mem::take(&mut self.phase) else { return };
        let Some(held) = Held::begin(settings, now) else {
            self.release_upstream();
            self.server.answer(now, slot, replies::hold_budget_used_up());
            return;
        };
        let facts = self.message_facts(&envelope);
        let trace = self.trace(now, &facts, envelope.is_utf8());
        self.phase = Phase::Holding(Box::new(Holding {
            facts,
            content: Content::default(),
            held,
            trace,
            dot_slot: None,
            data_sent: false,
        }));
        self.server.answer(now, slot, replies::go_ahead());
    }

    /// Nobody is left to send to, but somebody was answered 250 (action `drop`).
    pub(crate) fn begin_swallowing_dropped(
        &mut self,
        now: Moment,
        slot: SlotId,
        envelope: Envelope,
    ) {
        let facts = self.message_facts(&envelope);
        let reply = replies::message_dropped(&facts.reference);
        self.phase = Phase::Swallowing(Box::new(Swallowing {
            facts,
            content: Content::default(),
            reply,
            ending: Ending::Dropped,
            why: "dropped",
        }));
        self.server.answer(now, slot, replies::go_ahead());
    }

    pub(crate) fn handle_content(&mut self, now: Moment, span: &[u8]) {
        let size_max = self.settings.message_size_max;
        let (content, trace, kept) = match &mut self.phase {
            Phase::Streaming(streaming) => (&mut streaming.content, streaming.trace.take(), None),
            Phase::Holding(holding) => (&mut holding.content, None, Some(&mut holding.held)),
            Phase::Swallowing(swallowing) => {
                swallowing.content.size += span.len() as u64;
                swallowing.content.header.scan(span);
                return;
            }
            _ => return,
        };
        content.header.scan(span);
        content.size = content.size.saturating_add(span.len() as u64);
        if content.header.is_looping() {
            return self.swallow(now, replies::loop_detected(), "loop");
        }
        if size_max > 0 && content.size > size_max {
            return self.swallow(now, replies::too_big(), "size");
        }
        let Link::Open(upstream) = &mut self.link else { return };
        if !upstream.capabilities().eight_bit_mime && !span.is_ascii() {
            return self.swallow(now, replies::eight_bit_not_taken(), "8bit");
        }
        match kept.map(|held| held.push(span)) {
            None => {
                if let Some(trace) = trace {
                    upstream.content(trace.as_bytes());
                }
                upstream.content(span);
            }
            Some(Ok(())) => {}
            Some(Err(Full::Content)) => self.swallow(now, replies::too_big_to_hold(), "hold"),
            Some(Err(Full::Budget)) => {
                self.swallow(now, replies::hold_budget_used_up(), "hold-budget");
            }
        }
    }

    /// From now on the client's data is thrown away; `reply` is for its dot.
    pub(crate) fn swallow(&mut self, now: Moment, reply: Reply, why: &'static str) {
        let (facts, content, dot_slot) = match std::mem::take(&mut self.phase) {
            Phase::Streaming(streaming) => (streaming.facts, streaming.content, None),
            Phase::Holding(holding) => (holding.facts, holding.content, holding.dot_slot),
            other => {
                // Already swallowing: the first reason stands.
                self.phase = other;
                return;
            }
        };
        self.drop_upstream();
        let ending = if reply.is_permanent() { Ending::Refused } else { Ending::Deferred };
        let swallowing = Swallowing { facts, content, reply, ending, why };
        match dot_slot {
            Some(slot) => self.swallowed(now, slot, swallowing),
            None => self.phase = Phase::Swallowing(Box::new(swallowing)),
        }
    }

    /// A complete refusal came while data was still on its way: it is the reply to
    /// the dot.
    pub(crate) fn refused_early(&mut self, now: Moment, reply: Reply) {
        self.swallow(now, verbatim(reply), "smarthost");
    }

    pub(crate) fn handle_end_of_data(&mut self, now: Moment, slot: SlotId) {
        match std::mem::take(&mut self.phase) {
            Phase::Streaming(streaming) => {
                let Streaming { facts, content, trace: _ } = *streaming;
                if content.size == 0 {
                    self.drop_upstream();
                    return self.swallowed(now, slot, empty(facts, content));
                }
                self.ask_intent(now, Dot::new(slot, facts, content));
            }
            Phase::Holding(mut holding) => {
                if holding.content.size == 0 {
                    self.release_upstream();
                    return self.swallowed(now, slot, empty(holding.facts, holding.content));
                }
                holding.dot_slot = Some(slot);
                self.phase = Phase::Holding(holding);
                self.resume_held(now);
            }
            Phase::Swallowing(swallowing) => self.swallowed(now, slot, *swallowing),
            other => {
                self.phase = other;
                self.server.answer(now, slot, replies::internal());
            }
        }
    }

    fn swallowed(&mut self, now: Moment, slot: SlotId, swallowing: Swallowing) {
        let record = record::outcome(
            &self.facts,
            &swallowing.facts,
            &swallowing.content,
            now,
            swallowing.ending,
            Some(&swallowing.reply),
            Some(swallowing.why),
        );
        self.events.push_back(Event::Outcome(Box::new(record)));
        self.server.answer(now, slot, swallowing.reply);
    }

    /// Sends DATA for a held message, once no NOOP is outstanding.
    pub(crate) fn resume_held(&mut self, now: Moment) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        let Link::Open(upstream) = &mut self.link else { return };
        if holding.dot_slot.is_some() && !holding.data_sent && upstream.is_answered() {
            holding.data_sent = true;
            upstream.data(now);
        }
    }

    pub(crate) fn held_data_replied(&mut self, now: Moment, holding: Holding, reply: Reply) {
        let Some(slot) = holding.dot_slot else {
            self.phase = Phase::Holding(Box::new(holding));
            return self.upstream_lost(now, &Lost::Nonsense("a reply to DATA not sent"));
        };
        let Holding { facts, content, held, trace, .. } = holding;
        if reply.code != 354 {
            // The refusal of DATA is the reply to the client's dot.
            self.release_upstream();
            let reply = verbatim(reply);
            let ending = if reply.is_permanent() { Ending::Refused } else { Ending::Deferred };
            let why = "smarthost";
            return self.swallowed(now, slot, Swallowing { facts, content, reply, ending, why });
        }
        if let Link::Open(upstream) = &mut self.link {
            upstream.content(trace.as_bytes());
            upstream.content(held.content());
        }
        self.ask_intent(now, Dot::new(slot, facts, content));
    }

    /// NOOP to a smarthost that waits before DATA.
    pub(crate) fn keep_alive(&mut self, now: Moment) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        let Link::Open(upstream) = &mut self.link else { return };
        if holding.dot_slot.is_none() && holding.held.wants_noop(now) {
            upstream.noop(now);
        }
    }

    /// The client is gone in the middle of its data.
    pub(crate) fn abandoned(&mut self, now: Moment, phase: Phase) {
        let (facts, content) = match phase {
            Phase::Streaming(streaming) => (streaming.facts, streaming.content),
            Phase::Holding(holding) => (holding.facts, holding.content),
            Phase::Swallowing(swallowing) => (swallowing.facts, swallowing.content),
            _ => return,
        };
        let ending = Ending::Abandoned;
        let why = Some("client-gone");
        let record = record::outcome(&self.facts, &facts, &content, now, ending, None, why);
        self.events.push_back(Event::Outcome(Box::new(record)));
    }
}

/// RFC 5322 s3.6 asks for Date and From; a message without a single octet has no
/// header at all, and nobody means to send it.
fn empty(facts: Facts, content: Content) -> Swallowing {
    let (reply, ending) = (replies::empty_message(), Ending::Refused);
    Swallowing { facts, content, reply, ending, why: "empty" }
}
