//! Classes of solicitation, both ways (RFC 3865).
//!
//! What a message is of it says twice: by `SOLICIT=` of MAIL, perhaps, and by its header field
//! `Solicitation`. Both must say the same. Who refuses what:
//!
//! | who | known when | refused where |
//! | --- | --- | --- |
//! | the listener, by its classes | at MAIL, or in the header | MAIL; the client's dot |
//! | a recipient, by an entry | at RCPT, or in the header | RCPT; the client's dot |
//! | the smarthost, by its EHLO | when the envelope goes there | RCPT; the client's dot |
//!
//! To a smarthost that offers the extension, what only the header tells is said by a second
//! envelope: the header is held (`way`), and RSET, MAIL with `SOLICIT=` and every RCPT go out
//! again on the same connection, before DATA. Who was answered 250 must be taken again
//! (`second_envelope`).

use std::sync::Arc;

use evidence::{Reference, Verdict as Recorded};
use policy::{Action, Reason, class_refused};
use smtp_session::{Moment, SlotId};
use smtp_wire::{Capabilities, MailParams, Reply, Solicitation};

use crate::event::Event;
use crate::phase::{Envelope, Phase, Recipient};
use crate::record;
use crate::relay::Relay;
use crate::replies;
use crate::solicit_scan::{Classes, Reading, Seen, SolicitScan};
use crate::verbatim::verbatim;

/// The gate, in records.
const GATE: &str = "solicitation";

impl Envelope {
    /// Somebody refuses classes, and the header has to tell them.
    pub(crate) fn has_class_refusals(&self) -> bool {
        let refuses = |one: &Recipient| one.facts.as_ref().is_some_and(|f| !f.classes.is_empty());
        self.recipients.iter().any(refuses)
    }

    /// A class of the message that a smarthost refuses which offers that; `header`: what the
    /// header says.
    fn class_forbidden(&self, header: &str, offered: &Capabilities) -> Option<String> {
        let refused = offered.no_soliciting.as_ref().filter(|classes| !classes.is_empty())?;
        let declared = self.params.solicit.as_ref().map_or("", Solicitation::as_str);
        let mut carried = declared.split(',').chain(header.split(','));
        let is_refused =
            |class: &&str| refused.classes().any(|one| one.eq_ignore_ascii_case(class));
        carried.find(is_refused).map(str::to_owned)
    }
}

impl Relay {
    /// The classes that this listener refuses, where it offers NO-SOLICITING.
    pub(crate) fn own_classes(&self) -> Option<Solicitation> {
        let asked = || self.gate.streams().ask_for_solicit().then(Solicitation::default);
        self.settings.no_soliciting.clone().or_else(asked)
    }

    /// MAIL says a class that this listener refuses: answers it.
    pub(crate) fn is_class_refused(
        &mut self,
        now: Moment,
        slot: SlotId,
        from_domain: Option<&str>,
        params: &MailParams,
    ) -> bool {
        let (Some(declared), Some(own)) = (&params.solicit, &self.settings.no_soliciting) else {
            return false;
        };
        let Some(class) = declared.first_of(own) else { return false };
        let reference = self.mint.next(now.unix_millis());
        let reply = replies::class_refused(class, &reference);
        let found = Found {
            reference,
            from_domain: from_domain.map(Arc::from),
            stream: None,
            message_id: None,
            verdict: Recorded::Refuse,
            reason: format!("SOLICIT={class}, which this listener refuses"),
            reply: Some(&reply),
        };
        self.class_found(now, found);
        self.server.answer(now, slot, reply);
        self.server.abandon_transaction();
        true
    }

    /// Whether the header is read for classes: it may have to be passed on, or compared, or
    /// somebody refuses some.
    pub(crate) fn classes_of(&self, envelope: &Envelope) -> Classes {
        if self.own_classes().is_none() && !envelope.has_class_refusals() {
            return Classes::NotRead;
        }
        let scan = SolicitScan::new(envelope.params.solicit.clone());
        let mut watched = Vec::new();
        if self.settings.action == Action::Shadow {
            let facts = envelope.recipients.iter().filter_map(|one| one.facts.as_ref());
            watched.extend(facts.flat_map(|facts| facts.classes.iter().cloned()));
        }
        Classes::Reading(Box::new(Reading { scan, watched }))
    }

    /// Whether the header has to be there before DATA because `SOLICIT=` is taken from it: the
    /// client has given none, and the smarthost in use would understand it.
    pub(crate) fn takes_solicit_from_header(&self, envelope: &Envelope) -> bool {
        let offered = self.link.connection().map(|upstream| upstream.capabilities());
        envelope.params.solicit.is_none()
            && offered.is_some_and(|offered| offered.no_soliciting.is_some())
            && self.own_classes().is_some()
    }

    /// Takes a span of mail data. False when the message was refused for its classes.
    pub(crate) fn read_classes(&mut self, now: Moment, span: &[u8]) -> bool {
        let Some(content) = self.phase.content_mut() else { return true };
        let Classes::Reading(reading) = &mut content.classes else { return true };
        match reading.scan.scan(span) {
            Seen::NotYet => true,
            Seen::Ended => self.classes_ended(now),
            Seen::Unreadable => {
                self.refuse_classes(now, "a header that cannot be read", |reference| {
                    replies::solicitation_unreadable(reference)
                });
                false
            }
        }
    }

    /// The header has ended, or the message has. False when the message was refused.
    pub(crate) fn classes_ended(&mut self, now: Moment) -> bool {
        let own = self.settings.no_soliciting.clone();
        let Some(content) = self.phase.content_mut() else { return true };
        if !content.classes.is_reading() {
            return true;
        }
        let Classes::Reading(reading) = std::mem::take(&mut content.classes) else { return true };
        let Reading { scan, watched } = *reading;
        let Some(said) = scan.end() else {
            let what = "SOLICIT= and the header Solicitation differ";
            self.refuse_classes(now, what, replies::solicitation_differs);
            return false;
        };
        let refused = own.as_ref().and_then(|own| {
            let carried = said.carried.split(',');
            let own = |class: &&str| own.classes().any(|one| one.eq_ignore_ascii_case(class));
            carried.into_iter().find(own).map(str::to_owned)
        });
        let shadowed = class_refused(&watched, &said.carried);
        content.classes = Classes::Read(Box::new(said));
        if let Some(class) = refused {
            let what = format!("Solicitation: {class}, which this listener refuses");
            self.refuse_classes(now, &what, |reference| replies::class_refused(&class, reference));
            return false;
        }
        if let Some(reason) = shadowed {
            self.message_found(now, Recorded::Shadow, reason.in_full(), None);
        }
        true
    }

    /// A filter has changed what is held: its header is compared and refused as the client's was.
    /// False when the message was refused for what is in it now.
    pub(crate) fn classes_changed(&mut self, now: Moment, content: &[u8]) -> bool {
        let Phase::Holding(holding) = &mut self.phase else { return false };
        if !matches!(holding.content.classes, Classes::Read(_)) {
            return true;
        }
        let told = holding.envelope.recipients.iter().filter(|one| one.is_told_250());
        let facts = told.filter_map(|one| one.facts.as_ref());
        let refused: Vec<_> = facts.flat_map(|facts| facts.classes.iter().cloned()).collect();
        let scan = SolicitScan::new(holding.envelope.params.solicit.clone());
        let before = holding.content.classes.carried().to_owned();
        let reading = Reading { scan, watched: Vec::new() };
        holding.content.classes = Classes::Reading(Box::new(reading));
        if !self.read_classes(now, content) || !self.classes_ended(now) {
            return false;
        }
        let Some(content) = self.phase.content_mut() else { return false };
        let carried = content.classes.carried();
        if carried == before {
            return true;
        }
        match class_refused(&refused, carried) {
            None => true,
            Some(reason) if self.settings.action == Action::Shadow => {
                self.message_found(now, Recorded::Shadow, reason.in_full(), None);
                true
            }
            Some(Reason::Class(class, _)) => {
                let what = format!("Solicitation: {class} of a filter, which a recipient refuses");
                let reply = |reference: &Reference| replies::class_refused(&class, reference);
                self.refuse_classes(now, &what, reply);
                false
            }
            Some(unknown) => {
                let reply = |reference: &Reference| replies::class_unknown(&unknown, reference);
                self.class_stops(now, Recorded::Defer, &unknown.in_full(), reply);
                false
            }
        }
    }

    /// The classes of what is held are known: says them to the smarthost.
    pub(crate) fn say_classes(&mut self, now: Moment) {
        // A header that was read for the recipients' sake alone says nothing upstream.
        let passes_on = self.own_classes().is_some();
        let Phase::Holding(holding) = &mut self.phase else { return };
        let Classes::Read(said) = &mut holding.content.classes else { return };
        let value = said.value.take();
        let (declared, comment) = (passes_on && value.is_some(), value.clone());
        if declared {
            said.was_passed_on = true;
            holding.envelope.params.solicit = value;
        }
        let (facts, utf8) = (holding.facts.clone(), holding.envelope.is_utf8());
        if comment.is_some() {
            let trace = self.trace(now, &facts, utf8, comment.as_ref());
            if let Phase::Holding(holding) = &mut self.phase {
                holding.trace = trace;
            }
        }
        let Some(offered) = self.link.connection().map(|one| Arc::clone(one.capabilities())) else {
            return;
        };
        if let Some(class) = self.class_forbidden(&offered) {
            return self.class_forbidden_there(now, class);
        }
        if declared && offered.no_soliciting.is_some() {
            self.begin_envelope_anew(now);
        }
    }

    /// A class of the message that this smarthost refuses.
    pub(crate) fn class_forbidden(&self, offered: &Capabilities) -> Option<String> {
        match &self.phase {
            Phase::Envelope(envelope) => envelope.class_forbidden("", offered),
            Phase::Holding(holding) => {
                holding.envelope.class_forbidden(holding.content.classes.carried(), offered)
            }
            _ => None,
        }
    }

    /// The smarthost in use refuses a class of the message; another may not.
    pub(crate) fn class_forbidden_there(&mut self, now: Moment, class: String) {
        if let Some(envelope) = self.phase.envelope_before_data() {
            envelope.forbidden = Some(class);
        }
        if !self.begin_second_envelope(false) {
            self.release_upstream();
            self.forbidden_everywhere(now);
        }
    }

    /// No smarthost is left that takes the class. False when none has refused it.
    pub(crate) fn forbidden_everywhere(&mut self, now: Moment) -> bool {
        let Some(envelope) = self.phase.envelope_before_data() else { return false };
        let Some(class) = envelope.forbidden.clone() else { return false };
        if matches!(self.phase, Phase::Holding(_)) {
            let what = format!("Solicitation: {class}, which the smarthost refuses");
            self.refuse_classes(now, &what, |reference| {
                replies::class_refused_there(&class, reference)
            });
            return true;
        }
        let Phase::Envelope(envelope) = &mut self.phase else { return false };
        let reply = replies::class_refused_there(&class, &envelope.reference);
        for one in envelope.recipients.iter_mut().filter(|one| one.reason.is_none()) {
            one.reason = Some(Reason::ClassAtSmarthost(class.clone()));
        }
        self.fail_envelope(now, &reply);
        true
    }

    /// The second envelope, with what the header says, is on its way or was.
    pub(crate) fn has_said_classes(&self) -> bool {
        let Phase::Holding(holding) = &self.phase else { return false };
        holding.envelope.params.solicit.is_some()
            && matches!(&holding.content.classes, Classes::Read(said) if said.was_passed_on)
    }

    /// It is refused because of the classes, for good: so is the message.
    pub(crate) fn is_class_refused_there(&mut self, now: Moment, reply: &Reply) -> bool {
        let named = reply.text.to_ascii_uppercase().contains("SOLICIT=");
        let refused = reply.is_permanent() && named && self.has_said_classes();
        if refused {
            let what = "SOLICIT= from the header, which the smarthost refuses";
            self.refuse_classes(now, what, |_| verbatim(reply.clone()));
        }
        refused
    }

    /// Refuses the message at the client's dot, and writes down why.
    fn refuse_classes(&mut self, now: Moment, why: &str, reply: impl FnOnce(&Reference) -> Reply) {
        self.class_stops(now, Recorded::Refuse, why, reply);
    }

    fn class_stops(
        &mut self,
        now: Moment,
        verdict: Recorded,
        why: &str,
        reply: impl FnOnce(&Reference) -> Reply,
    ) {
        let reference = match &self.phase {
            Phase::Streaming(streaming) => streaming.facts.reference,
            Phase::Holding(holding) => holding.facts.reference,
            _ => return,
        };
        let reply = reply(&reference);
        self.message_found(now, verdict, why.to_owned(), Some(&reply));
        self.swallow(now, reply, GATE);
    }

    fn message_found(
        &mut self,
        now: Moment,
        verdict: Recorded,
        reason: String,
        reply: Option<&Reply>,
    ) {
        let (content, facts) = match &self.phase {
            Phase::Streaming(streaming) => (&streaming.content, &streaming.facts),
            Phase::Holding(holding) => (&holding.content, &holding.facts),
            _ => return,
        };
        let found = Found {
            reference: facts.reference,
            from_domain: facts.reverse_path_domain.clone(),
            stream: facts.stream.as_ref().map(|stream| Arc::clone(&stream.name)),
            message_id: content.header.message_id().map(str::to_owned),
            verdict,
            reason,
            reply,
        };
        self.class_found(now, found);
    }

    fn class_found(&mut self, now: Moment, found: Found<'_>) {
        let record = evidence::Finding {
            time: record::time(now),
            session: Arc::clone(&self.facts.id),
            client: self.facts.client,
            login: self.shown.login.clone(),
            listener: self.facts.listener,
            transaction: found.reference,
            reverse_path_domain: found.from_domain,
            stream: found.stream,
            message_id: found.message_id,
            gate: GATE.into(),
            verdict: found.verdict,
            reason: found.reason,
            reply: found.reply.map(record::reply_text),
        };
        self.events.push_back(Event::Found(Box::new(record)));
    }
}

/// What a record is made of.
struct Found<'a> {
    reference: Reference,
    from_domain: Option<Arc<str>>,
    stream: Option<Arc<str>>,
    message_id: Option<String>,
    verdict: Recorded,
    reason: String,
    reply: Option<&'a Reply>,
}
