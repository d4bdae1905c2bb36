//! One recipient: judged the moment it comes, answered when its word is known.
//!
//! Refused ones are answered here and never shown to the smarthost; for permitted
//! ones the client gets the smarthost's own reply. Each leaves one record.

use address::ForwardPath;
use evidence::{Reference, Verdict as Recorded};
use policy::{Asked, Decision, Lookups, QuestionId, Reason, Ruling, Verdict};
use smtp_session::{Moment, SlotId};
use smtp_wire::{RcptParams, Reply};

use crate::event::Event;
use crate::phase::{Phase, Recipient, Standing};
use crate::record::{self, Judged};
use crate::relay::Relay;
use crate::replies;
use crate::verbatim::verbatim;

impl Relay {
    pub(crate) fn handle_rcpt(
        &mut self,
        now: Moment,
        slot: SlotId,
        to: ForwardPath,
        params: RcptParams,
    ) {
        let Phase::Envelope(envelope) = &mut self.phase else {
            // MAIL was refused while this RCPT was on its way.
            self.server.answer(now, slot, replies::no_transaction());
            return;
        };
        if envelope.recipients.len() >= self.settings.recipients_max as usize {
            self.server.answer(now, slot, replies::too_many_recipients());
            return;
        }
        let plain = self.settings.plain_recipients.then(|| to.to_string());
        let at = envelope.recipients.len();
        let standing = Standing::Refused { permanent: false };
        let mut recipient = Recipient { slot, params, standing, reason: None, facts: None, plain };
        let today = record::time(now).day();
        match self.gate.judge(to, self.settings.action, &envelope.possible, today) {
            Ruling::Decided(decision) => {
                envelope.recipients.push(recipient);
                self.decided(now, at, decision);
            }
            Ruling::Ask(asked) => {
                self.questions += 1;
                let id = QuestionId(self.questions);
                recipient.standing = Standing::Asked(id);
                envelope.recipients.push(recipient);
                self.events.push_back(Event::Ask(id, asked));
            }
        }
    }

    pub(crate) fn handle_looked_up(
        &mut self,
        now: Moment,
        id: QuestionId,
        asked: Asked,
        answers: Lookups,
    ) {
        // The transaction it was asked for may be gone.
        let Phase::Envelope(envelope) = &self.phase else { return };
        let waiting = |one: &Recipient| matches!(one.standing, Standing::Asked(q) if q == id);
        if let Some(at) = envelope.recipients.iter().position(waiting) {
            self.decided(now, at, asked.resolve(answers));
        }
    }

    /// The gates have spoken for recipient `at`.
    fn decided(&mut self, now: Moment, at: usize, decision: Decision) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let failed = envelope.failed.clone();
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        recipient.facts = Some(decision.facts);
        match decision.verdict {
            Verdict::Permit(cleared, reason) => {
                recipient.reason = reason;
                recipient.standing = Standing::Waiting(cleared);
                match failed {
                    Some(reply) => self.conclude(now, at, reply),
                    None => self.offer_envelope(now),
                }
            }
            Verdict::Provisional(provisional) => {
                let reference = self.mint.next(now.unix_millis());
                let reason = Reason::Unknown("the stream is decided by the header".to_owned());
                let reply = replies::deferred(provisional.path(), &reason, &reference);
                recipient.reason = Some(reason);
                recipient.standing = Standing::Refused { permanent: false };
                self.judged(now, at, Recorded::Defer, reference, reply);
            }
            Verdict::Refuse(path, reason) => {
                let reference = self.mint.next(now.unix_millis());
                let reply = replies::refused(&path, &reason, &reference);
                recipient.reason = Some(reason);
                recipient.standing = Standing::Refused { permanent: true };
                self.judged(now, at, Recorded::Refuse, reference, reply);
            }
            Verdict::Defer(path, reason) => {
                let reference = self.mint.next(now.unix_millis());
                let reply = replies::deferred(&path, &reason, &reference);
                recipient.reason = Some(reason);
                recipient.standing = Standing::Refused { permanent: false };
                self.judged(now, at, Recorded::Defer, reference, reply);
            }
            Verdict::Drop(_, reason) => {
                let reference = self.mint.next(now.unix_millis());
                let reply = replies::recipient_dropped();
                recipient.reason = Some(reason);
                recipient.standing = Standing::Dropped;
                self.judged(now, at, Recorded::Drop, reference, reply);
            }
        }
        self.try_data(now);
    }

    /// Writes the decision down and answers the recipient.
    fn judged(
        &mut self,
        now: Moment,
        at: usize,
        verdict: Recorded,
        reference: Reference,
        reply: Reply,
    ) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(recipient) = envelope.recipients.get(at) else { return };
        let judged = Judged {
            verdict,
            reference,
            transaction: envelope.reference,
            reverse_path_domain: envelope.from_domain.clone(),
            possible: &envelope.possible,
            reason: recipient.reason.as_ref(),
            facts: recipient.facts.as_ref(),
            plain: recipient.plain.as_deref(),
            reply: &reply,
        };
        let slot = recipient.slot;
        let record = record::decision(&self.facts, self.gate.streams(), now, judged);
        self.events.push_back(Event::Decided(Box::new(record)));
        self.server.answer(now, slot, reply);
    }

    /// The smarthost's word on recipient `at`, or ours in its place.
    pub(crate) fn conclude(&mut self, now: Moment, at: usize, reply: Reply) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        let shadowed =
            recipient.reason.as_ref().is_some_and(|reason| !matches!(reason, Reason::InGrace(..)));
        let judged = !matches!(recipient.standing, Standing::Asked(_));
        recipient.standing = if reply.is_positive() {
            Standing::Accepted
        } else {
            Standing::Refused { permanent: reply.is_permanent() }
        };
        let verdict = match (judged, shadowed) {
            // The answer of a live source is not waited for when it cannot matter.
            (false, _) if reply.is_permanent() => Recorded::Refuse,
            (false, _) => Recorded::Defer,
            (true, true) => Recorded::Shadow,
            (true, false) => Recorded::Permit,
        };
        let reference = self.mint.next(now.unix_millis());
        self.judged(now, at, verdict, reference, reply);
    }

    pub(crate) fn rcpt_replied(&mut self, now: Moment, tag: u32, reply: Reply) {
        let at = tag as usize;
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let sent =
            envelope.recipients.get(at).is_some_and(|one| matches!(one.standing, Standing::Sent));
        if sent {
            self.conclude(now, at, verbatim(reply));
        }
        self.try_data(now);
    }
}
