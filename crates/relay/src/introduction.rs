//! Who the client is, told to a smarthost that wants to know.
//!
//! By XFORWARD it is said ahead of each MAIL, of every attribute anew, so that nothing of one
//! transaction is left for the next. By XCLIENT a connection is the client's for good: it is
//! asked for with the client's identity, and taken only if it is that very one.

use std::sync::Arc;

use smtp_wire::ClientIdentity;

use crate::event::{Event, OpenFailure, Wanted};
use crate::link::Link;
use crate::relay::Relay;
use crate::upstream::{Introduction, Upstream};

impl Relay {
    /// Asks for a connection; the client's own where some smarthost is told who it is.
    pub(crate) fn ask_upstream(&mut self, mut wanted: Wanted) {
        if self.settings.routes.introduce {
            wanted.client = Some(Arc::new(self.client_identity()));
        }
        self.link = Link::Asked;
        self.events.push_back(Event::OpenUpstream(wanted));
    }

    /// For the transaction that begins now, if this connection is told.
    pub(crate) fn introduction(&mut self) -> Option<Introduction> {
        let Link::Open(upstream) = &self.link else { return None };
        if !upstream.is_told() {
            return None;
        }
        let ident = self.phase.envelope_before_data()?.reference.to_string();
        let client = ClientIdentity { port: self.facts.port, ..self.client_identity() };
        Some(Introduction { client, ident })
    }

    /// What came, unless the smarthost takes it for somebody else's: nobody's mail may go out
    /// in another's name.
    pub(crate) fn unless_foreign(
        &mut self,
        opened: Result<Box<Upstream>, OpenFailure>,
    ) -> Result<Box<Upstream>, OpenFailure> {
        let upstream = opened?;
        if upstream.client().is_none_or(|told| **told == self.client_identity()) {
            return Ok(upstream);
        }
        self.events.push_back(Event::ReleaseUpstream(upstream));
        Err(OpenFailure::Unreachable)
    }

    /// Without the port: it is another for each connection.
    fn client_identity(&self) -> ClientIdentity {
        ClientIdentity {
            address: self.facts.client,
            port: None,
            helo: self.client_name.clone(),
            extended: self.server.is_extended(),
            login: self.facts.login.as_deref().map(str::to_owned),
        }
    }
}
