//! STARTTLS as a client (RFC 3207): between EHLO and everything else.
//!
//! What was learned before the handshake may have been said by anybody, and is forgotten; what
//! comes between the 220 and the handshake was put there by somebody, and ends the connection.

use std::sync::Arc;

use smtp_wire::{Capabilities, Reply};

use super::{Asked, Client, ClientEvent, Lost, State, UseTls};
use crate::moment::Moment;

impl Client {
    /// The handshake after [`ClientEvent::StartTls`], or before the greeting, is done: what was
    /// learned before it is forgotten (RFC 3207 s4.2).
    pub fn secured(&mut self, now: Moment) {
        self.secure = true;
        self.capabilities = Arc::new(Capabilities::default());
        if matches!(self.state, State::Securing) {
            self.state = State::Commands;
            self.ask_hello(now, Asked::Ehlo);
        }
    }

    /// Whether the connection is encrypted.
    pub fn is_secured(&self) -> bool {
        self.secure
    }

    /// The smarthost has said what it offers.
    pub(super) fn offers_known(&mut self, now: Moment) {
        let offered = self.capabilities.starttls;
        match self.settings.starttls {
            _ if self.secure || self.introduced().is_some() => self.identified(now),
            UseTls::IfOffered | UseTls::Required if offered => {
                self.out.extend_from_slice(b"STARTTLS\r\n");
                self.outstanding.push_back(Asked::StartTls);
                self.set_timer(now);
            }
            UseTls::Required => self.lose(Lost::NoTls("it does not offer STARTTLS")),
            UseTls::IfOffered | UseTls::Never => self.in_the_clear(now),
        }
    }

    pub(super) fn handle_starttls(&mut self, now: Moment, reply: &Reply) {
        if reply.code == 220 {
            self.state = State::Securing;
            self.deadline = Some(now.plus(self.settings.timeouts.command));
            self.events.push_back(ClientEvent::StartTls);
        } else if self.settings.starttls == UseTls::Required {
            self.lose(Lost::NoTls("it refuses STARTTLS"));
        } else if reply.is_intermediate() || reply.is_positive() {
            self.lose(Lost::Nonsense("STARTTLS answered with neither 220 nor a refusal"));
        } else {
            self.in_the_clear(now);
        }
    }

    fn in_the_clear(&mut self, now: Moment) {
        self.set_timer(now);
        self.identified(now);
    }
}
