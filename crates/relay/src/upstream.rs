//! The smarthost's side of a transaction: the only file that names the client role.
//!
//! [`Upstream::rcpt`] takes nothing but a [`Cleared`] path, so that no recipient can
//! be shown to the smarthost that the gates did not let through. The compiler keeps
//! that promise; keep the client role out of every other file.
//!
//! A connection does not belong to a session: it is asked for, used for one
//! transaction, and given back, with the note that RSET must come first when the
//! last transaction did not end with a reply to its dot.

use std::sync::Arc;

use address::{ForwardPath, ReversePath};
use policy::Cleared;
use smtp_session::{Client, ClientEvent, Moment};
use smtp_wire::{Capabilities, MailParams, RcptParams};

/// A connection to the smarthost that is past greeting and EHLO.
#[derive(Debug)]
pub struct Upstream {
    client: Client,
    /// A transaction was begun and not ended by the smarthost's reply to a dot.
    stale: bool,
}

impl Upstream {
    /// `client` must have given [`ClientEvent::Ready`].
    pub fn new(client: Client) -> Self {
        Self { client, stale: false }
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

    pub(crate) fn begin(&mut self, now: Moment, from: &ReversePath, params: &MailParams) {
        if self.stale {
            self.client.rset(now);
        }
        self.stale = true;
        self.client.mail(now, from, params);
    }

    pub(crate) fn rcpt(
        &mut self,
        now: Moment,
        tag: u32,
        to: &Cleared<ForwardPath>,
        params: &RcptParams,
    ) {
        self.client.rcpt(now, tag, to.path(), params);
    }

    pub(crate) fn data(&mut self, now: Moment) {
        self.client.data(now);
    }

    pub(crate) fn noop(&mut self, now: Moment) {
        self.client.noop(now);
    }

    pub(crate) fn content(&mut self, span: &[u8]) {
        self.client.content(span);
    }

    pub(crate) fn finish(&mut self, now: Moment) -> bool {
        self.client.finish(now)
    }

    /// The smarthost answered the dot: no transaction is open any more.
    pub(crate) fn transaction_ended(&mut self) {
        self.stale = false;
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
}
