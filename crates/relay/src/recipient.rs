//! One recipient: judged the moment it comes, answered when its word is known.
//!
//! Refused ones are answered here and never shown to the smarthost; for permitted
//! ones the client gets the smarthost's own reply. Each leaves one record.
//!
//! Where the header has still to decide, all recipients of a message must be ones of
//! whom the streams say the same: one reply to the dot stands for all of them. The first
//! that is offered to the smarthost sets it; the odd ones get 452 4.5.3 and come again
//! in a transaction of their own (RFC 5321 s4.5.3.1.10), or, where the listener says so,
//! are taken and share the fate of the whole.

use address::ForwardPath;
use evidence::{Reference, Verdict as Recorded};
use policy::{Asked, Carried, Decision, Lookups, QuestionId, Reason, Ruling, Verdict, VerdictSet};
use smtp_session::{Moment, SlotId};
use smtp_wire::{RcptParams, Reply};

use crate::event::Event;
use crate::phase::{Phase, Recipient, Standing};
use crate::record::{self, Judged, Who};
use crate::relay::Relay;
use crate::replies;
use crate::settings::Mixed;
use crate::upstream::Offer;
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
        let too_much = self.too_many(now, &to);
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let plain = self.settings.plain_recipients.then(|| to.to_string());
        let at = envelope.recipients.len();
        let mut recipient = Recipient {
            slot,
            params,
            standing: Standing::Refused { permanent: false },
            verdict: Recorded::Defer,
            set: VerdictSet::default(),
            reason: None,
            by: None,
            facts: None,
            plain,
        };
        if let Some(too_much) = too_much {
            let reference = self.mint.next(now.unix_millis());
            let reply = replies::too_many_of_late(&to, &too_much, &reference);
            recipient.reason = Some(Reason::TooMuch(too_much));
            envelope.recipients.push(recipient);
            return self.judged(now, at, Recorded::Defer, reference, reply);
        }
        let today = record::time(now).day();
        let carried = match &envelope.params.solicit {
            Some(classes) => Carried::Known(classes.as_str()),
            None => Carried::Unknown,
        };
        match self.gate.judge(to, self.settings.action, &envelope.possible, carried, today) {
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
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        recipient.facts = Some(decision.facts);
        match decision.verdict {
            Verdict::Permit(cleared, reason) => {
                let shadowed = cleared.is_shadowed();
                recipient.verdict = if shadowed { Recorded::Shadow } else { Recorded::Permit };
                recipient.reason = reason;
                self.may_be_offered(now, at, Offer::Cleared(cleared));
            }
            Verdict::Provisional(provisional) => {
                recipient.verdict = Recorded::Provisional;
                recipient.reason = provisional.reason().cloned();
                recipient.set = provisional.set();
                self.may_be_offered(now, at, Offer::Provisional(provisional));
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

    /// The smarthost may be shown recipient `at`, unless it cannot share a message with
    /// those before it.
    fn may_be_offered(&mut self, now: Moment, at: usize, offer: Offer) {
        let defers = self.settings.mixed == Mixed::Defer;
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let odd = defers && envelope.is_odd(at);
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        if odd {
            let reference = self.mint.next(now.unix_millis());
            let reply = replies::needs_own_transaction(offer.path(), &reference);
            recipient.reason = Some(Reason::OtherRecipients);
            recipient.standing = Standing::Refused { permanent: false };
            return self.judged(now, at, Recorded::Defer, reference, reply);
        }
        let filtered = self.settings.filters.envelope;
        recipient.standing = match filtered {
            true => Standing::Filtering(offer),
            false => Standing::Waiting(offer),
        };
        if let (Some(_), Some(class)) = (&envelope.failed, &envelope.forbidden) {
            recipient.reason.get_or_insert_with(|| Reason::ClassAtSmarthost(class.clone()));
        }
        match envelope.failed.clone() {
            Some(reply) => self.conclude(now, at, reply),
            None if filtered => self.show_recipient(now, at),
            None => self.offer_envelope(now),
        }
    }

    /// Writes the decision down and answers the recipient.
    pub(crate) fn judged(
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
            by: recipient.by.as_ref(),
            facts: recipient.facts.as_ref(),
            plain: recipient.plain.as_deref(),
            reply: &reply,
        };
        let slot = recipient.slot;
        let who = Who { facts: &self.facts, shown: &self.shown };
        let record = record::decision(who, self.gate.streams(), now, judged);
        self.events.push_back(Event::Decided(Box::new(record)));
        self.server.answer(now, slot, reply);
    }

    /// The smarthost's word on recipient `at`, or ours in its place.
    pub(crate) fn conclude(&mut self, now: Moment, at: usize, reply: Reply) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        let judged = !matches!(recipient.standing, Standing::Asked(_) | Standing::Filtering(_));
        recipient.standing = if reply.is_positive() {
            Standing::Accepted
        } else {
            Standing::Refused { permanent: reply.is_permanent() }
        };
        let verdict = match judged {
            true => recipient.verdict,
            // The answer of a live source, or of a filter, is not waited for when it cannot matter.
            false if reply.is_permanent() => Recorded::Refuse,
            false => Recorded::Defer,
        };
        let reference = self.mint.next(now.unix_millis());
        self.judged(now, at, verdict, reference, reply);
    }

    pub(crate) fn rcpt_replied(&mut self, now: Moment, tag: u32, reply: Reply) {
        let at = tag as usize;
        let envelope = match &mut self.phase {
            Phase::Envelope(envelope) => envelope,
            Phase::Holding(holding) => &mut holding.envelope,
            _ => return,
        };
        match envelope.recipients.get(at).map(|one| &one.standing) {
            Some(Standing::Sent) => self.conclude(now, at, verbatim(reply)),
            Some(Standing::SentAgain) => return self.taken_again(now, at, &reply),
            _ => {}
        }
        self.try_data(now);
    }
}
