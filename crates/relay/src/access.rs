//! Whether a client may send what it wants to send: asked at each MAIL, anew.
//!
//! RFC 5321 s3.6.2, s7.9; RFC 4954 s6. Nothing here is remembered between transactions:
//! a login, STARTTLS or a front end's word about who the client is change what is true.

use address::ReversePath;
use policy::{Claim, RelayControl, Relaying, SenderRules};
use smtp_session::{Moment, SlotId};
use smtp_wire::Reply;

use crate::event::{Denied, Event};
use crate::relay::Relay;
use crate::replies;

/// What the clients of a listener may do.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// Who may relay; by default nobody.
    pub control: RelayControl,
    /// Which senders each may use; by default any.
    pub senders: SenderRules,
}

impl Relay {
    /// Whether MAIL may open a transaction; answers it if not.
    pub(crate) fn may_send(&mut self, now: Moment, slot: SlotId, from: &ReversePath) -> bool {
        let Some((why, reply)) = self.objection(from) else { return true };
        self.events.push_back(Event::Denied(why));
        self.server.answer(now, slot, reply);
        self.server.abandon_transaction();
        false
    }

    fn objection(&self, from: &ReversePath) -> Option<(Denied, Reply)> {
        let claim = Claim {
            address: self.facts.client,
            login: self.facts.login.is_some(),
            certificate: self.facts.tls.as_ref().is_some_and(|tls| tls.certificate.is_some()),
        };
        let reply = match self.settings.access.control.judge(&claim) {
            Relaying::Permitted => return self.sender_objection(from),
            Relaying::LoginNeeded => replies::login_needed(),
            Relaying::CertificateNeeded => replies::certificate_needed(),
            Relaying::Denied => replies::relaying_denied(),
        };
        Some((Denied::Relaying, reply))
    }

    fn sender_objection(&self, from: &ReversePath) -> Option<(Denied, Reply)> {
        let (login, client) = (self.facts.login.as_deref(), self.facts.client);
        let permitted = self.settings.access.senders.permits(login, client, from);
        (!permitted).then(|| (Denied::Sender, replies::sender_not_yours()))
    }
}
