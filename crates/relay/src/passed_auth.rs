//! AUTH passed through: the client logs in at the smarthost, over a connection that is from
//! then on the session's alone.
//!
//! Nobody's password is kept here, or checked. Challenges and responses go on as they are; of
//! the client's first one the name is read, for rules and records. A login is a property of
//! the connection it was made on (RFC 4954 s3), so there is no other for this session: no
//! pool, no second envelope, no route by stream. Is it lost, so is the login, and the client
//! is told by 421 as soon as no transaction runs.
//!
//! ```text
//!  Free --AUTH--> Opening --there--> Asking --235--> Bound, logged in --lost--> Broken
//!   ^                |                | |  ^                                (421 at rest)
//!   |                |                | |  +--AUTH--+
//!   +--454-----------+--- 454, lost --+ +--5yz--> Bound
//!                                     +--*--> Cancelled --its 501--> Bound
//! ```

use std::sync::Arc;

use smtp_session::{AuthRequest, Lost, Moment, SlotId};
use smtp_wire::{Capabilities, Reply};

use crate::bond::{Bond, Exchange};
use crate::event::{Event, Wanted};
use crate::link::Link;
use crate::relay::Relay;
use crate::replies;
use crate::settings::AuthOffer;
use crate::verbatim::verbatim;

/// The name of a login whose mechanism does not show it.
const NAMELESS: &str = "?";

/// Whether a mechanism works through somebody in between. Those with channel binding (RFC
/// 5801 s5) are made not to; those with security layers (RFC 4422 s3.7) change every octet
/// behind them; EXTERNAL is about the connection itself.
fn survives(mechanism: &str) -> bool {
    let layered = ["GSSAPI", "GSS-SPNEGO", "DIGEST-MD5", "EXTERNAL"].contains(&mechanism);
    !layered && !mechanism.ends_with("-PLUS") && !mechanism.starts_with("KERBEROS")
}

impl Relay {
    /// For the reply to EHLO: what the smarthost offered last, of what survives.
    pub(crate) fn passed_mechanisms(&self) -> Vec<String> {
        let AuthOffer::Smarthost { without_tls } = self.settings.auth else { return Vec::new() };
        if self.server.is_logged_in() || !(without_tls || self.server.is_secured()) {
            return Vec::new();
        }
        let known = self.heard_of_fixed();
        let known = known.iter().flat_map(|known| &known.auth);
        known.filter(|mechanism| survives(mechanism)).cloned().collect()
    }

    /// Nothing can be offered that would be, had the smarthost been heard: unknown is never no.
    pub(crate) fn is_login_unknown(&self) -> bool {
        let AuthOffer::Smarthost { without_tls } = self.settings.auth else { return false };
        let offers = without_tls || self.server.is_secured();
        offers && !self.server.is_logged_in() && self.heard_of_fixed().is_none()
    }

    fn heard_of_fixed(&self) -> Option<Arc<Capabilities>> {
        let fixed = self.settings.routes.reach.first().copied().unwrap_or_default();
        self.records.get(usize::from(fixed.0)).and_then(|record| record.load())
    }

    pub(crate) fn pass_auth(&mut self, now: Moment, slot: SlotId, request: AuthRequest) {
        match (&mut self.bond, &self.link) {
            (Bond::Cancelled(next), Link::Open(_)) => *next = Some((slot, request)),
            (_, Link::Open(_)) => self.begin_exchange(now, slot, &request),
            _ => {
                self.bond = Bond::Opening(slot, request);
                let route = self.settings.routes.otherwise;
                let wanted = Wanted { route, bound: true, ..Wanted::default() };
                self.ask_upstream(wanted);
            }
        }
    }

    /// The connection that AUTH waits for is there; `false` if nothing waits for it.
    pub(crate) fn bond_opened(&mut self, now: Moment) -> bool {
        match std::mem::take(&mut self.bond) {
            Bond::Opening(slot, request) => {
                self.begin_exchange(now, slot, &request);
                true
            }
            other => {
                self.bond = other;
                false
            }
        }
    }

    fn begin_exchange(&mut self, now: Moment, slot: SlotId, request: &AuthRequest) {
        let Link::Open(upstream) = &mut self.link else { return };
        self.bond = Bond::Bound { logged_in: false };
        if !upstream.capabilities().auth.contains(&request.mechanism) {
            // The record knew better; the next EHLO says what this one offers.
            return self.server.answer(now, slot, replies::smarthost_takes_no_login());
        }
        let initial = request.initial.as_ref().map(|initial| initial.expose().as_slice());
        let mut exchange = Exchange::new(slot, request.mechanism.clone());
        exchange.hear(initial.unwrap_or_default());
        upstream.pass_auth(now, &request.mechanism, initial);
        self.bond = Bond::Asking(exchange);
    }

    pub(crate) fn pass_challenge(&mut self, now: Moment, challenge: &[u8]) {
        if let Bond::Asking(exchange) = &self.bond {
            self.server.challenge(now, exchange.slot, challenge);
        }
    }

    pub(crate) fn pass_response(&mut self, now: Moment, slot: SlotId, response: &[u8]) {
        if let (Bond::Asking(exchange), Link::Open(upstream)) = (&mut self.bond, &mut self.link) {
            exchange.hear(response);
            return upstream.pass_auth_response(now, Some(response));
        }
        // It was lost while the client thought about it.
        self.bond = Bond::Free;
        self.server.answer(now, slot, replies::smarthost_takes_no_login());
    }

    /// The client has its 501, and the smarthost must be told as well.
    pub(crate) fn pass_cancel(&mut self, now: Moment) {
        if !matches!(self.bond, Bond::Asking(_)) {
            return;
        }
        self.bond = match &mut self.link {
            Link::Open(upstream) => {
                upstream.pass_auth_response(now, None);
                Bond::Cancelled(None)
            }
            _ => Bond::Free,
        };
    }

    /// The smarthost's last word on AUTH.
    pub(crate) fn auth_replied(&mut self, now: Moment, reply: Reply) {
        match std::mem::take(&mut self.bond) {
            Bond::Asking(exchange) => {
                let accepted = reply.code == 235;
                let user = exchange.name.clone();
                self.bond = Bond::Bound { logged_in: accepted };
                if accepted {
                    self.logged_in(Some(user.clone().unwrap_or_else(|| NAMELESS.into())));
                    self.facts.mechanism = Some(exchange.mechanism.as_str().into());
                }
                self.events.push_back(Event::LoginEnded { user, accepted });
                // RFC 4954 s6 knows no other success; whatever else it may have meant, the
                // client must not take it for one.
                let reply = match reply.is_positive() && !accepted {
                    true => replies::smarthost_takes_no_login(),
                    false => verbatim(reply),
                };
                self.server.answer(now, exchange.slot, reply);
            }
            // Logged in, and the client does not know: nobody may use that. What the client has
            // begun on the connection meanwhile fails with it.
            cancelled @ Bond::Cancelled(_) if reply.is_positive() => {
                self.bond = cancelled;
                self.upstream_lost(now, &Lost::Nonsense("a login that was given up succeeded"));
            }
            Bond::Cancelled(next) => {
                self.bond = Bond::Bound { logged_in: false };
                if let Some((slot, request)) = next {
                    self.pass_auth(now, slot, request);
                }
            }
            other => self.bond = other,
        }
    }

    /// The session's own connection is lost, or could not be had.
    pub(crate) fn bond_lost(&mut self, now: Moment) {
        match std::mem::take(&mut self.bond) {
            Bond::Opening(slot, _) | Bond::Cancelled(Some((slot, _))) => {
                self.server.answer(now, slot, replies::smarthost_takes_no_login());
            }
            // After a challenge it is the client's turn: it has its answer when it has spoken.
            Bond::Asking(exchange) if self.server.is_challenged() => {
                self.bond = Bond::Asking(exchange);
            }
            Bond::Asking(exchange) => {
                let reply = replies::smarthost_takes_no_login();
                self.server.answer(now, exchange.slot, reply);
            }
            other => {
                self.bond = other;
                self.bond_broken();
            }
        }
    }

    /// The connection had to be given up with no exchange on it: the client is told as soon as
    /// no transaction runs.
    pub(crate) fn bond_broken(&mut self) {
        match self.bond {
            Bond::Bound { logged_in: true } | Bond::Broken => {
                self.bond = Bond::Broken;
                self.logged_in(None);
                self.server.close_at_rest(replies::login_lost(&self.settings.hostname));
            }
            Bond::Bound { logged_in: false } | Bond::Cancelled(None) => self.bond = Bond::Free,
            Bond::Free | Bond::Opening(..) | Bond::Asking(_) | Bond::Cancelled(Some(_)) => {}
        }
    }

    /// The session's connection stays its own between transactions.
    pub(crate) fn is_bound(&self) -> bool {
        !matches!(self.bond, Bond::Free | Bond::Opening(..))
    }

    /// The client's login does not hold any more (STARTTLS, another client by XCLIENT, the end
    /// of the session): neither does the connection it was made on.
    pub(crate) fn part(&mut self) {
        if self.is_bound() {
            self.bond = Bond::Free;
            self.release_upstream();
        }
        self.bond = Bond::Free;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_binds_the_channel_or_wraps_it_does_not_survive() {
        for mechanism in ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2", "NTLM"] {
            assert!(survives(mechanism), "{mechanism}");
        }
        for mechanism in
            ["SCRAM-SHA-256-PLUS", "GSSAPI", "GSS-SPNEGO", "DIGEST-MD5", "EXTERNAL", "KERBEROS_V5"]
        {
            assert!(!survives(mechanism), "{mechanism}");
        }
    }
}
