//! What becomes of a message whose authors were read: refused at the client's dot, and the
//! smarthost's connection is dropped without one, or gets RSET where it waits before DATA.

use std::sync::Arc;

use smtp_session::Moment;

use crate::authors::{AuthorScan, Judged};
use crate::event::{Denied, Event};
use crate::phase::Phase;
use crate::relay::Relay;
use crate::replies;

impl Relay {
    /// `None` where no rule asks for authors, which is nearly always.
    pub(crate) fn author_scan(&self) -> Option<Box<AuthorScan>> {
        let (login, client) = (self.facts.login.as_deref(), self.facts.client);
        let domains = self.settings.access.senders.author_domains(login, client)?;
        Some(Box::new(AuthorScan::new(Arc::clone(domains), self.settings.header.limit)))
    }

    /// False when the message was refused for its authors.
    pub(crate) fn authors_judged(&mut self, now: Moment, judged: Judged) -> bool {
        let (content, facts) = match &mut self.phase {
            Phase::Streaming(streaming) => (&mut streaming.content, &streaming.facts),
            Phase::Holding(holding) => (&mut holding.content, &holding.facts),
            _ => return true,
        };
        match judged {
            Judged::NotYet => true,
            Judged::Permitted => {
                content.authors = None;
                true
            }
            Judged::Refused(fault) => {
                let reply = replies::author_refused(fault, &facts.reference);
                self.events.push_back(Event::Denied(Denied::Author));
                self.swallow(now, reply, "from");
                false
            }
            Judged::TooLong => {
                self.swallow(now, replies::header_too_big(), "header");
                false
            }
        }
    }

    /// The client's dot: a header without an empty line behind it has ended as well.
    pub(crate) fn judge_authors(&mut self, now: Moment) {
        let content = match &mut self.phase {
            Phase::Streaming(streaming) => &mut streaming.content,
            Phase::Holding(holding) => &mut holding.content,
            _ => return,
        };
        // A message without a single octet is refused as such.
        if let Some(authors) = content.authors.take().filter(|_| content.size > 0) {
            self.authors_judged(now, authors.end());
        }
    }
}
