//! Mail data on its way: streamed or swallowed; how it is held, `held_way` says.
//!
//! Streaming keeps nothing but the beginning of the current header line, and, where the
//! header tells the stream of a message that everybody may get, the fields that tell it.
//! Whatever goes wrong on the way (the smarthost is lost, a line ends wrongly, the message is
//! too big) the smarthost's connection is dropped without the dot, so that nothing
//! half-sent can be delivered, or, before DATA, given back with RSET to come; the rest of the
//! client's data is read and thrown away, and the reason is the reply to its dot (RFC 5321
//! s4.1.1.4).

use evidence::Ending;
use message::continues_field;
use smtp_session::{Moment, SlotId};
use smtp_wire::{Reply, Solicitation};

use crate::event::Event;
use crate::facts::{Content, Facts};
use crate::fields::Deciding;
use crate::link::Link;
use crate::phase::{Dot, Envelope, Phase, Step, Streaming, Swallowing};
use crate::record;
use crate::relay::Relay;
use crate::replies;
use crate::trace::Trace;
use crate::verbatim::verbatim;

/// Octets of a header that is only read to write down the stream. What is kept of it
/// counts against no budget, so it is little; a longer one leaves the stream unnamed. Where gates
/// over the header keep it, their limit holds.
const SEEN_HEADER_MAX: usize = 64 * 1024;

impl Relay {
    /// `solicit`: what SOLICIT= says, if that is known.
    pub(crate) fn trace(
        &self,
        now: Moment,
        facts: &Facts,
        utf8: bool,
        solicit: Option<&Solicitation>,
    ) -> String {
        Trace {
            client_name: &self.client_name,
            client: self.facts.client,
            hostname: &self.settings.hostname,
            extended: self.server.is_extended(),
            utf8,
            reference: &facts.reference.to_string(),
            cipher: self.facts.tls.as_ref().map(|tls| tls.cipher),
            logged_in: self.facts.login.is_some(),
            solicit: solicit.map(Solicitation::as_str),
        }
        .field(now)
    }

    /// The smarthost said 354, and so do we.
    pub(crate) fn begin_streaming(&mut self, now: Moment, slot: SlotId, mut envelope: Envelope) {
        let facts = self.message_facts(&envelope);
        let solicit = envelope.params.solicit.as_ref();
        let trace = self.trace(now, &facts, envelope.is_utf8(), solicit);
        let limit = self.settings.header.limit.min(SEEN_HEADER_MAX);
        let content = self.content_of(&envelope, limit);
        let feed = std::mem::take(&mut envelope.feed);
        let streaming = Streaming { facts, content, trace: Some(trace), feed };
        self.phase = Phase::Streaming(Box::new(streaming));
        self.server.answer(now, slot, replies::go_ahead());
    }

    /// What a message's content is to show; nearly always nothing decides on it. `limit`:
    /// of the header that is read for the stream.
    pub(crate) fn content_of(&self, envelope: &Envelope, limit: usize) -> Content {
        let (authors, classes) = (self.author_scan(), self.classes_of(envelope));
        let block = self.header_block(envelope);
        // Gates over the header judge it by its stream: they are read as far.
        let limit = if block.is_some() { self.settings.header.limit } else { limit };
        let deciding = Deciding::begin(self.gate.streams(), &envelope.possible, limit);
        Content { deciding, authors, classes, block, ..Content::default() }
    }

    /// Nobody is left to send to, but somebody was answered 250 (action `drop`).
    pub(crate) fn begin_swallowing_dropped(
        &mut self,
        now: Moment,
        slot: SlotId,
        envelope: Envelope,
    ) {
        let facts = self.message_facts(&envelope);
        let by_filter = envelope.recipients.iter().any(|one| one.by.is_some());
        let reply = match by_filter {
            true => replies::discarded_unseen(&facts.reference),
            false => replies::message_dropped(&facts.reference),
        };
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
        let (content, held) = match &mut self.phase {
            Phase::Streaming(streaming) => (&mut streaming.content, false),
            Phase::Holding(holding) => (&mut holding.content, true),
            Phase::Swallowing(swallowing) => {
                swallowing.content.size += span.len() as u64;
                swallowing.content.header.scan(span);
                return;
            }
            _ => return,
        };
        // Whoever reads it behind our Received takes it for a part of that (RFC 5322 s2.2.3).
        if content.size == 0 && continues_field(span) {
            return self.swallow(now, replies::begins_with_space(), "no-header");
        }
        content.header.scan(span);
        content.size = content.size.saturating_add(span.len() as u64);
        if content.header.is_looping() {
            return self.swallow(now, replies::loop_detected(), "loop");
        }
        if size_max > 0 && content.size > size_max {
            return self.swallow(now, replies::too_big(), "size");
        }
        if !span.is_ascii() {
            content.eight_bit = true;
            // Without one (a second is on its way) it is asked for when it comes.
            let upstream = self.link.connection();
            if upstream.is_some_and(|upstream| !upstream.capabilities().eight_bit_mime) {
                return self.swallow(now, replies::eight_bit_not_taken(), "8bit");
            }
        }
        if let Some(authors) = &mut content.authors {
            let judged = authors.scan(span);
            if !self.authors_judged(now, judged) {
                return;
            }
        }
        if !self.read_classes(now, span) {
            return;
        }
        if held {
            return self.hold_content(now, span);
        }
        // Where the header is kept, it is read from there when it has ended.
        if let Phase::Streaming(streaming) = &mut self.phase
            && let Some(deciding) = &mut streaming.content.deciding
            && streaming.content.block.is_none()
        {
            deciding.scan(span);
        }
        if !self.scan_header(now, span) {
            return;
        }
        let (Phase::Streaming(streaming), Link::Cleared(transaction)) =
            (&mut self.phase, &mut self.link)
        else {
            return;
        };
        if let Err(full) = streaming.feed.push(span) {
            return self.cannot_hold(now, full);
        }
        if let Some(trace) = streaming.trace.take() {
            transaction.content(trace.as_bytes());
        }
        transaction.content(span);
        self.show_pieces();
    }

    /// From now on the client's data is thrown away; `reply` is for its dot.
    pub(crate) fn swallow(&mut self, now: Moment, reply: Reply, why: &'static str) {
        let (facts, content, dot_slot) = match std::mem::take(&mut self.phase) {
            Phase::Streaming(streaming) => {
                self.drop_upstream();
                (streaming.facts, streaming.content, None)
            }
            Phase::Holding(holding) => {
                match holding.step {
                    // No data was asked for: RSET is enough.
                    Step::Collecting | Step::Judged(_) | Step::Ready(_) => self.release_upstream(),
                    Step::Asked(_) => self.drop_upstream(),
                }
                (holding.facts, holding.content, holding.step.dot_slot())
            }
            Phase::Judging(judging) => {
                self.drop_upstream();
                let Dot { slot, facts, content } = judging.dot;
                (facts, content, Some(slot))
            }
            other => {
                // Already swallowing: the first reason stands.
                self.phase = other;
                return;
            }
        };
        let ending = match reply.code / 100 {
            2 => Ending::Dropped,
            5 => Ending::Refused,
            _ => Ending::Deferred,
        };
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
        self.judge_authors(now);
        if self.phase.content_mut().is_some_and(|content| content.size > 0) {
            self.classes_ended(now);
        }
        self.end_header(now);
        self.note_duplicate(now);
        match std::mem::take(&mut self.phase) {
            Phase::Streaming(streaming) => {
                let Streaming { mut facts, mut content, trace: _, feed } = *streaming;
                if content.size == 0 {
                    self.drop_upstream();
                    return self.swallowed(now, slot, empty(facts, content));
                }
                if let Some(deciding) = content.deciding.take() {
                    let streams = self.gate.streams();
                    let stream = deciding.stream(streams);
                    facts.decided(streams, stream);
                }
                self.judge_shown(now, Dot::new(slot, facts, content), feed);
            }
            Phase::Holding(mut holding) => {
                if holding.content.size == 0 {
                    self.release_upstream();
                    return self.swallowed(now, slot, empty(holding.facts, holding.content));
                }
                // The header has decided already where DATA waits for the smarthost.
                let goes_on = !holding.is_ahead();
                holding.step = match holding.step {
                    Step::Collecting | Step::Judged(_) | Step::Ready(_) => Step::Ready(Some(slot)),
                    Step::Asked(_) => Step::Asked(Some(slot)),
                };
                self.phase = Phase::Holding(holding);
                if goes_on {
                    self.go_on_held(now);
                }
            }
            Phase::Swallowing(swallowing) => self.swallowed(now, slot, *swallowing),
            other => {
                self.phase = other;
                self.server.answer(now, slot, replies::internal());
            }
        }
    }

    pub(crate) fn swallowed(&mut self, now: Moment, slot: SlotId, swallowing: Swallowing) {
        let record = record::outcome(
            self.who(),
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
        let record = record::outcome(self.who(), &facts, &content, now, ending, None, why);
        self.events.push_back(Event::Outcome(Box::new(record)));
    }
}

/// RFC 5322 s3.6 asks for Date and From; a message without a single octet has no
/// header at all, and nobody means to send it.
fn empty(facts: Facts, content: Content) -> Swallowing {
    let (reply, ending) = (replies::empty_message(), Ending::Refused);
    Swallowing { facts, content, reply, ending, why: "empty" }
}
