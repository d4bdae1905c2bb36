//! How long a client waits for our replies in one transaction, all waits together.
//!
//! A client gives up after ten minutes at the dot (RFC 5321 s4.5.3.2.6) and sends the message
//! again; many have one limit for the whole of it. So what we take (for live lists and filters, for a
//! smarthost that has to be opened, or a second one, for the evidence) adds up, and when it is
//! used up the answer is 451 while somebody still listens. Once our dot is out the smarthost
//! may have the message: then the outcome is unknown.

use smtp_session::{Lost, Moment};

use crate::event::Event;
use crate::phase::Phase;
use crate::relay::Relay;
use crate::replies;
use crate::waits::Waits;

impl Relay {
    /// When a reply must be had at the latest.
    pub(crate) fn out_of_time_at(&self) -> Option<Moment> {
        self.waits.deadline(self.settings.access.wait_max?)
    }

    /// Takes note of whether the client waits; to be called whenever that may have changed.
    pub(crate) fn note_waits(&mut self, now: Moment) {
        self.note_steps();
        if matches!(self.phase, Phase::Idle) {
            self.waits = Waits::default();
            return;
        }
        // A client that is not read waits as well, and is not the one who is slow.
        let behind = self.waits_for_readers();
        self.server.note_behind(now, behind);
        self.waits.note(now, behind || self.server.unanswered() > 0);
    }

    /// Ends what takes too long.
    pub(crate) fn mind_the_time(&mut self, now: Moment) {
        if !self.out_of_time_at().is_some_and(|at| now.reached(at)) {
            return;
        }
        let reply = replies::out_of_time();
        if !self.awaits_filters() {
            self.events.push_back(Event::UpstreamLost(Lost::Timeout));
        }
        match std::mem::take(&mut self.phase) {
            Phase::Idle => {}
            Phase::Envelope(envelope) => {
                self.phase = Phase::Envelope(envelope);
                self.drop_upstream();
                self.fail_envelope(now, &reply);
            }
            phase @ (Phase::Streaming(_)
            | Phase::Holding(_)
            | Phase::Judging(_)
            | Phase::Swallowing(_)) => {
                self.phase = phase;
                self.swallow(now, reply, "out-of-time");
            }
            Phase::Intent(dot) => {
                self.drop_upstream();
                self.dot_not_sent(now, *dot, reply);
            }
            Phase::Dot(dot) => {
                self.drop_upstream();
                self.dot_lost(now, *dot, &Lost::Timeout);
            }
        }
    }
}
