//! The envelope, recipient by recipient: RFC 5321 s3.3, DESIGN's queue-less rule.
//!
//! A recipient is judged the moment it comes. Refused ones are answered here and
//! never shown to the smarthost; permitted ones go upstream in the order in which
//! they were cleared, and the client gets the smarthost's own reply. The envelope
//! sent upstream is written from the parsed addresses, never from raw bytes.

use address::{ForwardPath, ReversePath};
use std::sync::Arc;

use evidence::Reference;
use evidence::Verdict as Recorded;
use policy::{
    Asked, Cleared, Decision, Lookup, QuestionId, Reason, RecipientFacts, Ruling, Verdict,
};
use smtp_session::{Moment, SlotId};
use smtp_wire::{Body, Capabilities, MailParams, RcptParams, Reply};

use crate::data::Facts;
use crate::event::Event;
use crate::record::{self, Judged};
use crate::replies;
use crate::session::{Contact, Link, Phase, Relay, Way};
use crate::verbatim::verbatim;

/// Where a recipient stands.
#[derive(Debug)]
pub(crate) enum Standing {
    /// A live source is being asked.
    Asked(QuestionId),
    /// Cleared, not yet sent upstream.
    Waiting(Cleared<ForwardPath>),
    /// RCPT is on its way.
    Sent,
    /// The smarthost took it.
    Accepted,
    /// Answered 250, not forwarded.
    Dropped,
    /// 5yz (true) or 4yz.
    Refused { permanent: bool },
}

#[derive(Debug)]
pub(crate) struct Recipient {
    slot: SlotId,
    params: RcptParams,
    standing: Standing,
    reason: Option<Reason>,
    facts: Option<RecipientFacts>,
    plain: Option<String>,
}

/// From MAIL to the answer to DATA.
#[derive(Debug)]
pub(crate) struct Envelope {
    pub(crate) reference: Reference,
    pub(crate) began: Moment,
    from: ReversePath,
    from_domain: Option<Arc<str>>,
    params: MailParams,
    /// MAIL waits for the smarthost's own reply.
    mail_slot: Option<SlotId>,
    mail_sent: bool,
    recipients: Vec<Recipient>,
    data_slot: Option<SlotId>,
    data_sent: bool,
    /// The smarthost cannot be had for this transaction: everybody's reply.
    failed: Option<Reply>,
}

/// Recipients by where they stand.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    undecided: usize,
    sent: usize,
    accepted: usize,
    dropped: usize,
    refused_for_now: usize,
}

impl Envelope {
    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for recipient in &self.recipients {
            match recipient.standing {
                Standing::Asked(_) | Standing::Waiting(_) => tally.undecided += 1,
                Standing::Sent => tally.sent += 1,
                Standing::Accepted => tally.accepted += 1,
                Standing::Dropped => tally.dropped += 1,
                Standing::Refused { permanent: false } => tally.refused_for_now += 1,
                Standing::Refused { permanent: true } => {}
            }
        }
        tally
    }

    /// The parameters of MAIL for this connection. SIZE is ours to offer, so it may
    /// be left out where the smarthost does not know it; BODY=7BIT asks for nothing.
    /// Anything else the connection lacks is an error: no parameter is dropped
    /// silently.
    fn mail_params(&self, offered: &Capabilities, added: u64) -> Result<MailParams, &'static str> {
        let mut params = self.params.clone();
        params.size = match offered.size {
            Some(_) => params.size.map(|size| size.saturating_add(added)),
            None => None,
        };
        match params.body {
            Some(Body::EightBitMime) if !offered.eight_bit_mime => return Err("8BITMIME"),
            Some(Body::SevenBit) if !offered.eight_bit_mime => params.body = None,
            _ => {}
        }
        if params.smtputf8 && !offered.smtputf8 {
            return Err("SMTPUTF8");
        }
        if (params.ret.is_some() || params.envid.is_some()) && !offered.dsn {
            return Err("DSN");
        }
        Ok(params)
    }

    pub(crate) fn is_utf8(&self) -> bool {
        self.params.smtputf8
    }
}

impl Relay {
    pub(crate) fn handle_mail(
        &mut self,
        now: Moment,
        slot: SlotId,
        from: ReversePath,
        params: MailParams,
    ) {
        let limit = self.server.offered().size.unwrap_or(0);
        if limit > 0 && params.size.is_some_and(|size| size > limit) {
            self.server.answer(now, slot, replies::too_big());
            self.server.abandon_transaction();
            return;
        }
        let at_once = self.settings.contact == Contact::Recipient;
        self.phase = Phase::Envelope(Box::new(Envelope {
            reference: self.mint.next(now.unix_millis()),
            began: now,
            from_domain: from.domain().map(Arc::from),
            from,
            params,
            mail_slot: (!at_once).then_some(slot),
            mail_sent: false,
            recipients: Vec::new(),
            data_slot: None,
            data_sent: false,
            failed: None,
        }));
        if at_once {
            self.server.answer(now, slot, replies::sender_ok());
        } else {
            self.offer_envelope(now);
        }
    }

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
        match self.gate.judge(to, self.settings.action) {
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
        lookup: Lookup,
    ) {
        // The transaction it was asked for may be gone.
        let Phase::Envelope(envelope) = &self.phase else { return };
        let waiting = |one: &Recipient| matches!(one.standing, Standing::Asked(q) if q == id);
        if let Some(at) = envelope.recipients.iter().position(waiting) {
            self.decided(now, at, asked.resolve(lookup));
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
            reason: recipient.reason.as_ref(),
            facts: recipient.facts.as_ref(),
            plain: recipient.plain.as_deref(),
            reply: &reply,
        };
        let slot = recipient.slot;
        let record = record::decision(&self.facts, now, judged);
        self.events.push_back(Event::Decided(Box::new(record)));
        self.server.answer(now, slot, reply);
    }

    /// The smarthost's word on recipient `at`, or ours in its place.
    fn conclude(&mut self, now: Moment, at: usize, reply: Reply) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        let Some(recipient) = envelope.recipients.get_mut(at) else { return };
        let shadowed = recipient.reason.is_some();
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

    /// Sends upstream what is cleared and not yet sent; opens a connection first
    /// when there is none.
    pub(crate) fn offer_envelope(&mut self, now: Moment) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        if envelope.failed.is_some() {
            return;
        }
        let upstream = match &mut self.link {
            Link::Open(upstream) => upstream,
            Link::Asked => return,
            Link::None => {
                self.link = Link::Asked;
                self.events.push_back(Event::OpenUpstream);
                return;
            }
        };
        let offered = Arc::clone(upstream.capabilities());
        if !envelope.mail_sent {
            let lacks = match envelope.mail_params(&offered, crate::trace::SIZE_ALLOWANCE) {
                Ok(params) => {
                    envelope.mail_sent = true;
                    upstream.begin(now, &envelope.from, &params);
                    None
                }
                Err(lacks) => Some(lacks),
            };
            if let Some(extension) = lacks {
                self.release_upstream();
                self.fail_envelope(now, &replies::smarthost_lacks(extension));
                return;
            }
        }
        let mut lacking = None;
        for (at, recipient) in envelope.recipients.iter_mut().enumerate() {
            let Standing::Waiting(cleared) = &recipient.standing else { continue };
            let dsn = recipient.params.notify.is_some() || recipient.params.orcpt.is_some();
            if dsn && !offered.dsn {
                lacking = Some(at);
                continue;
            }
            upstream.rcpt(now, u32::try_from(at).unwrap_or(u32::MAX), cleared, &recipient.params);
            recipient.standing = Standing::Sent;
        }
        if let Some(at) = lacking {
            self.conclude(now, at, replies::smarthost_lacks("DSN"));
            return self.offer_envelope(now);
        }
        self.try_data(now);
    }

    pub(crate) fn mail_replied(&mut self, now: Moment, reply: Reply) {
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
            Some(slot) => {
                self.server.answer(now, slot, reply.clone());
                self.fail_envelope(now, &reply);
                self.phase = Phase::Idle;
                self.server.abandon_transaction();
                self.release_upstream();
            }
            // The client has its 250 for MAIL: the recipients carry the refusal, which
            // clients handle better anyway. Replies still to come change nothing.
            None => self.fail_envelope(now, &reply),
        }
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

    /// The smarthost cannot be had, or took not even MAIL: every recipient that
    /// waits for it is answered, and those that were accepted count no more.
    pub(crate) fn fail_envelope(&mut self, now: Moment, reply: &Reply) {
        let Phase::Envelope(envelope) = &mut self.phase else { return };
        envelope.failed = Some(reply.clone());
        if !matches!(self.link, Link::Open(_)) {
            // No reply to DATA will come.
            envelope.data_sent = false;
        }
        let mut open = Vec::new();
        for (at, recipient) in envelope.recipients.iter_mut().enumerate() {
            match recipient.standing {
                Standing::Asked(_) | Standing::Waiting(_) | Standing::Sent => open.push(at),
                Standing::Accepted => {
                    recipient.standing = Standing::Refused { permanent: reply.is_permanent() };
                }
                _ => {}
            }
        }
        if let Some(slot) = envelope.mail_slot.take() {
            self.server.answer(now, slot, reply.clone());
            self.server.abandon_transaction();
        }
        for at in open {
            self.conclude(now, at, reply.clone());
        }
        self.try_data(now);
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
        let tally = envelope.tally();
        if tally.undecided > 0 || envelope.mail_slot.is_some() || envelope.data_sent {
            return;
        }
        if tally.accepted + tally.sent == 0 {
            self.release_upstream();
            return self.nobody_upstream(now, slot, tally);
        }
        let Link::Open(upstream) = &mut self.link else { return };
        match &self.settings.way {
            Way::Through => {
                // Sent ahead of the replies to RCPT where the smarthost takes
                // pipelines; should it refuse them all and still say 354, the
                // connection is dropped (RFC 2920 s3.1).
                if tally.sent == 0 || upstream.capabilities().pipelining {
                    envelope.data_sent = true;
                    upstream.data(now);
                }
            }
            Way::Held(hold) => {
                if tally.sent == 0 && upstream.is_answered() {
                    let hold = hold.clone();
                    self.begin_holding(now, slot, &hold);
                }
            }
        }
    }

    /// DATA, and nobody is left that the smarthost would deliver to.
    fn nobody_upstream(&mut self, now: Moment, slot: SlotId, tally: Tally) {
        let Phase::Envelope(envelope) = std::mem::take(&mut self.phase) else { return };
        if tally.dropped > 0 {
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
            recipients: tally.accepted,
            dropped: tally.dropped,
        }
    }
}
