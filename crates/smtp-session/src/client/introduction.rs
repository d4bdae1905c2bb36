//! Who the client behind us is, told to the smarthost (Postfix, `XFORWARD_README` and
//! `XCLIENT_README`).
//!
//! XFORWARD is for the smarthost's log, comes before each MAIL, and ends with the transaction.
//! XCLIENT makes the whole connection the client's: the smarthost goes back to its greeting,
//! EHLO comes anew, in the client's name, and whatever it says then is about that client. It
//! comes behind STARTTLS and before a login of our own, which it would undo.
//!
//! ```text
//!   EHLO 250 --XCLIENT--> Asked --220--> Made: EHLO, AUTH --> Ready
//!        |                  \--4yz 5yz--> Lost
//!        \-- not offered --> AUTH --> Ready, and nobody is introduced
//! ```

use std::sync::Arc;

use smtp_wire::{Capabilities, ClientIdentity, Reply};

use super::stage::{Introduction, Stage};
use super::{Asked, Client, Lost, Sent};
use crate::moment::Moment;

/// The longest name in EHLO (RFC 5321 s4.5.3.1.2).
const NAME_MAX: usize = 255;

impl Client {
    /// Says XCLIENT where it is offered, before [`ClientEvent::Ready`](super::ClientEvent). To be
    /// called before anything was read.
    pub fn introduce(&mut self, client: Arc<ClientIdentity>) {
        self.introduction = Introduction::Wanted(client);
    }

    /// The client that the smarthost takes us for, by XCLIENT.
    pub fn introduced(&self) -> Option<&Arc<ClientIdentity>> {
        match &self.introduction {
            Introduction::Made(client) => Some(client),
            Introduction::None | Introduction::Wanted(_) | Introduction::Asked(_) => None,
        }
    }

    /// XFORWARD for the next transaction, with the attributes that the smarthost lists; `ident`
    /// is our own name for the message. Nothing if it lists none.
    pub fn xforward(&mut self, now: Moment, client: &ClientIdentity, ident: &str) {
        if let Some(command) = client.xforward(&self.capabilities.xforward, ident) {
            self.command(now, Sent::Xforward, |line| line.push_str(&command));
        }
    }

    /// Says XCLIENT if that is due; `false` if it is not.
    pub(super) fn begin_introduction(&mut self, now: Moment) -> bool {
        let Introduction::Wanted(client) = &self.introduction else { return false };
        let client = Arc::clone(client);
        let own_login = matches!(self.login, Stage::Wanted(_));
        let Some(command) = client.xclient(&self.capabilities.xclient, !own_login) else {
            return false;
        };
        self.introduction = Introduction::Asked(client);
        self.say(now, Asked::Xclient, &command);
        true
    }

    pub(super) fn handle_xclient(&mut self, now: Moment, reply: Reply) {
        match std::mem::take(&mut self.introduction) {
            Introduction::Asked(client) if reply.code == 220 => {
                self.introduction = Introduction::Made(client);
                // What it offered to us it need not offer to the client.
                self.capabilities = Arc::new(Capabilities::default());
                self.ask_hello(now, Asked::Ehlo);
            }
            _ if reply.is_positive() || reply.is_intermediate() => {
                self.lose(Lost::Nonsense("XCLIENT answered with neither 220 nor a refusal"));
            }
            // In our own name the mail might be allowed more than in the client's.
            _ => self.lose(Lost::ClientRefused(reply)),
        }
    }

    /// The name for EHLO and HELO: the client's where we speak for it.
    pub(super) fn hello_name(&self) -> &str {
        let told = self.introduced().map(|client| client.helo.as_str());
        let told = told.filter(|name| {
            (1..=NAME_MAX).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
        });
        told.unwrap_or(&self.settings.hostname)
    }

    /// A refusal before the first transaction: of the client, if it was told of one, and of us
    /// otherwise.
    pub(super) fn turned_away(&self, reply: Reply, otherwise: fn(Reply) -> Lost) -> Lost {
        match self.introduction {
            Introduction::Asked(_) | Introduction::Made(_) if self.transactions == 0 => {
                Lost::ClientRefused(reply)
            }
            _ => otherwise(reply),
        }
    }
}
