//! The held way: the client sends, and the smarthost waits before DATA.
//!
//! Either the header block alone is kept, because it decides which stream the message
//! is on and a recipient is not permitted on each of them, or the whole content. NOOP
//! keeps the smarthost there. Once what was waited for has come and everybody may get
//! the message, DATA goes upstream, as soon as nothing is outstanding; what is held
//! follows the 354, and the rest streams.
//!
//! ```text
//!             header or dot, all cleared     no NOOP outstanding      354
//!  Collecting ---------------------> Ready -------------------> Asked ---> Streaming,
//!      |                                |                          |        or the dot
//!      +-- refused, too big, lost ------+--------------------------+ not 354
//!      v                                                           v
//!   Swallowing, the reply at the client's dot <--------------------+
//! ```
//!
//! Between the end of the header and the 354 the client is read on for a while, and what comes
//! is held: were it not read, nobody would see that it has closed, and gives the message up. A
//! client that is far ahead waits.

use smtp_session::{Lost, Moment, SlotId};
use smtp_wire::Reply;

use crate::feed::{Feed, View};
use crate::fields::Scanned;
use crate::hold::{Full, Held, HoldSettings};
use crate::link::Link;
use crate::phase::{Dot, Holding, Judging, Phase, Step, Streaming, Until};
use crate::relay::Relay;
use crate::replies;
use crate::verbatim::verbatim;

impl Relay {
    /// The smarthost took recipients and waits before DATA; the client may send.
    pub(crate) fn begin_holding(&mut self, now: Moment, slot: SlotId, until: Until, view: View) {
        let Phase::Envelope(envelope) = std::mem::take(&mut self.phase) else { return };
        let settings = match until {
            Until::Header if !view.copy => {
                // The scan of the header has the limit; behind the header comes what
                // arrived with its end.
                HoldSettings { limit: usize::MAX, ..self.settings.header.clone() }
            }
            Until::Header | Until::Dot => self.settings.hold.clone(),
        };
        let Some(held) = Held::begin(settings, now) else {
            self.release_upstream();
            self.server.answer(now, slot, replies::hold_budget_used_up());
            return;
        };
        let facts = self.message_facts(&envelope);
        let trace = self.trace(now, &facts, envelope.is_utf8(), envelope.params.solicit.as_ref());
        let content = self.content_of(&envelope, self.settings.header.limit);
        let header_decides = matches!(self.link, Link::Tentative(_))
            || self.settings.header_decides_route(&envelope.possible);
        self.phase = Phase::Holding(Box::new(Holding {
            facts,
            content,
            held,
            ahead: 0,
            trace,
            until,
            view,
            step: Step::Collecting,
            header_decides,
            decided: false,
            envelope,
        }));
        self.server.answer(now, slot, replies::go_ahead());
    }

    pub(crate) fn hold_content(&mut self, now: Moment, span: &[u8]) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        if holding.is_ahead() {
            holding.ahead = holding.ahead.saturating_add(span.len());
            if let Err(full) = holding.held.push(span) {
                self.cannot_hold(now, full);
            }
            return;
        }
        let header = match &mut holding.content.deciding {
            Some(deciding) => deciding.scan(span),
            None => holding.content.header.scanned(self.settings.header.limit),
        };
        let needed = holding.header_decides || holding.until == Until::Header;
        if header == Scanned::TooLong && needed {
            return self.swallow(now, replies::header_too_big(), "header");
        }
        if let Err(full) = holding.held.push(span) {
            return self.cannot_hold(now, full);
        }
        // Classes are looked for longer than programs agree on what the header is.
        let classes = holding.content.classes.is_reading();
        if classes && needed && holding.held.content().len() > self.settings.header.limit {
            return self.swallow(now, replies::header_too_big(), "header");
        }
        if !self.scan_header(now, span) {
            return;
        }
        let Phase::Holding(holding) = &mut self.phase else { return };
        // Rules about streams end it at a line that is no field; others do not.
        if classes || holding.content.block.is_some() || header != Scanned::Ended {
            return;
        }
        match holding.until {
            Until::Header => {
                holding.step = Step::Ready(None);
                self.go_on_held(now);
            }
            // A refusal need not wait for the dot.
            Until::Dot => {
                self.decide_stream(now);
            }
        }
    }

    /// There is no room for more of the message.
    pub(crate) fn cannot_hold(&mut self, now: Moment, full: Full) {
        match full {
            Full::Content => self.swallow(now, replies::too_big_to_hold(), "hold"),
            Full::Budget => self.swallow(now, replies::hold_budget_used_up(), "hold-budget"),
        }
    }

    /// What was waited for is here: decides what the header has to decide, then sends
    /// DATA.
    pub(crate) fn go_on_held(&mut self, now: Moment) {
        if !self.decide_stream(now) {
            return;
        }
        // Whoever judges it may change it: its classes are said as they are then.
        if !self.judge_held() {
            self.say_classes(now);
            self.resume_held(now);
        }
    }

    /// Sends DATA for a held message, once nothing is outstanding and everybody was taken: by
    /// this connection, should it be a second one.
    pub(crate) fn resume_held(&mut self, now: Moment) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        let Link::Cleared(transaction) = &mut self.link else { return };
        if let Step::Ready(slot) = holding.step
            && transaction.connection().is_answered()
            && holding.envelope.tally().undecided == 0
        {
            holding.step = Step::Asked(slot);
            transaction.data(now);
        }
    }

    pub(crate) fn held_data_replied(&mut self, now: Moment, holding: Holding, reply: Reply) {
        let Step::Asked(slot) = holding.step else {
            self.phase = Phase::Holding(Box::new(holding));
            return self.upstream_lost(now, &Lost::Nonsense("a reply to DATA not sent"));
        };
        if reply.code != 354 {
            // The refusal of DATA is the reply to the client's dot. The transaction is
            // over (RFC 5321 s3.3), and the connection still good.
            self.release_upstream();
            self.phase = Phase::Holding(Box::new(holding));
            return self.swallow(now, verbatim(reply), "smarthost");
        }
        let Holding { facts, content, held, trace, view, .. } = holding;
        if let Link::Cleared(transaction) = &mut self.link {
            transaction.content(trace.as_bytes());
            transaction.content(held.content());
        }
        // Once all of it is there, they read it where it is.
        let shown = view.shown && !(view.copy && slot.is_some());
        let view = View { shown, ..view };
        let feed = Feed::of_held(held, view, &self.settings, now);
        match (slot, feed) {
            (Some(slot), Ok(feed)) => self.judge_shown(now, Dot::new(slot, facts, content), feed),
            (None, Ok(feed)) => {
                let streaming = Streaming { facts, content, trace: None, feed };
                self.phase = Phase::Streaming(Box::new(streaming));
                self.show_pieces();
            }
            (Some(slot), Err(full)) => {
                let dot = Dot::new(slot, facts, content);
                self.phase = Phase::Judging(Box::new(Judging { dot }));
                self.cannot_hold(now, full);
            }
            (None, Err(full)) => {
                let feed = Feed::default();
                let streaming = Streaming { facts, content, trace: None, feed };
                self.phase = Phase::Streaming(Box::new(streaming));
                self.cannot_hold(now, full);
            }
        }
    }

    /// NOOP to a smarthost that waits before DATA.
    pub(crate) fn keep_alive(&mut self, now: Moment) {
        let Phase::Holding(holding) = &mut self.phase else { return };
        let Some(upstream) = self.link.connection_mut() else { return };
        if matches!(holding.step, Step::Collecting | Step::Judged(_))
            && holding.held.wants_noop(now)
        {
            upstream.noop(now);
        }
    }
}
