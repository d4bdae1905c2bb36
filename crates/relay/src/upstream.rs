//! The smarthost's side of a transaction: the only file that names the client role.
//!
//! What may be said to the smarthost depends on whom it was shown, and the types say
//! it, so that the compiler keeps the promise and not a review:
//!
//! ```text
//!             begin                 data, content, finish
//!   Upstream -------> Transaction ------------------------> (its reply) --+
//!      ^                   | a provisional recipient   ^                  |
//!      |                   v                           | settle: everyone |
//!      |               Tentative ----------------------+ is Cleared       |
//!      |                   | settle: somebody is not                      |
//!      +----- abandon -----+-------------------- abandon, ended ----------+
//! ```
//!
//! * [`Upstream`] is between transactions: it has no RCPT and no DATA.
//! * A [`Transaction`] was shown [`Cleared`] recipients and nobody else, and `data` is
//!   its method alone.
//! * A [`Tentative`] one was shown [`Provisional`] recipients as well. It has no `data`,
//!   it owns the recipients, and it becomes a [`Transaction`] by [`Tentative::settle`]
//!   only, which asks every one of them for its [`Cleared`]. Should one not have it,
//!   what comes back is an [`Upstream`], which has no `data` either: RSET goes out
//!   before anything else.
//!
//! A connection does not belong to a session: it is asked for, used for one
//! transaction, and given back, with the note that RSET must come first when the
//! last transaction did not end with a reply to its dot.

use std::sync::Arc;

use address::{ForwardPath, ReversePath};
use policy::{Cleared, Provisional, Refused, StreamId};
use smtp_session::{Client, ClientEvent, Moment, Sent};
use smtp_wire::{Capabilities, MailParams, RcptParams};

use crate::settings::SmarthostId;

/// A connection to the smarthost that is past greeting and EHLO, in no transaction.
#[derive(Debug)]
pub struct Upstream {
    client: Client,
    smarthost: SmarthostId,
    /// A transaction was begun and not ended by the smarthost's reply to a dot.
    stale: bool,
}

impl Upstream {
    /// `client` must have given [`ClientEvent::Ready`]; `smarthost` is where it leads.
    pub fn new(client: Client, smarthost: SmarthostId) -> Self {
        Self { client, smarthost, stale: false }
    }

    /// Where it leads.
    pub fn smarthost(&self) -> SmarthostId {
        self.smarthost
    }

    /// Whether a transaction was on it before the present one: the smarthost may have closed it
    /// behind our back.
    pub fn is_reused(&self) -> bool {
        self.client.transactions() > 1
    }

    /// What this very connection offers.
    pub fn capabilities(&self) -> &Arc<Capabilities> {
        self.client.capabilities()
    }

    /// Nothing is outstanding, unread or unsent.
    pub fn is_at_rest(&self) -> bool {
        self.client.is_at_rest()
    }

    /// The smarthost wants no further transaction on it (RFC 9422 MAILMAX).
    pub fn is_spent(&self) -> bool {
        let limit = self.client.capabilities().limits.mail_max;
        limit.is_some_and(|limit| self.client.transactions() >= limit)
    }

    /// Says goodbye on a connection at rest; send [`Self::output`], then close.
    pub fn quit(&mut self, now: Moment) {
        self.client.quit(now);
    }

    /// Bytes for the smarthost, to be taken from the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.client.output()
    }

    /// MAIL, behind RSET where the last transaction was left open.
    pub(crate) fn begin(
        mut self: Box<Self>,
        now: Moment,
        from: &ReversePath,
        params: &MailParams,
    ) -> Transaction {
        if self.stale {
            self.client.rset(now);
        }
        self.stale = true;
        self.client.mail(now, from, params);
        Transaction(self)
    }

    pub(crate) fn noop(&mut self, now: Moment) {
        self.client.noop(now);
    }

    pub(crate) fn is_answered(&self) -> bool {
        self.client.is_answered()
    }

    pub(crate) fn unsent(&self) -> usize {
        self.client.unsent()
    }

    pub(crate) fn handle_bytes(&mut self, now: Moment, input: &[u8]) {
        self.client.handle_bytes(now, input);
    }

    pub(crate) fn handle_eof(&mut self) {
        self.client.handle_eof();
    }

    pub(crate) fn handle_timeout(&mut self, now: Moment) {
        self.client.handle_timeout(now);
    }

    pub(crate) fn poll_timeout(&self) -> Option<Moment> {
        self.client.poll_timeout()
    }

    pub(crate) fn poll_event(&mut self) -> Option<ClientEvent> {
        self.client.poll_event()
    }

    fn rcpt(&mut self, now: Moment, tag: u32, to: &ForwardPath, params: &RcptParams) {
        self.client.rcpt(now, tag, to, params);
    }
}

/// A transaction whose recipients are all cleared.
#[derive(Debug)]
pub(crate) struct Transaction(Box<Upstream>);

impl Transaction {
    pub(crate) fn rcpt(
        &mut self,
        now: Moment,
        tag: u32,
        to: &Cleared<ForwardPath>,
        params: &RcptParams,
    ) {
        self.0.rcpt(now, tag, to.path(), params);
    }

    pub(crate) fn data(&mut self, now: Moment) {
        self.0.client.data(now);
    }

    pub(crate) fn content(&mut self, span: &[u8]) {
        self.0.client.content(span);
    }

    pub(crate) fn finish(&mut self, now: Moment) -> bool {
        self.0.client.finish(now)
    }

    /// The smarthost answered the dot: no transaction is open any more.
    pub(crate) fn ended(mut self) -> Box<Upstream> {
        self.0.stale = false;
        self.0
    }

    /// Left open: RSET comes first in the next one.
    pub(crate) fn abandon(self) -> Box<Upstream> {
        self.0
    }

    pub(crate) fn connection(&self) -> &Upstream {
        &self.0
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Upstream {
        &mut self.0
    }
}

/// A transaction with recipients for whom the header has to decide first.
#[derive(Debug)]
pub(crate) struct Tentative {
    upstream: Box<Upstream>,
    /// With their tags, in the order in which they were shown.
    unsettled: Vec<(u32, Provisional<ForwardPath>)>,
}

/// The stream that was decided does not permit everybody who was shown.
#[derive(Debug)]
pub(crate) struct NotSettled {
    /// The connection; RSET comes first in the next transaction.
    pub(crate) upstream: Box<Upstream>,
    /// Those it does not permit, with their tags.
    pub(crate) refused: Vec<(u32, Box<Refused>)>,
}

impl From<Transaction> for Tentative {
    fn from(transaction: Transaction) -> Self {
        Self { upstream: transaction.0, unsettled: Vec::new() }
    }
}

impl Tentative {
    pub(crate) fn rcpt(
        &mut self,
        now: Moment,
        tag: u32,
        to: &Cleared<ForwardPath>,
        params: &RcptParams,
    ) {
        self.upstream.rcpt(now, tag, to.path(), params);
    }

    pub(crate) fn rcpt_provisional(
        &mut self,
        now: Moment,
        tag: u32,
        to: Provisional<ForwardPath>,
        params: &RcptParams,
    ) {
        self.upstream.rcpt(now, tag, to.path(), params);
        self.unsettled.push((tag, to));
    }

    /// The next thing that happened. A recipient that the smarthost itself refused is
    /// in no envelope, so nothing is left to decide about it.
    pub(crate) fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.upstream.poll_event();
        if let Some(ClientEvent::Reply(Sent::Rcpt(refused), reply)) = &event
            && !reply.is_positive()
        {
            self.unsettled.retain(|(tag, _)| tag != refused);
        }
        event
    }

    /// The header has decided.
    ///
    /// # Errors
    ///
    /// Those whom this stream does not permit. No data can follow then.
    pub(crate) fn settle(self, stream: StreamId) -> Result<Transaction, NotSettled> {
        let mut refused = Vec::new();
        for (tag, provisional) in self.unsettled {
            if let Err(why) = provisional.settle(stream) {
                refused.push((tag, why));
            }
        }
        if refused.is_empty() {
            Ok(Transaction(self.upstream))
        } else {
            Err(NotSettled { upstream: self.upstream, refused })
        }
    }

    /// Left open: RSET comes first in the next one.
    pub(crate) fn abandon(self) -> Box<Upstream> {
        self.upstream
    }

    pub(crate) fn connection(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Upstream {
        &mut self.upstream
    }
}
