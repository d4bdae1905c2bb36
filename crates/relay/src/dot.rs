//! The final dot: intent before it, outcome after it.
//!
//! The intent is written down before our dot goes upstream; without it the dot is
//! not sent. From the dot on the smarthost may have the message whatever we hear of
//! it, so silence is 451 with an `unknown` outcome, never a second try (RFC 5321
//! s4.1.1.4, s6.1).

use evidence::Ending;
use smtp_session::{Lost, Moment};
use smtp_wire::Reply;

use crate::event::Event;
use crate::link::Link;
use crate::phase::{Dot, Phase};
use crate::record;
use crate::relay::Relay;
use crate::replies;
use crate::verbatim::verbatim;

impl Relay {
    pub(crate) fn ask_intent(&mut self, now: Moment, dot: Dot) {
        let record = record::intent(self.who(), &dot.facts, &dot.content, now);
        self.events.push_back(Event::Intent(Box::new(record)));
        self.phase = Phase::Intent(Box::new(dot));
    }

    pub(crate) fn handle_intent_written(&mut self, now: Moment, written: bool) {
        let dot = match std::mem::take(&mut self.phase) {
            Phase::Intent(dot) => dot,
            other => {
                self.phase = other;
                return;
            }
        };
        if !written {
            self.drop_upstream();
            return self.dot_not_sent(now, *dot, replies::evidence_not_written());
        }
        let sent = match &mut self.link {
            Link::Cleared(transaction) => transaction.finish(now),
            _ => false,
        };
        self.phase = Phase::Intent(dot);
        if sent {
            if let Phase::Intent(dot) = std::mem::take(&mut self.phase) {
                self.phase = Phase::Dot(dot);
            }
        } else {
            self.upstream_lost(now, &Lost::Nonsense("bytes before the dot"));
        }
    }

    /// Our dot has not gone upstream: nothing was delivered.
    pub(crate) fn dot_not_sent(&mut self, now: Moment, dot: Dot, reply: Reply) {
        self.ended(now, dot, Ending::Deferred, reply, Some("dot-not-sent"));
    }

    /// The client broke off between its dot and ours.
    pub(crate) fn dot_abandoned(&mut self, now: Moment, dot: Dot) {
        let (ending, why) = (Ending::Abandoned, Some("client-gone"));
        let record = record::outcome(self.who(), &dot.facts, &dot.content, now, ending, None, why);
        self.events.push_back(Event::Outcome(Box::new(record)));
    }

    pub(crate) fn dot_replied(&mut self, now: Moment, reply: Reply) {
        let dot = match std::mem::take(&mut self.phase) {
            Phase::Dot(dot) => *dot,
            other => {
                self.phase = other;
                return;
            }
        };
        self.link = match std::mem::take(&mut self.link) {
            Link::Cleared(transaction) => Link::Open(transaction.ended()),
            other => other,
        };
        self.release_upstream();
        let ending = if reply.is_positive() {
            if self.client_eof { Ending::Unknown } else { Ending::Accepted }
        } else if reply.is_permanent() {
            Ending::Refused
        } else {
            Ending::Deferred
        };
        // It is accepted, but the client cannot be told any more: to everybody who
        // looks at the client's side the outcome is unknown.
        let why = (ending == Ending::Unknown).then_some("client-gone");
        self.ended(now, dot, ending, verbatim(reply), why);
    }

    /// The smarthost is gone, or silent, after our dot.
    pub(crate) fn dot_lost(&mut self, now: Moment, dot: Dot, why: &Lost) {
        // 421 is an answer: the transaction failed (RFC 5321 s3.8).
        let ending = match why {
            Lost::Shutdown(_) => Ending::Deferred,
            _ => Ending::Unknown,
        };
        self.ended(now, dot, ending, why.reply(), Some("smarthost-lost"));
    }

    fn ended(
        &mut self,
        now: Moment,
        dot: Dot,
        ending: Ending,
        reply: Reply,
        why: Option<&'static str>,
    ) {
        let Dot { slot, facts, content } = dot;
        if ending == Ending::Unknown {
            self.note_unsettled(now, &facts, &content);
        }
        let record = record::outcome(self.who(), &facts, &content, now, ending, Some(&reply), why);
        self.events.push_back(Event::Outcome(Box::new(record)));
        self.server.answer(now, slot, reply);
    }
}
