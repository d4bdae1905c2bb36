//! AUTH of clients (RFC 4954): as users of our own.
//!
//! The exchange is [`Acceptor`]'s; what it asks goes out as an event and comes back as an
//! answer. Nothing of it is kept: at its end there is a name in the facts of the session, or
//! there is none.

use std::sync::Arc;

use smtp_session::sasl::{Acceptor, Mechanism, Turn};
use smtp_session::{AuthRequest, Moment, SlotId};
use smtp_wire::Reply;

use crate::event::{AuthAnswer, AuthQuestion, Event};
use crate::exchange::Exchange;
use crate::relay::Relay;
use crate::replies;
use crate::settings::AuthOffer;

impl Relay {
    /// The mechanisms for the reply to EHLO: none after a login (RFC 4954 s4), and none that
    /// shows the password to whoever listens.
    pub(crate) fn mechanisms(&self) -> Vec<String> {
        match &self.settings.auth {
            _ if self.server.is_logged_in() => Vec::new(),
            AuthOffer::Off => Vec::new(),
            AuthOffer::Smarthost { .. } => self.passed_mechanisms(),
            AuthOffer::Users { mechanisms, plaintext_without_tls } => {
                let hidden = *plaintext_without_tls || self.server.is_secured();
                let offered = mechanisms.iter().filter(|one| hidden || !one.is_plaintext());
                offered.map(|one| one.name().to_owned()).collect()
            }
        }
    }

    pub(crate) fn handle_auth(&mut self, now: Moment, slot: SlotId, request: AuthRequest) {
        match &self.settings.auth {
            AuthOffer::Users { .. } => self.start_login(now, slot, &request),
            AuthOffer::Smarthost { .. } => self.pass_auth(now, slot, request),
            AuthOffer::Off => {
                self.server.answer(now, slot, replies::login_unavailable());
            }
        }
    }

    pub(crate) fn handle_auth_response(&mut self, now: Moment, slot: SlotId, response: &[u8]) {
        if self.settings.passes_auth() {
            return self.pass_response(now, slot, response);
        }
        let Some(exchange) = &mut self.exchange else { return };
        let turn = exchange.acceptor.respond(response);
        self.take_turn(now, turn);
    }

    /// The client broke off, or there is nobody any more.
    pub(crate) fn forget_exchange(&mut self) {
        self.exchange = None;
    }

    fn start_login(&mut self, now: Moment, slot: SlotId, request: &AuthRequest) {
        let nonce = self.mint.nonce(now.unix_millis());
        let mechanism: Option<Mechanism> = request.mechanism.parse().ok();
        let acceptor = mechanism.and_then(|one| Some((one, Acceptor::new(one, nonce)?)));
        let Some((mechanism, mut acceptor)) = acceptor else {
            // It was offered, so this cannot be; and if it is, nobody is let in.
            return self.server.answer(now, slot, replies::login_unavailable());
        };
        let initial = request.initial.as_ref().map(|initial| initial.expose().as_slice());
        let turn = acceptor.start(initial);
        let mechanism = mechanism.to_string().into();
        self.exchange = Some(Box::new(Exchange { slot, acceptor, mechanism }));
        self.take_turn(now, turn);
    }

    pub(crate) fn handle_authenticated(&mut self, now: Moment, answer: AuthAnswer) {
        let Some(exchange) = &mut self.exchange else { return };
        let turn = match answer {
            AuthAnswer::Verified(right) => exchange.acceptor.verified(right),
            AuthAnswer::Keys { keys, known } => exchange.acceptor.keys(keys, known),
            AuthAnswer::Unavailable => {
                return self.end_exchange(now, replies::login_unavailable());
            }
            AuthAnswer::TooManyFailures => {
                return self.end_exchange(now, replies::too_many_failures());
            }
        };
        self.take_turn(now, turn);
    }

    fn take_turn(&mut self, now: Moment, turn: Turn) {
        let Some(exchange) = &self.exchange else { return };
        match turn {
            Turn::Challenge(challenge) => self.server.challenge(now, exchange.slot, &challenge),
            Turn::Verify { user, password } => {
                self.ask_about(AuthQuestion::Password { user, password });
            }
            Turn::Keys { user } => self.ask_about(AuthQuestion::Keys { user }),
            Turn::Accepted { user } => {
                let user: Arc<str> = user.into();
                let mechanism = Arc::clone(&exchange.mechanism);
                self.logged_in(Some(Arc::clone(&user)));
                self.facts.mechanism = Some(mechanism);
                self.events.push_back(Event::LoginEnded { user: Some(user), accepted: true });
                self.end_exchange(now, replies::logged_in());
            }
            Turn::Rejected { user } => {
                self.events
                    .push_back(Event::LoginEnded { user: Some(user.into()), accepted: false });
                self.end_exchange(now, replies::login_refused());
            }
            Turn::Malformed => self.end_exchange(now, replies::login_malformed()),
        }
    }

    fn ask_about(&mut self, question: AuthQuestion) {
        self.events.push_back(Event::Authenticate(question));
    }

    fn end_exchange(&mut self, now: Moment, reply: Reply) {
        if let Some(exchange) = self.exchange.take() {
            self.server.answer(now, exchange.slot, reply);
        }
    }
}
