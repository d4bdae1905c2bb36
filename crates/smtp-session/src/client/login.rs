//! AUTH, as the client of a smarthost (RFC 4954).
//!
//! ```text
//!   EHLO 250 --> AUTH --334--> Challenged --response--> ... --235--> Ready
//!                   \--> 4yz 5yz, no mechanism in common, no proof --> Lost
//! ```
//!
//! With a login of our own it is a stage before [`ClientEvent::Ready`], and its failure is
//! the end of the connection. For somebody else, by [`Client::auth`], the exchange is only
//! carried: challenges leave as events, and so does its end. Either way there is nothing in
//! the pipeline while it runs, and a mechanism that shows the secret to whoever listens is
//! never begun without TLS unless the settings of the login say so.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use observe::Secret;
use smtp_wire::Reply;

use super::stage::Stage;
use super::{Asked, Client, ClientEvent, Lost, Sent, State};
use crate::moment::Moment;
use crate::sasl::{Initiator, Mechanism, Response, SaltedPassword, SecretBytes};

/// The longest command line, CRLF included (RFC 5321 s4.5.3.1.4). An initial response that
/// does not fit has to wait for the first challenge (RFC 4954 s4).
const COMMAND_MAX: usize = 512;

impl Client {
    /// EHLO is answered, and nothing but XCLIENT stands before the login.
    pub(super) fn identified(&mut self, now: Moment) {
        if self.begin_introduction(now) {
            return;
        }
        let Stage::Wanted(login) = std::mem::take(&mut self.login) else {
            return self.events.push_back(ClientEvent::Ready);
        };
        let clear = self.secure || login.without_tls;
        let mut offered = self.capabilities.auth.clone();
        offered.retain(|name| {
            clear || name.parse().is_ok_and(|mechanism: Mechanism| !mechanism.is_plaintext())
        });
        let chosen = Initiator::choose(&offered, login.only, login.credentials, login.nonce);
        let Some(mut initiator) = chosen else {
            let why = match (self.capabilities.auth.is_empty(), clear) {
                (true, _) => "it offers no AUTH",
                (false, false) => "without TLS, it offers no mechanism that hides the secret",
                (false, true) => "it offers no mechanism that fits",
            };
            return self.lose(Lost::NoLogin(why));
        };
        let name = initiator.mechanism().name();
        let initial = initiator.initial();
        self.login = Stage::Running(initiator);
        self.begin(now, Asked::Login, name, initial);
    }

    fn begin(&mut self, now: Moment, asked: Asked, name: &str, initial: Option<SecretBytes>) {
        let mut line = format!("AUTH {name}");
        if let Some(initial) = initial {
            let encoded = encode(initial.expose());
            let encoded = if encoded.is_empty() { "=".to_owned() } else { encoded };
            if line.len() + 1 + encoded.len() + 2 <= COMMAND_MAX {
                line.push(' ');
                line.push_str(&encoded);
            } else {
                self.held = Some(initial);
            }
        }
        self.say(now, asked, &line);
    }

    pub(super) fn say(&mut self, now: Moment, asked: Asked, line: &str) {
        self.state = State::Commands;
        self.out.extend_from_slice(line.as_bytes());
        self.out.extend_from_slice(b"\r\n");
        self.outstanding.push_back(asked);
        self.set_timer(now);
    }

    /// A reply within an exchange: a challenge, or its end.
    pub(super) fn handle_auth(&mut self, now: Moment, asked: Asked, reply: Reply) {
        if !reply.is_intermediate() {
            self.held = None;
            self.logged_in |= reply.code == 235;
            return match asked {
                Asked::Login => self.login_ended(reply),
                _ => self.events.push_back(ClientEvent::Reply(Sent::Auth, reply)),
            };
        }
        if reply.code != 334 || !self.outstanding.is_empty() {
            return self.lose(Lost::Nonsense("an intermediate reply out of place"));
        }
        self.state = State::Challenged;
        let challenge = STANDARD.decode(reply.text.trim_end_matches(' '));
        if let Some(held) = self.held.take() {
            return self.say(now, asked, &encode(held.expose()));
        }
        match (asked, challenge) {
            (Asked::Login, Ok(challenge)) => self.challenged(now, &challenge),
            (Asked::Login, Err(_)) => self.cancel(now, "its challenge is not base64"),
            (_, Ok(challenge)) => self.events.push_back(ClientEvent::Challenge(challenge)),
            (_, Err(_)) => self.lose(Lost::Nonsense("a challenge that is not base64")),
        }
    }

    fn challenged(&mut self, now: Moment, challenge: &[u8]) {
        let Stage::Running(initiator) = &mut self.login else {
            return self.lose(Lost::Nonsense("a challenge after the end"));
        };
        let response = initiator.respond(challenge);
        self.respond(now, response);
    }

    fn respond(&mut self, now: Moment, response: Response) {
        match response {
            Response::Send(bytes) => self.say(now, Asked::Login, &encode(bytes.expose())),
            Response::Derive(work) => self.events.push_back(ClientEvent::Derive(work)),
            Response::Cancel(why) => self.cancel(now, why),
        }
    }

    fn cancel(&mut self, now: Moment, why: &'static str) {
        self.login = Stage::Cancelled(why);
        self.say(now, Asked::Login, "*");
    }

    fn login_ended(&mut self, reply: Reply) {
        match std::mem::take(&mut self.login) {
            Stage::Cancelled(why) => self.lose(Lost::NoLogin(why)),
            _ if !reply.is_positive() => self.lose(Lost::LoginRefused(reply)),
            Stage::Running(initiator) if reply.code == 235 && initiator.is_satisfied() => {
                self.events.push_back(ClientEvent::Ready);
            }
            _ => self.lose(Lost::NoLogin("it did not prove that it knows the user")),
        }
    }

    /// What [`ClientEvent::Derive`] came to.
    pub fn derived(&mut self, now: Moment, salted: &SaltedPassword) {
        if !matches!(self.state, State::Challenged) {
            return;
        }
        if let Stage::Running(initiator) = &mut self.login {
            let response = initiator.derived(salted);
            self.respond(now, response);
        }
    }

    /// AUTH for somebody else: the exchange is passed through. Challenges come as
    /// [`ClientEvent::Challenge`], the end as the reply to [`Sent::Auth`]. Ignored unless
    /// every command has its reply. `mechanism`: as it was offered.
    pub fn auth(&mut self, now: Moment, mechanism: &str, initial: Option<&[u8]>) {
        if !matches!(self.state, State::Commands) || !self.is_answered() {
            return;
        }
        if !self.replies.is_idle() {
            return self.lose(Lost::Nonsense("bytes before the command"));
        }
        let initial = initial.map(|initial| Secret::new(initial.to_vec()));
        self.begin(now, Asked::Command(Sent::Auth), mechanism, initial);
    }

    /// The response to a challenge of [`Self::auth`]; `None` cancels.
    pub fn auth_response(&mut self, now: Moment, response: Option<&[u8]>) {
        if !matches!(self.state, State::Challenged) {
            return;
        }
        let line = response.map_or_else(|| "*".to_owned(), encode);
        self.say(now, Asked::Command(Sent::Auth), &line);
    }
}

fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}
