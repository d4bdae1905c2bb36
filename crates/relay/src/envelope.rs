//! The envelope: MAIL, the way upstream, and DATA (RFC 5321 s3.3).
//!
//! Permitted recipients go upstream in the order in which they were cleared. The
//! envelope sent there is written from the parsed addresses, never from raw bytes,
//! so that the smarthost cannot read them differently.

use std::collections::BTreeSet;
use std::sync::Arc;

use address::ReversePath;
use policy::Circumstances;
use smtp_session::{Lost, Moment, SlotId};
use smtp_wire::{MailParams, Reply, Solicitation};

use crate::bond::Bond;
use crate::completion;
use crate::facts::Facts;
use crate::feed::{Feed, View};
use crate::link::Link;
use crate::phase::{Envelope, Phase, Recipient, Standing, Tally};
use crate::relay::Relay;
use crate::replies;
use crate::settings::Contact;
use crate::trace;
use crate::tries::Tries;
use crate::upstream::Upstream;
use crate::verbatim::verbatim;
use crate::waits::Waits;

impl Relay {
    pub(crate) fn handle_mail(
        &mut self,
        now: Moment,
        slot: SlotId,
        from: ReversePath,
        params: MailParams,
    ) {
        self.waits = Waits::default();
        self.end_steps();
        if !self.may_send(now, slot, &from) {
            return;
        }
        let limit = self.server.offered().size.unwrap_or(0);
        if limit > 0 && params.size.is_some_and(|size| size > limit) {
            self.server.answer(now, slot, replies::too_big());
            self.server.abandon_transaction();
            return;
        }
        let from_domain: Option<Arc<str>> = from.domain().map(Arc::from);
        if self.is_class_refused(now, slot, from_domain.as_deref(), &params) {
            return;
        }
        let possible = self.gate.streams().possible(&Circumstances {
            listener: self.facts.listener,
            login: self.facts.login.as_deref(),
            client: self.facts.client,
            sender: &from,
            solicit: params.solicit.as_ref().map(Solicitation::as_str),
        });
        let tries = Tries::on(self.settings.first_route(&possible));
        self.phase = Phase::Envelope(Box::new(Envelope {
            reference: self.mint.next(now.unix_millis()),
            began: now,
            from_domain,
            from,
            params,
            possible,
            mail_slot: Some(slot),
            mail_asked: self.settings.filters.envelope,
            discarded: None,
            recipients: Vec::new(),
            domains: BTreeSet::new(),
            data_slot: None,
            data_sent: false,
            feed: Feed::default(),
            failed: None,
            forbidden: None,
            tries,
        }));
        self.steps.begin();
        match self.settings.filters.envelope {
            true => self.show_mail(),
            false => self.mail_permitted(now),
        }
    }

    /// Nobody here objects to MAIL.
    pub(crate) fn mail_permitted(&mut self, now: Moment) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        match self.settings.contact {
            Contact::Sender => self.offer_envelope(now),
            Contact::Recipient => {
                if let Some(slot) = envelope.mail_slot.take() {
                    self.server.answer(now, slot, replies::sender_ok());
                }
            }
        }
        self.offer_to_filters(now);
    }

    /// Sends upstream what is cleared and not yet sent; opens a connection first
    /// when there is none.
    pub(crate) fn offer_envelope(&mut self, now: Moment) {
        if matches!(self.bond, Bond::Broken) && matches!(self.link, Link::None) {
            // Its login was on a connection that is lost; without it nothing goes out.
            return self.give_up(now, &Lost::Closed.reply());
        }
        let eight_bit = matches!(&self.phase, Phase::Holding(one) if one.content.eight_bit);
        let introduction = self.introduction();
        let completed = if self.settings.message.complete { completion::SIZE_ALLOWANCE } else { 0 };
        let allowance = trace::SIZE_ALLOWANCE + completed + self.settings.filters.size_allowance();
        if let Link::Open(upstream) = &self.link
            && let Some(class) = self.class_forbidden(upstream.capabilities())
        {
            return self.class_forbidden_there(now, class);
        }
        let Some(envelope) = self.phase.envelope_before_data() else { return };
        let offered = match &self.link {
            Link::Asked => return,
            Link::None => {
                let wanted = envelope.tries.first();
                return self.ask_upstream(wanted);
            }
            Link::Open(upstream) => {
                let offered = Arc::clone(upstream.capabilities());
                let params = envelope.mail_params(&offered, upstream.is_logged_in(), allowance);
                match params {
                    Ok(_) if eight_bit && !offered.eight_bit_mime => {
                        return self.smarthost_lacks(now, "8BITMIME");
                    }
                    Ok(params) => {
                        envelope.forbidden = None;
                        self.link.begin(now, introduction, &envelope.from, &params);
                    }
                    Err(extension) => return self.smarthost_lacks(now, extension),
                }
                offered
            }
            Link::Cleared(transaction) => Arc::clone(transaction.connection().capabilities()),
            Link::Tentative(tentative) => Arc::clone(tentative.connection().capabilities()),
        };
        let mut lacking = None;
        for (at, recipient) in envelope.recipients.iter_mut().enumerate() {
            if !matches!(recipient.standing, Standing::Waiting(_) | Standing::Promised(_)) {
                continue;
            }
            if recipient.needs_dsn() && !offered.dsn {
                lacking = Some(at);
                continue;
            }
            let tag = u32::try_from(at).unwrap_or(u32::MAX);
            let (offer, next) = match std::mem::replace(&mut recipient.standing, Standing::Sent) {
                Standing::Waiting(offer) => (offer, Standing::Sent),
                Standing::Promised(offer) => (offer, Standing::SentAgain),
                other => {
                    recipient.standing = other;
                    continue;
                }
            };
            self.link.rcpt(now, tag, offer, &recipient.params);
            recipient.standing = next;
        }
        if let Some(at) = lacking {
            return self.recipient_lacks_dsn(now, at);
        }
        self.try_data(now);
    }

    /// Recipient `at` needs what this connection does not offer. It alone is no reason to
    /// take the envelope away from a smarthost that has taken others.
    fn recipient_lacks_dsn(&mut self, now: Moment, at: usize) {
        let Some(envelope) = self.phase.envelope_before_data() else { return };
        let promised = envelope.recipients.get(at).is_some_and(Recipient::is_told_250);
        let others = envelope.recipients.iter().any(Recipient::is_told_250);
        if (promised || !others) && self.begin_second_envelope(false) {
            return;
        }
        if promised {
            return self.not_taken_again(now);
        }
        self.conclude(now, at, replies::smarthost_lacks("DSN"));
        self.offer_envelope(now);
    }

    pub(crate) fn mail_replied(&mut self, now: Moment, reply: Reply) {
        if !reply.is_positive()
            && self.phase.envelope_before_data().is_some_and(|one| one.has_promised())
        {
            if self.is_class_refused_there(now, &reply) {
                return;
            }
            return self.not_taken_again(now);
        }
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let waiting = envelope.mail_slot.take();
        if reply.is_positive() {
            if let Some(slot) = waiting {
                self.server.answer(now, slot, verbatim(reply));
                self.try_data(now);
            }
            return;
        }
        let reply = verbatim(reply);
        match waiting {
            Some(slot) => self.mail_refused(now, slot, &reply),
            // The client has its 250 for MAIL: the recipients carry the refusal, which
            // clients handle better anyway. Replies still to come change nothing.
            None => self.fail_envelope(now, &reply),
        }
    }

    /// The smarthost cannot be had, or took not even MAIL: every recipient that
    /// waits for it is answered, and those that were accepted count no more.
    pub(crate) fn fail_envelope(&mut self, now: Moment, reply: &Reply) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        envelope.failed = Some(reply.clone());
        envelope.mail_asked = false;
        if self.link.connection().is_none() {
            // No reply to DATA will come.
            envelope.data_sent = false;
        }
        let mut open = Vec::new();
        for (at, recipient) in envelope.recipients.iter_mut().enumerate() {
            match recipient.standing {
                Standing::Asked(_)
                | Standing::Filtering(_)
                | Standing::Waiting(_)
                | Standing::Sent => open.push(at),
                Standing::Accepted | Standing::Promised(_) | Standing::SentAgain => {
                    recipient.standing = Standing::Refused { permanent: reply.is_permanent() };
                }
                _ => {}
            }
        }
        let mail_slot = envelope.mail_slot.take();
        if let Some(slot) = mail_slot {
            self.server.answer(now, slot, reply.clone());
            self.server.abandon_transaction();
        }
        for at in open {
            self.conclude(now, at, reply.clone());
        }
        self.try_data(now);
        if mail_slot.is_some() {
            // There never was a transaction.
            self.phase = Phase::Idle;
        }
    }

    pub(crate) fn handle_data(&mut self, now: Moment, slot: SlotId) {
        match &mut self.phase {
            Phase::Envelope(envelope) => {
                envelope.data_slot = Some(slot);
                self.try_data(now);
            }
            _ => self.server.answer(now, slot, replies::no_transaction()),
        }
    }

    /// Goes on with DATA when the client asked for it and every recipient is ready
    /// for it.
    pub(crate) fn try_data(&mut self, now: Moment) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(slot) = envelope.data_slot else { return };
        if envelope.mail_slot.is_some() || envelope.data_sent {
            return;
        }
        let tally = envelope.tally();
        if tally.undecided > 0 {
            return;
        }
        // Whom a smarthost took must not get what a filter has discarded.
        let discarded = envelope.discarded.is_some();
        if tally.sent == 0 && (tally.accepted == 0 || discarded) {
            self.release_upstream();
            return self.nobody_upstream(now, slot, tally);
        }
        if discarded {
            return;
        }
        let course = self.course();
        match (&mut self.link, course.hold) {
            // A tentative one is always held.
            (Link::None | Link::Asked | Link::Open(_), _) | (Link::Tentative(_), None) => {}
            (Link::Cleared(transaction), None) => {
                if tally.sent == 0 || transaction.connection().capabilities().pipelining {
                    self.data_at_once(now, slot, course.view);
                }
            }
            (Link::Cleared(_) | Link::Tentative(_), Some(until)) => {
                let answered = self.link.connection().is_some_and(Upstream::is_answered);
                if tally.sent == 0 && answered {
                    self.begin_holding(now, slot, until, course.view);
                }
            }
        }
    }

    /// DATA, ahead of the replies to RCPT where the smarthost takes pipelines; should it refuse
    /// them all and still say 354, the connection is dropped (RFC 2920 s3.1).
    fn data_at_once(&mut self, now: Moment, slot: SlotId, view: View) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(feed) = Feed::begin(view, &self.settings, now) else {
            self.phase = Phase::Idle;
            self.release_upstream();
            return self.server.answer(now, slot, replies::hold_budget_used_up());
        };
        envelope.feed = feed;
        envelope.data_sent = true;
        if let Link::Cleared(transaction) = &mut self.link {
            transaction.data(now);
        }
    }

    /// DATA, and nobody is left that the smarthost would deliver to.
    fn nobody_upstream(&mut self, now: Moment, slot: SlotId, tally: Tally) {
        if let Some(by) = self.refuses_discarded(tally) {
            let reply = self.discarded_at_data(now, by);
            self.phase = Phase::Idle;
            return self.server.answer(now, slot, reply);
        }
        let Phase::Envelope(envelope) = std::mem::take(&mut self.phase) else { return };
        // A smarthost that was lost comes first: somebody it had taken may have been
        // answered 250, and that mail must stay with the client.
        if tally.dropped > 0 && envelope.failed.is_none() {
            self.begin_swallowing_dropped(now, slot, *envelope);
            return;
        }
        let reply = match (&envelope.failed, envelope.recipients.is_empty()) {
            (Some(reply), _) => reply.clone(),
            (None, true) => replies::need_recipient(),
            (None, false) if tally.refused_for_now > 0 => replies::no_recipient_for_now(),
            (None, false) => replies::no_valid_recipient(),
        };
        self.server.answer(now, slot, reply);
    }

    /// Who has discarded a message of which smarthosts took recipients, where that is refused.
    fn refuses_discarded(&self, tally: Tally) -> Option<Arc<str>> {
        let Phase::Envelope(envelope) = &self.phase else { return None };
        let by = envelope.discarded.as_ref()?;
        let refused = tally.accepted > 0 && tally.dropped == 0 && envelope.failed.is_none();
        refused.then(|| Arc::clone(by))
    }

    pub(crate) fn data_replied(&mut self, now: Moment, reply: Reply) {
        match std::mem::take(&mut self.phase) {
            Phase::Envelope(envelope) => self.envelope_data_replied(now, *envelope, reply),
            Phase::Holding(holding) => self.held_data_replied(now, *holding, reply),
            other => self.phase = other,
        }
    }

    fn envelope_data_replied(&mut self, now: Moment, envelope: Envelope, reply: Reply) {
        let tally = envelope.tally();
        let Some(slot) = envelope.data_slot else { return self.drop_upstream() };
        let go_ahead = reply.code == 354;
        if tally.accepted > 0 && go_ahead {
            return self.begin_streaming(now, slot, envelope);
        }
        if go_ahead {
            // Everybody was refused, and yet it waits for data: no dot of ours may
            // ever follow (RFC 2920 s3.2 point 4).
            self.drop_upstream();
        } else {
            self.release_upstream();
        }
        if tally.accepted > 0 {
            self.server.answer(now, slot, verbatim(reply));
        } else {
            self.phase = Phase::Envelope(Box::new(envelope));
            self.nobody_upstream(now, slot, tally);
        }
    }

    /// What later records need to know of an envelope.
    pub(crate) fn message_facts(&self, envelope: &Envelope) -> Facts {
        let tally = envelope.tally();
        Facts {
            reference: envelope.reference,
            began: envelope.began,
            reverse_path_domain: envelope.from_domain.clone(),
            possible: envelope.possible.clone(),
            stream: envelope.possible.only().map(|id| Arc::clone(self.gate.streams().get(id))),
            recipients: tally.accepted,
            dropped: tally.dropped,
        }
    }
}
