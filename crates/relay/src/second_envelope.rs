//! The envelope goes to another connection (DESIGN: fail-over, a stale kept connection, a
//! route that the header has decided), or to the same one anew (classes that the header names).
//!
//! Only before our DATA, which no second one could take back. Who has no answer yet is simply
//! offered again. Who was answered 250 must be taken again: the client believes it. If one
//! of them is not, nobody gets the message, and the client has it still: 451. The proofs that
//! a recipient may be shown at all come back from the connection that had them (`upstream`),
//! and from nowhere else.
//!
//! ```text
//!             lost, 421, lacks something, other route
//!   Sent ------------------------------------> Waiting --RCPT--> Sent
//!   Accepted, SentAgain ---------------------> Promised --RCPT--> SentAgain --2yz--> Accepted
//!                                                  |                  |
//!                                                  +- nobody left ----+-- 4yz 5yz: 451, all
//! ```

use policy::{Refused, StreamId};
use smtp_session::Moment;
use smtp_wire::Reply;

use crate::event::Event;
use crate::link::Link;
use crate::phase::{Envelope, Phase, Standing};
use crate::relay::Relay;
use crate::replies;
use crate::tries::Tries;
use crate::upstream::{Offer, Upstream};

impl Envelope {
    /// Whoever was shown to a smarthost that is out of it may be shown to the next.
    fn offer_again(&mut self, shown: Vec<(u32, Offer)>) {
        for (tag, offer) in shown {
            let Some(recipient) = self.recipients.get_mut(tag as usize) else { continue };
            recipient.standing =
                match std::mem::replace(&mut recipient.standing, Standing::SentAgain) {
                    Standing::Sent => Standing::Waiting(offer),
                    Standing::Accepted | Standing::SentAgain => Standing::Promised(offer),
                    other => other,
                };
        }
    }

    /// Somebody was answered 250 by a smarthost that is out of it.
    pub(crate) fn has_promised(&self) -> bool {
        let promised = |one: &Standing| matches!(one, Standing::Promised(_) | Standing::SentAgain);
        self.recipients.iter().any(|one| promised(&one.standing))
    }

    /// The header has decided while no smarthost had the envelope: whom the stream, or
    /// a class the message is of, refuses.
    pub(crate) fn settle(&mut self, stream: StreamId, carried: &str) -> Vec<(u32, Box<Refused>)> {
        let mut refused = Vec::new();
        for (tag, recipient) in (0_u32..).zip(&mut self.recipients) {
            recipient.standing =
                match std::mem::replace(&mut recipient.standing, Standing::Accepted) {
                    Standing::Promised(offer) => match offer.settle(stream, carried) {
                        Ok(cleared) => Standing::Promised(Offer::Cleared(cleared)),
                        Err(why) => {
                            refused.push((tag, why));
                            Standing::Accepted
                        }
                    },
                    other => other,
                };
        }
        refused
    }
}

impl Relay {
    /// The smarthost's connection is lost: asks for another, if there may be one. `false`:
    /// there may not, and the lost one is there still.
    pub(crate) fn fail_over(&mut self) -> bool {
        self.begin_second_envelope(true)
    }

    /// The smarthost's connection does not do, or (`lost`) cannot be used any more.
    pub(crate) fn begin_second_envelope(&mut self, lost: bool) -> bool {
        if self.is_bound() {
            return false;
        }
        let all = self.records.len();
        let stale = self.link.is_stale();
        let Some(smarthost) = self.link.connection().map(Upstream::smarthost) else {
            return false;
        };
        let Some(envelope) = self.phase.envelope_before_data() else { return false };
        let Some(wanted) = envelope.tries.another(smarthost, lost && stale, all) else {
            return false;
        };
        self.leave_upstream(lost);
        self.ask_upstream(wanted);
        true
    }

    /// The header has decided for a stream whose mail goes another way than the envelope went.
    pub(crate) fn take_route(&mut self, stream: StreamId) {
        if self.settings.passes_auth() {
            return;
        }
        let route = self.settings.routes.of(stream);
        let Some(envelope) = self.phase.envelope_before_data() else { return };
        if envelope.tries.route() == route {
            return;
        }
        envelope.tries = Tries::on(route);
        let wanted = envelope.tries.first();
        self.leave_upstream(false);
        self.ask_upstream(wanted);
    }

    /// MAIL says more now than when the envelope went: it goes to the same smarthost again, on
    /// the same connection unless that must have no further transaction (RFC 9422 MAILMAX).
    pub(crate) fn begin_envelope_anew(&mut self, now: Moment) {
        let all = self.records.len();
        let spent = self.link.connection().filter(|upstream| upstream.is_spent());
        let spent = spent.map(Upstream::smarthost).filter(|_| !self.is_bound());
        let Some(envelope) = self.phase.envelope_before_data() else { return };
        if let Some(smarthost) = spent
            && let Some(wanted) = envelope.tries.another(smarthost, true, all)
        {
            self.leave_upstream(false);
            return self.ask_upstream(wanted);
        }
        let Some((upstream, shown)) = std::mem::take(&mut self.link).take_back() else { return };
        envelope.offer_again(shown);
        self.link = Link::Open(upstream);
        self.offer_envelope(now);
    }

    /// Takes the envelope away from the connection, which is given back unless it is lost or
    /// has still something to say.
    fn leave_upstream(&mut self, lost: bool) {
        let Some((upstream, shown)) = std::mem::take(&mut self.link).take_back() else { return };
        if let Some(envelope) = self.phase.envelope_before_data() {
            envelope.offer_again(shown);
        }
        self.events.push_back(if upstream.is_at_rest() && !lost {
            Event::ReleaseUpstream(upstream)
        } else {
            Event::DropUpstream
        });
    }

    /// The connection lacks what the envelope needs (RFC 5321 s3.2: nothing may be used that
    /// is not offered); another may have it.
    pub(crate) fn smarthost_lacks(&mut self, now: Moment, extension: &str) {
        if !self.begin_second_envelope(false) {
            self.release_upstream();
            self.give_up(now, &replies::smarthost_lacks(extension));
        }
    }

    /// The smarthost cannot be had for this message, whether its data has begun or not.
    pub(crate) fn give_up(&mut self, now: Moment, reply: &Reply) {
        match self.phase {
            Phase::Envelope(_) => self.fail_envelope(now, reply),
            Phase::Holding(_) => self.swallow(now, reply.clone(), "smarthost-lost"),
            _ => {}
        }
    }

    /// The second smarthost's word on a recipient that was answered 250 already, or on MAIL.
    pub(crate) fn taken_again(&mut self, now: Moment, at: usize, reply: &Reply) {
        if !reply.is_positive() {
            if self.is_class_refused_there(now, reply) {
                return;
            }
            return self.not_taken_again(now);
        }
        let Some(envelope) = self.phase.envelope_before_data() else { return };
        if let Some(recipient) = envelope.recipients.get_mut(at) {
            recipient.standing = Standing::Accepted;
        }
        self.try_data(now);
        self.resume_held(now);
    }

    /// Nobody gets the message: somebody who was promised it would not.
    pub(crate) fn not_taken_again(&mut self, now: Moment) {
        let anew = self.has_said_classes();
        self.release_upstream();
        let reply =
            if anew { replies::not_taken_with_classes() } else { replies::not_taken_again() };
        self.give_up(now, &reply);
    }
}
