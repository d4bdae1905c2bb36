//! Whether a client may send what it wants to send: asked at each MAIL, anew.
//!
//! RFC 5321 s3.6.2, s7.9; RFC 4954 s6. Nothing here is remembered between transactions:
//! a login, STARTTLS or a front end's word about who the client is change what is true.

use address::{Domain, ForwardPath, Mailbox, ReversePath};
use policy::{Claim, Relaying, Source, TooMuch};
use smtp_session::{Moment, SlotId};
use smtp_wire::Reply;

use crate::event::{Denied, Event};
use crate::phase::Phase;
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// Whether MAIL may open a transaction; answers it if not.
    pub(crate) fn may_send(&mut self, now: Moment, slot: SlotId, from: &ReversePath) -> bool {
        let Some((why, reply)) = self.objection(now, from) else { return true };
        self.events.push_back(Event::Denied(why));
        self.server.answer(now, slot, reply);
        self.server.abandon_transaction();
        false
    }

    fn objection(&self, now: Moment, from: &ReversePath) -> Option<(Denied, Reply)> {
        let claim = Claim {
            address: self.facts.client,
            login: self.facts.login.is_some(),
            certificate: self.facts.tls.as_ref().is_some_and(|tls| tls.certificate.is_some()),
        };
        let reply = match self.settings.access.control.judge(&claim) {
            Relaying::Permitted => return self.sender_objection(now, from),
            // It had no way to log in, and may have one in a moment.
            Relaying::LoginNeeded if self.server.is_login_unknown() => replies::login_unknown(),
            Relaying::LoginNeeded => replies::login_needed(),
            Relaying::CertificateNeeded => replies::certificate_needed(),
            Relaying::Denied => replies::relaying_denied(),
        };
        Some((Denied::Relaying, reply))
    }

    fn sender_objection(&self, now: Moment, from: &ReversePath) -> Option<(Denied, Reply)> {
        let (login, client) = (self.facts.login.as_deref(), self.facts.client);
        let access = &self.settings.access;
        if !access.senders.permits(login, client, from) {
            return Some((Denied::Sender, replies::sender_not_yours()));
        }
        let rates = access.rates.as_deref()?;
        let domain = from.domain();
        let source = Source { client, login, domain: domain.as_deref() };
        let too_much = rates.message(now.monotonic(), &source).err()?;
        Some((Denied::Rate(too_much), replies::too_many_messages(&too_much)))
    }

    /// Whether there were too many recipients of late, this one included.
    pub(crate) fn too_many(&mut self, now: Moment, to: &ForwardPath) -> Option<TooMuch> {
        let rates = self.settings.access.rates.as_deref()?;
        let Phase::Envelope(envelope) = &mut self.phase else { return None };
        let source = Source {
            client: self.facts.client,
            login: self.facts.login.as_deref(),
            domain: envelope.from_domain.as_deref(),
        };
        let domain = match to.mailbox().map(Mailbox::domain) {
            Some(Domain::Name(name)) => Some(name.as_str()),
            _ => None,
        };
        let first = domain.is_some_and(|domain| {
            !envelope.domains.contains(domain) && envelope.domains.insert(domain.into())
        });
        let too_much = rates.recipient(now.monotonic(), &source, domain, first).err()?;
        self.events.push_back(Event::Denied(Denied::Rate(too_much)));
        Some(too_much)
    }
}
