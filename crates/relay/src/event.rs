//! What a relay asks of its driver, and what it is told.

use std::net::IpAddr;
use std::sync::Arc;

use policy::{Asked, Lookups, QuestionId, TooMuch};
use smtp_session::sasl::{ScramKeys, SecretBytes};
use smtp_wire::ClientIdentity;

use crate::filter::{FilterAnswer, FilterStep};
use crate::settings::{RouteId, SmarthostId};
use crate::upstream::Upstream;

/// One of the two sides of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The submitting client.
    Downstream,
    /// The smarthost.
    Upstream,
}

/// What a relay wants done. Poll until there is none.
#[derive(Debug)]
pub enum Event {
    /// Bring a connection to the smarthost, past greeting and EHLO, and answer with
    /// [`Answer::Opened`]. It may be a new one or one that another session gave back. It takes
    /// the place of an earlier one that is not answered yet. `Err` is the last word: all that
    /// may be tried were tried.
    OpenUpstream(Wanted),
    /// 220 to STARTTLS is in the output for the client: write it, do the handshake, then call
    /// [`Relay::handle_secured`](crate::Relay::handle_secured).
    StartTls,
    /// The greeting is in the output for the client again: a front end has said that it is another
    /// one, at this address.
    Greeted(IpAddr),
    /// Ask about a user; answer with [`Answer::Authenticated`]. One at a time.
    Authenticate(AuthQuestion),
    /// A login succeeded or failed, for the log and for whoever counts failures.
    LoginEnded {
        /// The user it was for; none: the exchange was passed through, and does not show it.
        user: Option<Arc<str>>,
        /// Whether it succeeded.
        accepted: bool,
    },
    /// The client was refused something, for the log and the counters; it has its reply.
    Denied(Denied),
    /// The connection is not needed any more; it is at rest and may serve another
    /// transaction.
    ReleaseUpstream(Box<Upstream>),
    /// Close the connection now, without a dot and without QUIT.
    DropUpstream,
    /// The connection was lost in the middle of a transaction, for the log; it is
    /// dropped as well.
    UpstreamLost(smtp_session::Lost),
    /// Ask the live sources about this address; answer with [`Answer::LookedUp`].
    Ask(QuestionId, Box<Asked>),
    /// Show the filters a step of the transaction of that number; answer each but
    /// [`FilterStep::Abort`] with [`Answer::Filtered`], in their order.
    Filter(u64, FilterStep),
    /// Write down a decision about a recipient.
    Decided(Box<evidence::Decision>),
    /// Write down what a gate or a filter has found in a message.
    Found(Box<evidence::Finding>),
    /// Write down that the final dot is about to go upstream, then answer with
    /// [`Answer::IntentWritten`]: the dot waits for it.
    Intent(Box<evidence::Intent>),
    /// Write down how a transaction ended.
    Outcome(Box<evidence::Outcome>),
    /// Send what is left for the client, then close.
    Close(smtp_session::Ended),
}

/// What a client was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// To relay at all.
    Relaying,
    /// To use that reverse-path.
    Sender,
    /// To send so much.
    Rate(TooMuch),
    /// To write in the name of that author, or of nobody who can be told.
    Author,
}

/// What kind of connection a relay wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// To one of these smarthosts.
    pub route: RouteId,
    /// But not to these: they were tried for this envelope.
    pub avoid: Vec<SmarthostId>,
    /// A new one: the one it had was stale.
    pub fresh: bool,
    /// A new one without a login of our own, that no other session ever gets: the client logs
    /// in there by itself.
    pub bound: bool,
    /// Of this client, for a smarthost that is told by XCLIENT: a new one on which that was said,
    /// or one that was left by a session of just the same. `None`: nobody needs to know.
    pub client: Option<Arc<ClientIdentity>>,
}

/// What is asked about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthQuestion {
    /// Whether this is its password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: SecretBytes,
    },
    /// Its keys for SCRAM-SHA-256.
    Keys {
        /// The user.
        user: String,
    },
}

/// The answer to an [`AuthQuestion`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthAnswer {
    /// Whether the password is right.
    Verified(bool),
    /// The keys; made-up ones, always the same, where `known` is false.
    Keys {
        /// To check the proof with.
        keys: ScramKeys,
        /// They are a real user's.
        known: bool,
    },
    /// It cannot be told now: 454.
    Unavailable,
    /// Too many failures of late, from this address or for this user: 454 (RFC 4954 s4.1).
    TooManyFailures,
}

/// Why no connection to the smarthost could be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenFailure {
    /// Nobody answers at the address, or it cannot be found.
    Unreachable,
    /// It was reached, and the conversation failed.
    Lost(smtp_session::Lost),
    /// Our own limit on connections is reached.
    Busy,
    /// There is no other one on that route than those to be avoided.
    NoneLeft,
}

/// What a driver tells a relay.
#[derive(Debug)]
pub enum Answer {
    /// To [`Event::OpenUpstream`].
    Opened(Result<Box<Upstream>, OpenFailure>),
    /// To [`Event::Ask`]: one answer for each of [`Asked::streams`].
    LookedUp(QuestionId, Box<Asked>, Lookups),
    /// To [`Event::Authenticate`].
    Authenticated(AuthAnswer),
    /// To [`Event::Filter`], with the number of its transaction.
    Filtered(u64, FilterAnswer),
    /// To [`Event::Intent`]; `false` when it could not be written.
    IntentWritten(bool),
}
