//! MAIL and RCPT in front of the filters.
//!
//! The reply to MAIL waits for their verdict. A recipient goes to them once our own gates
//! permit it, behind that verdict, and to the smarthost only once they permit it too: whom a
//! filter refuses, no smarthost ever hears of, and whom we refuse, no filter.

use std::sync::Arc;

use evidence::{Reference, Verdict as Recorded};
use policy::GateVerdict;
use smtp_session::{Moment, SlotId};
use smtp_wire::Reply;

use crate::event::Event;
use crate::filter::{FilterAnswer, FilterMail, FilterStep, FilterVerdict};
use crate::filtered::{Ended, Fate, Shown, fate, found_by};
use crate::phase::{Envelope, Phase, Recipient, Standing};
use crate::record::{self, Found};
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// What the filters say; of a transaction that is gone, nobody listens.
    pub(crate) fn handle_filtered(&mut self, now: Moment, number: u64, answer: FilterAnswer) {
        if !self.steps.is_about(number) {
            return;
        }
        match answer {
            FilterAnswer::Mail(verdict) => self.mail_filtered(now, verdict),
            FilterAnswer::Recipient(tag, verdict) => self.recipient_filtered(now, tag, verdict),
            FilterAnswer::Taken(octets) => self.piece_taken(octets),
            FilterAnswer::Content(filtered) => self.content_filtered(now, *filtered),
        }
    }

    /// Tells the filters of a transaction that needs no verdict any more; to be called whenever
    /// that may have come about.
    pub(crate) fn note_steps(&mut self) {
        let needed = matches!(
            self.phase,
            Phase::Envelope(_) | Phase::Streaming(_) | Phase::Holding(_) | Phase::Judging(_)
        );
        if !needed {
            self.end_steps();
        }
    }

    /// Whatever the filters were shown is over.
    pub(crate) fn end_steps(&mut self) {
        self.events.extend(self.steps.abort());
    }

    /// Whether what is waited for now is a verdict of theirs.
    pub(crate) fn awaits_filters(&self) -> bool {
        match &self.phase {
            Phase::Envelope(envelope) => envelope.mail_asked || envelope.has_filtering(),
            Phase::Judging(_) => true,
            Phase::Holding(holding) => holding.is_judged(),
            Phase::Streaming(streaming) => streaming.feed.is_full(),
            Phase::Idle | Phase::Swallowing(_) | Phase::Intent(_) | Phase::Dot(_) => false,
        }
    }

    pub(crate) fn show_mail(&mut self) {
        let Phase::Envelope(envelope) = &self.phase else { return };
        let mail = FilterMail {
            client_name: self.client_name.clone(),
            extended: self.server.is_extended(),
            from: envelope.from.clone(),
            params: envelope.params.clone(),
            reference: envelope.reference,
        };
        let shown = self.steps.show(FilterStep::Mail(Box::new(mail)));
        self.events.push_back(shown);
    }

    fn mail_filtered(&mut self, now: Moment, verdict: FilterVerdict) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        if !std::mem::take(&mut envelope.mail_asked) {
            return;
        }
        let reference = envelope.reference;
        self.note_finding(now, &verdict);
        let shown = Shown { path: None, reference: &reference, action: self.settings.action };
        let ended = match fate(verdict, shown, replies::sender_ok) {
            Fate::Passes => return self.mail_permitted(now),
            Fate::Ends(ended) => ended,
        };
        self.write_ended(now, &ended);
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(slot) = envelope.mail_slot.take() else { return };
        if ended.verdict == Recorded::Drop {
            envelope.discarded = Some(ended.by);
            self.server.answer(now, slot, ended.reply);
            return self.offer_to_filters(now);
        }
        for recipient in &mut envelope.recipients {
            if matches!(recipient.standing, Standing::Asked(_) | Standing::Filtering(_)) {
                recipient.by = Some(Arc::clone(&ended.by));
            }
        }
        self.mail_refused(now, slot, &ended.reply);
    }

    /// Nothing comes of a transaction whose MAIL gets this reply.
    pub(crate) fn mail_refused(&mut self, now: Moment, slot: SlotId, reply: &Reply) {
        self.server.answer(now, slot, reply.clone());
        self.fail_envelope(now, reply);
        self.phase = Phase::Idle;
        self.server.abandon_transaction();
        self.release_upstream();
    }

    /// Shows the filters everybody whom our own gates permitted while MAIL was judged.
    pub(crate) fn offer_to_filters(&mut self, now: Moment) {
        let count = match &self.phase {
            Phase::Envelope(envelope) => envelope.recipients.len(),
            _ => 0,
        };
        for at in 0..count {
            self.show_recipient(now, at);
        }
        self.try_data(now);
    }

    /// Shows the filters recipient `at`, once they have permitted MAIL.
    pub(crate) fn show_recipient(&mut self, now: Moment, at: usize) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        if envelope.mail_asked {
            return;
        }
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        let Standing::Filtering(offer) = &recipient.standing else { return };
        if let Some(by) = &envelope.discarded {
            let path = offer.path().clone();
            let verdict = FilterVerdict::Discard { by: Arc::clone(by) };
            let reference = self.mint.next(now.unix_millis());
            let shown =
                Shown { path: Some(&path), reference: &reference, action: self.settings.action };
            if let Fate::Ends(ended) = fate(verdict, shown, replies::recipient_dropped) {
                self.recipient_ended(now, at, reference, ended);
            }
            return;
        }
        let step = FilterStep::Recipient {
            tag: u32::try_from(at).unwrap_or(u32::MAX),
            path: offer.path().clone(),
            params: recipient.params.clone(),
        };
        let shown = self.steps.show(step);
        self.events.push_back(shown);
    }

    fn recipient_filtered(&mut self, now: Moment, tag: u32, verdict: FilterVerdict) {
        let Phase::Envelope(envelope) = &self.phase else { return };
        let at = tag as usize;
        let failed = envelope.failed.clone();
        let asked = envelope.recipients.get(at).map(|one| &one.standing);
        let Some(Standing::Filtering(offer)) = asked.filter(|_| !envelope.mail_asked) else {
            return;
        };
        let path = offer.path().clone();
        let discarded = envelope.discarded.clone();
        let reference = self.mint.next(now.unix_millis());
        self.note_finding(now, &verdict);
        // By the milter protocol whoever discards a recipient discards the message.
        let verdict = match discarded {
            Some(by) => FilterVerdict::Discard { by },
            None => verdict,
        };
        let discards = matches!(verdict, FilterVerdict::Discard { .. });
        let shown =
            Shown { path: Some(&path), reference: &reference, action: self.settings.action };
        let fate = fate(verdict, shown, replies::recipient_dropped);
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        match fate {
            Fate::Passes => {
                let Some(recipient) = envelope.recipients.get_mut(at) else { return };
                recipient.filtered();
                match failed {
                    Some(reply) => self.conclude(now, at, reply),
                    None => self.offer_envelope(now),
                }
            }
            Fate::Ends(ended) => {
                if discards {
                    envelope.discarded.get_or_insert_with(|| Arc::clone(&ended.by));
                }
                self.recipient_ended(now, at, reference, ended);
            }
        }
        self.try_data(now);
    }

    fn recipient_ended(&mut self, now: Moment, at: usize, reference: Reference, ended: Ended) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        recipient.standing = match ended.verdict {
            Recorded::Drop => Standing::Dropped,
            verdict => Standing::Refused { permanent: verdict == Recorded::Refuse },
        };
        recipient.by = Some(ended.by);
        recipient.reason = None;
        self.judged(now, at, ended.verdict, reference, ended.reply);
    }

    /// A filter has discarded the message at one of its recipients, and smarthosts took others:
    /// DATA is refused. Where the listener drops, it is swallowed behind a 250 instead.
    pub(crate) fn discarded_at_data(&mut self, now: Moment, by: Arc<str>) -> Reply {
        let reference = match &self.phase {
            Phase::Envelope(envelope) => envelope.reference,
            _ => return replies::no_valid_recipient(),
        };
        let reply = replies::discarded(None, &reference);
        let reason = "to be discarded".to_owned();
        self.write_ended(
            now,
            &Ended { by, verdict: Recorded::Refuse, reason, reply: reply.clone() },
        );
        reply
    }

    /// What a gate that only watches found while the envelope came.
    fn note_finding(&mut self, now: Moment, verdict: &FilterVerdict) {
        let (FilterVerdict::Found(finding), Phase::Envelope(envelope)) = (verdict, &self.phase)
        else {
            return;
        };
        if matches!(finding.verdict, GateVerdict::Refuse | GateVerdict::Defer) {
            return;
        }
        let facts = self.message_facts(envelope);
        let by = found_by(finding);
        let verdict = record::recorded(finding.verdict);
        let found = Found { by: &by, verdict, reason: &finding.found, reply: None };
        let record = record::found(self.who(), &facts, None, now, found);
        self.events.push_back(Event::Found(Box::new(record)));
    }

    /// A filter wants no mail from this sender: no record of a recipient may tell it.
    fn write_ended(&mut self, now: Moment, ended: &Ended) {
        let Phase::Envelope(envelope) = &self.phase else { return };
        let facts = self.message_facts(envelope);
        let record = record::found(self.who(), &facts, None, now, ended.found());
        self.events.push_back(Event::Found(Box::new(record)));
    }
}

impl Envelope {
    fn has_filtering(&self) -> bool {
        self.recipients.iter().any(|one| matches!(one.standing, Standing::Filtering(_)))
    }
}

impl Recipient {
    /// The filters permit it: it may be shown to the smarthost.
    fn filtered(&mut self) {
        self.standing = match std::mem::replace(&mut self.standing, Standing::Sent) {
            Standing::Filtering(offer) => Standing::Waiting(offer),
            other => other,
        };
    }
}
