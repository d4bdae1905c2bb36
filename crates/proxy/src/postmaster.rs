//! A message of the gate's own, to whoever looks after it: the one thing that goes to the
//! smarthost without having passed the gates.
//!
//! Its recipient stands in the configuration, which is the operator's word and nobody else's; no
//! client, no list and no message has a say in it. Nothing here is kept for later: what cannot be
//! delivered is told to the caller.

use std::time::Duration;

use address::{ForwardPath, ReversePath};
use relay::{OpenFailure, Wanted};
use smtp_session::{Client, ClientEvent, Lost, Sent};
use smtp_wire::{MailParams, RcptParams, Reply};

use crate::clock::Clock;
use crate::dial;
use crate::login::is_of_login;
use crate::smarthost::Smarthost;
use crate::smarthosts::Smarthosts;
use crate::socket::Socket;

/// For all of it. Whoever waits for such a message is a person.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message to whoever looks after the gate.
#[derive(Debug, Clone)]
pub struct OwnMessage {
    /// Who sends it; the null path, so that nothing ever comes back.
    pub from: ReversePath,
    /// Who gets it.
    pub to: ForwardPath,
    /// Header and body, lines ended by CRLF.
    pub content: Vec<u8>,
}

/// Why a message of the gate's own was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDelivered {
    /// The smarthost cannot be had.
    Unreachable,
    /// It does not let us in.
    NoLogin,
    /// The conversation broke off.
    Lost(Lost),
    /// It said no.
    Refused(Reply),
    /// It took too long.
    Timeout,
}

impl std::fmt::Display for NotDelivered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable => f.write_str("the smarthost cannot be reached"),
            Self::NoLogin => f.write_str("the gate cannot log in to the smarthost"),
            Self::Lost(_) => f.write_str("the smarthost broke off"),
            Self::Refused(reply) => {
                let line = reply.text.lines().next().unwrap_or_default();
                write!(f, "the smarthost said {} {line}", reply.code)
            }
            Self::Timeout => f.write_str("the smarthost took too long"),
        }
    }
}

impl Smarthosts {
    /// Delivers a message of the gate's own by the first smarthost that can be had, on a
    /// connection of its own.
    ///
    /// # Errors
    /// Why no smarthost took it.
    pub async fn deliver(&self, clock: Clock, message: &OwnMessage) -> Result<(), NotDelivered> {
        let mut outcome = Err(NotDelivered::Unreachable);
        for smarthost in self.candidates(&Wanted::default(), clock.now()) {
            outcome = smarthost.deliver(clock, message).await;
            // After that it may have been taken: never twice.
            if !matches!(outcome, Err(NotDelivered::Unreachable | NotDelivered::NoLogin)) {
                break;
            }
        }
        outcome
    }
}

impl Smarthost {
    async fn deliver(&self, clock: Clock, message: &OwnMessage) -> Result<(), NotDelivered> {
        match tokio::time::timeout(PATIENCE, self.converse(clock, message)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(NotDelivered::Timeout),
        }
    }

    async fn converse(&self, clock: Clock, message: &OwnMessage) -> Result<(), NotDelivered> {
        let (mut socket, mut client) =
            self.reach(clock, None, false).await.map_err(|failure| match failure {
                OpenFailure::Lost(why) if is_of_login(&why) => NotDelivered::NoLogin,
                OpenFailure::Lost(why) => NotDelivered::Lost(why),
                OpenFailure::Unreachable | OpenFailure::Busy | OpenFailure::NoneLeft => {
                    NotDelivered::Unreachable
                }
            })?;
        client.mail(clock.now(), &message.from, &MailParams::default());
        reply(&mut socket, &mut client, clock, Sent::Mail, Reply::is_positive).await?;
        client.rcpt(clock.now(), 0, &message.to, &RcptParams::default());
        reply(&mut socket, &mut client, clock, Sent::Rcpt(0), Reply::is_positive).await?;
        client.data(clock.now());
        reply(&mut socket, &mut client, clock, Sent::Data, |reply| reply.code == 354).await?;
        client.content(&message.content);
        if !client.finish(clock.now()) {
            return Err(NotDelivered::Lost(Lost::Nonsense("bytes before the dot")));
        }
        reply(&mut socket, &mut client, clock, Sent::Dot, Reply::is_positive).await?;
        client.quit(clock.now());
        // What it says to that is its own affair.
        let _ = reply(&mut socket, &mut client, clock, Sent::Quit, Reply::is_positive).await;
        Ok(())
    }
}

/// Waits for the reply to what was sent last; another than `good` ends the conversation.
async fn reply(
    socket: &mut Socket,
    client: &mut Client,
    clock: Clock,
    to: Sent,
    good: impl Fn(&Reply) -> bool,
) -> Result<(), NotDelivered> {
    loop {
        match client.poll_event() {
            Some(ClientEvent::Reply(sent, reply)) if sent == to => {
                return if good(&reply) { Ok(()) } else { Err(NotDelivered::Refused(reply)) };
            }
            Some(ClientEvent::RefusedEarly(reply)) => return Err(NotDelivered::Refused(reply)),
            Some(ClientEvent::Lost(why)) => return Err(NotDelivered::Lost(why)),
            Some(_) | None => {}
        }
        dial::turn(socket, client, clock).await;
    }
}
