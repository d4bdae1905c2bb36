//! Who the client is, and what makes that change: TLS, a login, a front end's word.
//!
//! Everything that looks at the client asks the facts of the session when it needs them, so
//! that a change holds from the next command on.

use std::sync::Arc;

use smtp_session::{Moment, SlotId};
use smtp_wire::{Told, XCLIENT_ATTRIBUTES, Xclient};

use crate::event::Event;
use crate::relay::Relay;
use crate::settings::TlsFacts;
use crate::shown::Shown;

impl Relay {
    /// The client's TLS handshake is done, after [`Event::StartTls`](crate::Event::StartTls) or
    /// before anything else: everything it said before is forgotten (RFC 3207 s4.2).
    pub fn handle_secured(&mut self, now: Moment, tls: TlsFacts) {
        self.forget_client();
        self.facts.tls = Some(Arc::new(tls));
        self.logged_in(None);
        self.server.secured(now);
        self.settle(now);
    }

    /// Whoever is logged in now, if anybody; how, is not known here.
    pub(crate) fn logged_in(&mut self, user: Option<Arc<str>>) {
        self.facts.login = user;
        self.facts.mechanism = None;
        self.shown = Shown::new(&self.facts, &self.gate, self.settings.plain_recipients);
    }

    /// The attributes of XCLIENT, where this client may send it.
    pub(crate) fn xclient_attributes(&self) -> Vec<String> {
        match self.settings.xclient.contain(self.facts.client) {
            true => XCLIENT_ATTRIBUTES.map(str::to_owned).to_vec(),
            false => Vec::new(),
        }
    }

    /// A front end says who the client is. What the front end itself has proven (a login, a
    /// certificate) is not the client's.
    pub(crate) fn handle_xclient(&mut self, now: Moment, slot: SlotId, told: Xclient) {
        self.forget_client();
        if let Some(address) = told.address {
            self.facts.client = address;
        }
        self.facts.port = None;
        self.helo_told = known(told.helo);
        if let Some(tls) = &mut self.facts.tls
            && tls.certificate.is_some()
        {
            *tls = Arc::new(TlsFacts { certificate: None, ..TlsFacts::clone(tls) });
        }
        self.logged_in(known(told.login));
        if self.facts.login.is_some() {
            self.facts.mechanism = Some(TOLD_BY.into());
        }
        if self.server.restart(now, slot, self.facts.login.is_some()) {
            self.events.push_back(Event::Greeted(self.facts.client));
        }
    }

    fn forget_client(&mut self) {
        self.forget_transaction();
        self.forget_exchange();
        self.part();
        self.client_name = String::new();
        self.helo_told = None;
    }
}

/// How a login came that a front end tells of, as Postfix says it to its filters too: which
/// mechanism there was stays with the front end.
const TOLD_BY: &str = "XCLIENT";

fn known(told: Option<Told>) -> Option<Arc<str>> {
    match told {
        Some(Told::Known(value)) => Some(value.into()),
        Some(Told::Unavailable) | None => None,
    }
}
