//! What a relay asks of its driver, and what it is told.

use policy::{Asked, Lookups, QuestionId};

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
    /// [`Answer::Opened`]. It may be a new one or one that another session gave back.
    OpenUpstream,
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
    /// Write down a decision about a recipient.
    Decided(Box<evidence::Decision>),
    /// Write down that the final dot is about to go upstream, then answer with
    /// [`Answer::IntentWritten`]: the dot waits for it.
    Intent(Box<evidence::Intent>),
    /// Write down how a transaction ended.
    Outcome(Box<evidence::Outcome>),
    /// Send what is left for the client, then close.
    Close(smtp_session::Ended),
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
}

/// What a driver tells a relay.
#[derive(Debug)]
pub enum Answer {
    /// To [`Event::OpenUpstream`].
    Opened(Result<Box<Upstream>, OpenFailure>),
    /// To [`Event::Ask`]: one answer for each of [`Asked::streams`].
    LookedUp(QuestionId, Box<Asked>, Lookups),
    /// To [`Event::Intent`]; `false` when it could not be written.
    IntentWritten(bool),
}
