//! What comes into a session: bytes, ends, timers and answers, and where each goes.

use std::sync::Arc;

use smtp_session::{ClientEvent, Ended, Lost, Moment, Sent, Step};
use smtp_wire::Reply;

use crate::bond::Bond;
use crate::event::{Answer, Event, OpenFailure, Side};
use crate::link::Link;
use crate::offers;

use crate::phase::Phase;
use crate::relay::Relay;
use crate::replies;
use crate::upstream::Upstream;

impl Relay {
    /// Takes bytes from one side; tells how many were used. Fewer than given means:
    /// keep the rest and offer it again after the next change.
    pub fn handle_bytes(&mut self, now: Moment, side: Side, input: &[u8]) -> usize {
        match side {
            Side::Downstream => self.handle_client_bytes(now, input),
            Side::Upstream => {
                if let Some(upstream) = self.link.connection_mut() {
                    upstream.handle_bytes(now, input);
                }
                self.handle_upstream_events(now);
                self.settle(now);
                input.len()
            }
        }
    }

    fn handle_client_bytes(&mut self, now: Moment, input: &[u8]) -> usize {
        let mut used = 0;
        while self.wants_input() {
            let rest = input.get(used..).unwrap_or_default();
            let (taken, step) = self.server.advance(now, rest);
            used += taken;
            let idle = taken == 0 && matches!(step, Step::Idle);
            self.handle_step(now, step);
            if idle {
                break;
            }
        }
        self.note_waits(now);
        used
    }

    fn handle_step(&mut self, now: Moment, step: Step<'_>) {
        match step {
            Step::Idle | Step::Answered => {}
            Step::Hello { name, extended } => {
                self.forget_transaction();
                self.client_name =
                    self.helo_told.as_ref().map_or(name, |told| String::from(&**told));
                let settings = &self.settings;
                let known = offers::common(&self.records, &settings.routes.reach);
                let mut offered = offers::offer(
                    known.as_deref(),
                    settings.size_offered(),
                    settings.recipients_max,
                    // HELO offers nothing that MAIL could say (RFC 5321 s4.1.1.1).
                    self.own_classes().filter(|_| extended).map(|own| {
                        offers::with_classes_of_all(own, &self.records, &settings.routes.reach)
                    }),
                );
                offered.starttls = self.server.offers_starttls();
                offered.auth = self.mechanisms();
                offered.xclient = self.xclient_attributes();
                self.server.note_login_unknown(self.is_login_unknown());
                self.server.welcome(now, Arc::new(offered));
            }
            Step::Reset => self.forget_transaction(),
            Step::StartTls => {
                self.forget_transaction();
                self.part();
                self.events.push_back(Event::StartTls);
            }
            Step::Auth(slot, request) => self.handle_auth(now, slot, request),
            Step::AuthResponse(slot, response) => {
                self.handle_auth_response(now, slot, response.expose());
            }
            Step::AuthCancelled => {
                self.forget_exchange();
                self.pass_cancel(now);
            }
            Step::Xclient(slot, told) => self.handle_xclient(now, slot, *told),
            Step::Mail(slot, from, params) => self.handle_mail(now, slot, from, params),
            Step::Rcpt(slot, to, params) => self.handle_rcpt(now, slot, to, params),
            Step::Data(slot) => self.handle_data(now, slot),
            Step::Content(span) => self.handle_content(now, span),
            Step::Flaw(fault) => self.swallow(now, replies::bad_line_end(fault), "line-ends"),
            Step::EndOfData(slot) => self.handle_end_of_data(now, slot),
            Step::Ended(why) => self.handle_ended(now, why),
        }
    }

    /// One side closed: no more bytes will come from it.
    pub fn handle_eof(&mut self, now: Moment, side: Side) {
        match side {
            Side::Downstream => {
                self.client_eof = true;
                // A client that goes away before our dot, without a QUIT behind its own, has
                // given the message up, and comes with it again (RFC 5321 s4.1.1.10).
                let step = match self.phase.is_unsent_at_dot() {
                    true => self.server.handle_broken(),
                    false => self.server.handle_eof(),
                };
                self.handle_step(now, step);
            }
            Side::Upstream => {
                if let Some(upstream) = self.link.connection_mut() {
                    upstream.handle_eof();
                }
                self.handle_upstream_events(now);
            }
        }
        self.settle(now);
    }

    /// The client's connection is broken: nothing can be sent to it any more.
    pub fn handle_client_broken(&mut self, now: Moment) {
        self.client_eof = true;
        let step = self.server.handle_broken();
        self.handle_step(now, step);
        self.settle(now);
    }

    /// Called when [`Self::poll_timeout`] is due, or at any other time.
    pub fn handle_timeout(&mut self, now: Moment) {
        let step = self.server.handle_timeout(now);
        self.handle_step(now, step);
        if let Some(upstream) = self.link.connection_mut() {
            upstream.handle_timeout(now);
        }
        self.handle_upstream_events(now);
        self.mind_the_time(now);
        self.keep_alive(now);
        self.settle(now);
    }

    /// The smarthost took none of our bytes for too long.
    pub fn handle_upstream_stalled(&mut self, now: Moment) {
        if self.link.connection().is_some() {
            self.upstream_lost(now, &Lost::Timeout);
        }
        self.settle(now);
    }

    /// The answer to an event.
    pub fn answer(&mut self, now: Moment, answer: Answer) {
        match answer {
            Answer::Opened(result) => self.handle_opened(now, result),
            Answer::LookedUp(id, asked, answers) => self.handle_looked_up(now, id, *asked, answers),
            Answer::Authenticated(answer) => self.handle_authenticated(now, answer),
            Answer::Filtered(number, answer) => self.handle_filtered(now, number, answer),
            Answer::IntentWritten(written) => self.handle_intent_written(now, written),
        }
        self.settle(now);
    }

    /// No new transaction from now on; 421 as soon as none is running.
    pub fn drain(&mut self, now: Moment) {
        let step = self.server.drain();
        self.handle_step(now, step);
        self.settle(now);
    }

    fn handle_opened(&mut self, now: Moment, result: Result<Box<Upstream>, OpenFailure>) {
        if !matches!(self.link, Link::Asked) {
            // Nobody waits for it any more.
            if let Ok(upstream) = result {
                self.events.push_back(match upstream.is_at_rest() {
                    true => Event::ReleaseUpstream(upstream),
                    false => Event::DropUpstream,
                });
            }
            return;
        }
        self.link = Link::None;
        match self.unless_foreign(result) {
            Ok(upstream) => {
                if let Some(record) = self.records.get(usize::from(upstream.smarthost().0)) {
                    record.store(upstream.capabilities());
                }
                let at_rest = upstream.is_at_rest();
                self.link = Link::Open(upstream);
                if !at_rest {
                    // It said more than it was asked before it was even used.
                    self.upstream_lost(now, &Lost::Nonsense("bytes before the envelope"));
                } else if self.bond_opened(now) {
                    // AUTH is on its way there.
                } else if self.phase.envelope_before_data().is_some() {
                    self.offer_envelope(now);
                } else {
                    self.release_upstream();
                }
            }
            // Whoever opens has tried all that may be tried.
            Err(failure) => {
                self.bond_lost(now);
                let none_left = failure == OpenFailure::NoneLeft;
                if !none_left || !self.forbidden_everywhere(now) {
                    self.give_up(now, &replies::not_opened(&failure));
                }
            }
        }
    }

    fn handle_upstream_events(&mut self, now: Moment) {
        loop {
            match self.link.poll_event() {
                None => return,
                Some(ClientEvent::Ready | ClientEvent::StartTls | ClientEvent::Derive(_)) => {}
                Some(ClientEvent::Challenge(challenge)) => self.pass_challenge(now, &challenge),
                Some(ClientEvent::Reply(sent, reply)) => self.handle_reply(now, sent, reply),
                Some(ClientEvent::RefusedEarly(reply)) => self.refused_early(now, reply),
                Some(ClientEvent::Lost(why)) => self.upstream_lost(now, &why),
            }
        }
    }

    fn handle_reply(&mut self, now: Moment, sent: Sent, reply: Reply) {
        match sent {
            Sent::Mail => self.mail_replied(now, reply),
            Sent::Rcpt(tag) => self.rcpt_replied(now, tag, reply),
            Sent::Data => self.data_replied(now, reply),
            Sent::Dot => self.dot_replied(now, reply),
            Sent::Auth => self.auth_replied(now, reply),
            Sent::Xforward => {}
            Sent::Rset | Sent::Noop | Sent::Quit => {
                if !reply.is_positive() && sent == Sent::Rset {
                    self.upstream_lost(now, &Lost::Nonsense("RSET was refused"));
                } else {
                    self.resume_held(now);
                }
            }
        }
    }

    /// The smarthost is gone, whatever the phase. Before our DATA another may have the
    /// envelope; otherwise everything that waits for it is answered, and nothing that was
    /// accepted in part is finished.
    pub(crate) fn upstream_lost(&mut self, now: Moment, why: &Lost) {
        self.events.push_back(Event::UpstreamLost(why.clone()));
        if self.fail_over() {
            return;
        }
        self.drop_upstream();
        match std::mem::take(&mut self.phase) {
            Phase::Idle => {}
            phase @ Phase::Swallowing(_) => self.phase = phase,
            Phase::Envelope(envelope) => {
                self.phase = Phase::Envelope(envelope);
                self.fail_envelope(now, &why.reply());
            }
            phase @ (Phase::Streaming(_) | Phase::Holding(_) | Phase::Judging(_)) => {
                self.phase = phase;
                self.swallow(now, why.reply(), "smarthost-lost");
            }
            Phase::Intent(dot) => self.dot_not_sent(now, *dot, why.reply()),
            Phase::Dot(dot) => self.dot_lost(now, *dot, why),
        }
        self.bond_lost(now);
    }

    /// The transaction is over without mail data (RSET, EHLO, a refusal).
    pub(crate) fn forget_transaction(&mut self) {
        self.phase = Phase::Idle;
        self.end_steps();
        self.release_upstream();
    }

    fn handle_ended(&mut self, now: Moment, why: Ended) {
        self.forget_exchange();
        self.bond = Bond::Free;
        match std::mem::take(&mut self.phase) {
            Phase::Idle | Phase::Envelope(_) => self.release_upstream(),
            phase @ (Phase::Streaming(_) | Phase::Holding(_) | Phase::Swallowing(_)) => {
                // RFC 5321 s4.1.1.4: without the dot there is no message.
                self.drop_upstream();
                self.abandoned(now, phase);
            }
            Phase::Judging(judging) => {
                self.drop_upstream();
                self.dot_abandoned(now, judging.dot);
            }
            Phase::Intent(dot) => {
                self.drop_upstream();
                self.dot_abandoned(now, *dot);
            }
            // Our dot is out: whatever the smarthost says has to be written down.
            phase @ Phase::Dot(_) => {
                self.client_eof = true;
                self.phase = phase;
            }
        }
        self.note_steps();
        if !self.closed {
            self.closed = true;
            self.events.push_back(Event::Close(why));
        }
    }

    /// Gives the connection back when it is at rest, and drops it otherwise: a reply
    /// still to come would be taken for another transaction's. The session's own it keeps.
    pub(crate) fn release_upstream(&mut self) {
        // An answer that comes for a link that was asked for is given back in
        // `handle_opened`.
        let Some(upstream) = std::mem::take(&mut self.link).abandon() else { return };
        if !upstream.is_at_rest() {
            self.events.push_back(Event::DropUpstream);
            self.bond_broken();
        } else if self.is_bound() {
            self.link = Link::Open(upstream);
        } else {
            self.events.push_back(Event::ReleaseUpstream(upstream));
        }
    }

    pub(crate) fn drop_upstream(&mut self) {
        if std::mem::take(&mut self.link).abandon().is_some() {
            self.events.push_back(Event::DropUpstream);
            self.bond_broken();
        }
    }

    /// Lets the client's side go on where an answer has just made room: a postponed
    /// command, a pending end.
    pub(crate) fn settle(&mut self, now: Moment) {
        loop {
            match self.server.advance(now, &[]) {
                (_, Step::Idle) => break,
                (_, step) => self.handle_step(now, step),
            }
        }
        self.note_waits(now);
    }
}
