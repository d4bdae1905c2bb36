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
//!      +---- take_back ----+------------------ take_back, ended ----------+
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
//! Whom a smarthost was shown, it may be lost with: so both kinds of transaction keep the
//! proofs until DATA, and [`Transaction::take_back`] gives them out again, for a second
//! envelope. `data` destroys them: behind it nobody can be shown to another smarthost.
//!
//! A connection does not belong to a session: it is asked for, used for one
//! transaction, and given back, with the note that RSET must come first when the
//! last transaction did not end with a reply to its dot.

use std::sync::Arc;

use address::{ForwardPath, ReversePath};
use policy::{Cleared, Provisional, Refused, StreamId};
use smtp_session::{Client, ClientEvent, Moment, Sent};
use smtp_wire::{Capabilities, ClientIdentity, MailParams, RcptParams};

use crate::settings::SmarthostId;

/// A connection to the smarthost that is past greeting and EHLO, in no transaction.
#[derive(Debug)]
pub struct Upstream {
    client: Client,
    smarthost: SmarthostId,
    /// A transaction was begun and not ended by the smarthost's reply to a dot.
    stale: bool,
    /// It deferred the last transaction's MAIL for a trouble of its own.
    troubled: bool,
    /// Somebody logs in on it by himself: it serves no other session.
    bound: bool,
    /// It is told who the client is, by XFORWARD, if it offers that.
    told: bool,
    /// What it said to XFORWARD, where that was a refusal.
    refused: Option<u16>,
}

/// Who the client of a transaction is.
#[derive(Debug)]
pub(crate) struct Introduction {
    pub(crate) client: ClientIdentity,
    /// Our own name for the transaction.
    pub(crate) ident: String,
}

impl Upstream {
    /// `client` must have given [`ClientEvent::Ready`]; `smarthost` is where it leads.
    pub fn new(client: Client, smarthost: SmarthostId) -> Self {
        Self {
            client,
            smarthost,
            stale: false,
            troubled: false,
            bound: false,
            told: false,
            refused: None,
        }
    }

    /// The same, and it is told of each transaction who its client is: XFORWARD.
    #[must_use]
    pub fn with_xforward(self) -> Self {
        Self { told: true, ..self }
    }

    /// XFORWARD is due before MAIL.
    pub(crate) fn is_told(&self) -> bool {
        self.told && !self.capabilities().xforward.is_empty()
    }

    /// The code by which it refused XFORWARD, if it did. Mail goes on without.
    pub fn xforward_refused(&self) -> Option<u16> {
        self.refused
    }

    /// The client it takes us for, by XCLIENT: it serves nobody else.
    pub fn client(&self) -> Option<&Arc<ClientIdentity>> {
        self.client.introduced()
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

    /// Whether any transaction was on it yet.
    pub(crate) fn was_used(&self) -> bool {
        self.client.transactions() > 0
    }

    /// What the smarthost's greeting said in the keywords of 1998, if anything.
    pub fn keywords(&self) -> Option<&smtp_wire::BannerKeywords> {
        self.client.keywords()
    }

    /// What this very connection offers.
    pub fn capabilities(&self) -> &Arc<Capabilities> {
        self.client.capabilities()
    }

    /// We have logged in on it ourselves, and vouch for nobody (RFC 4954 s5).
    pub(crate) fn is_logged_in(&self) -> bool {
        !self.bound && self.client.is_logged_in()
    }

    /// Nothing is outstanding, unread or unsent.
    pub fn is_at_rest(&self) -> bool {
        self.client.is_at_rest()
    }

    /// It must not serve another session: the smarthost wants no further transaction on it
    /// (RFC 9422 MAILMAX), or a client has logged in on it.
    pub fn is_spent(&self) -> bool {
        let limit = self.client.capabilities().limits.mail_max;
        self.bound || limit.is_some_and(|limit| self.client.transactions() >= limit)
    }

    /// Transactions that were begun on it.
    pub fn transactions(&self) -> u32 {
        self.client.transactions()
    }

    /// The smarthost deferred the last transaction's MAIL because of its own state: 451 or 452
    /// with X.3.Z, "mail system status" (RFC 3463 s3.4).
    pub fn is_troubled(&self) -> bool {
        self.troubled
    }

    /// Says goodbye on a connection at rest; send [`Self::output`], then close.
    pub fn quit(&mut self, now: Moment) {
        self.client.quit(now);
    }

    /// Bytes for the smarthost, to be taken from the front.
    pub fn output(&mut self) -> &mut Vec<u8> {
        self.client.output()
    }

    /// MAIL, behind RSET where the last transaction was left open, and behind XFORWARD.
    pub(crate) fn begin(
        mut self: Box<Self>,
        now: Moment,
        introduction: Option<Introduction>,
        from: &ReversePath,
        params: &MailParams,
    ) -> Transaction {
        if self.stale {
            self.client.rset(now);
        }
        if let Some(Introduction { client, ident }) = introduction {
            self.client.xforward(now, &client, &ident);
        }
        self.stale = true;
        self.client.mail(now, from, params);
        Transaction { upstream: self, shown: Vec::new(), heard: false }
    }

    /// AUTH of the client's own (RFC 4954).
    pub(crate) fn pass_auth(&mut self, now: Moment, mechanism: &str, initial: Option<&[u8]>) {
        self.bound = true;
        self.client.auth(now, mechanism, initial);
    }

    /// The client's response to a challenge; `None`: it cancels.
    pub(crate) fn pass_auth_response(&mut self, now: Moment, response: Option<&[u8]>) {
        self.client.auth_response(now, response);
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
        let event = self.client.poll_event();
        if let Some(ClientEvent::Reply(Sent::Xforward, reply)) = &event
            && !reply.is_positive()
        {
            self.refused = Some(reply.code);
            // 501 is about the values of this client; all else, about ours to say it.
            self.told &= reply.code == 501;
        }
        if let Some(ClientEvent::Reply(Sent::Mail, reply)) = &event {
            let system = reply.enhanced.is_some_and(|enhanced| enhanced.subject == 3);
            self.troubled = system && matches!(reply.code, 451 | 452);
        }
        event
    }

    fn rcpt(&mut self, now: Moment, tag: u32, to: &ForwardPath, params: &RcptParams) {
        self.client.rcpt(now, tag, to, params);
    }
}

/// A recipient that may be shown to a smarthost.
#[derive(Debug)]
pub(crate) enum Offer {
    Cleared(Cleared<ForwardPath>),
    Provisional(Provisional<ForwardPath>),
}

impl Offer {
    pub(crate) fn path(&self) -> &ForwardPath {
        match self {
            Self::Cleared(cleared) => cleared.path(),
            Self::Provisional(provisional) => provisional.path(),
        }
    }

    /// Cleared, or not, by the stream that was decided and the classes the message is of.
    pub(crate) fn settle(
        self,
        stream: StreamId,
        carried: &str,
    ) -> Result<Cleared<ForwardPath>, Box<Refused>> {
        match self {
            Self::Cleared(cleared) => Ok(cleared),
            Self::Provisional(provisional) => provisional.settle(stream, carried),
        }
    }
}

/// A connection whose transaction is over, and whom it was shown, with their tags: all that
/// it has not refused itself.
pub(crate) type TakenBack = (Box<Upstream>, Vec<(u32, Offer)>);

/// The recipient that the smarthost has refused just now.
fn refused_by(event: Option<&ClientEvent>) -> Option<u32> {
    match event {
        Some(ClientEvent::Reply(Sent::Rcpt(tag), reply)) if !reply.is_positive() => Some(*tag),
        _ => None,
    }
}

/// Whether the smarthost has spoken about this transaction (a reply to RSET is about the last
/// one).
fn is_about_it(event: Option<&ClientEvent>) -> bool {
    matches!(event, Some(ClientEvent::Reply(Sent::Mail | Sent::Rcpt(_) | Sent::Data, _)))
}

/// A transaction whose recipients are all cleared.
#[derive(Debug)]
pub(crate) struct Transaction {
    upstream: Box<Upstream>,
    /// With their tags, in the order in which they were shown; nobody behind DATA.
    shown: Vec<(u32, Cleared<ForwardPath>)>,
    heard: bool,
}

impl Transaction {
    pub(crate) fn rcpt(
        &mut self,
        now: Moment,
        tag: u32,
        to: Cleared<ForwardPath>,
        params: &RcptParams,
    ) {
        self.upstream.rcpt(now, tag, to.path(), params);
        self.shown.push((tag, to));
    }

    pub(crate) fn data(&mut self, now: Moment) {
        self.shown = Vec::new();
        self.upstream.client.data(now);
    }

    pub(crate) fn content(&mut self, span: &[u8]) {
        self.upstream.client.content(span);
    }

    pub(crate) fn finish(&mut self, now: Moment) -> bool {
        self.upstream.client.finish(now)
    }

    pub(crate) fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.upstream.poll_event();
        self.heard |= is_about_it(event.as_ref());
        if let Some(refused) = refused_by(event.as_ref()) {
            self.shown.retain(|(tag, _)| *tag != refused);
        }
        event
    }

    /// The smarthost answered the dot: no transaction is open any more.
    pub(crate) fn ended(mut self) -> Box<Upstream> {
        self.upstream.stale = false;
        self.upstream
    }

    /// Left open: RSET comes first in the next one. Whom it was shown may be shown to another.
    pub(crate) fn take_back(self) -> TakenBack {
        let shown = self.shown.into_iter().map(|(tag, to)| (tag, Offer::Cleared(to)));
        (self.upstream, shown.collect())
    }

    /// The smarthost has spoken about it.
    pub(crate) fn is_heard(&self) -> bool {
        self.heard
    }

    pub(crate) fn connection(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Upstream {
        &mut self.upstream
    }
}

/// A transaction with recipients for whom the header has to decide first.
#[derive(Debug)]
pub(crate) struct Tentative {
    upstream: Box<Upstream>,
    /// With their tags, in the order in which they were shown.
    shown: Vec<(u32, Offer)>,
    heard: bool,
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
        let heard = transaction.heard;
        let (upstream, shown) = transaction.take_back();
        Self { upstream, shown, heard }
    }
}

impl Tentative {
    pub(crate) fn rcpt(&mut self, now: Moment, tag: u32, to: Offer, params: &RcptParams) {
        self.upstream.rcpt(now, tag, to.path(), params);
        self.shown.push((tag, to));
    }

    /// The next thing that happened. A recipient that the smarthost itself refused is
    /// in no envelope, so nothing is left to decide about it.
    pub(crate) fn poll_event(&mut self) -> Option<ClientEvent> {
        let event = self.upstream.poll_event();
        self.heard |= is_about_it(event.as_ref());
        if let Some(refused) = refused_by(event.as_ref()) {
            self.shown.retain(|(tag, _)| *tag != refused);
        }
        event
    }

    /// The header has decided.
    ///
    /// # Errors
    ///
    /// Those whom this stream does not permit. No data can follow then.
    pub(crate) fn settle(self, stream: StreamId, carried: &str) -> Result<Transaction, NotSettled> {
        let Self { upstream, shown, heard } = self;
        let (mut cleared, mut refused) = (Vec::with_capacity(shown.len()), Vec::new());
        for (tag, offer) in shown {
            match offer.settle(stream, carried) {
                Ok(to) => cleared.push((tag, to)),
                Err(why) => refused.push((tag, why)),
            }
        }
        if refused.is_empty() {
            Ok(Transaction { upstream, shown: cleared, heard })
        } else {
            Err(NotSettled { upstream, refused })
        }
    }

    /// As [`Transaction::take_back`].
    pub(crate) fn take_back(self) -> TakenBack {
        (self.upstream, self.shown)
    }

    /// As [`Transaction::is_heard`].
    pub(crate) fn is_heard(&self) -> bool {
        self.heard
    }

    pub(crate) fn connection(&self) -> &Upstream {
        &self.upstream
    }

    pub(crate) fn connection_mut(&mut self) -> &mut Upstream {
        &mut self.upstream
    }
}
