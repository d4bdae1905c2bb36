//! What a filter says.

use crate::change::Change;
use crate::custom_reply::CustomReply;
use crate::error::MilterError;
use crate::negotiation::Negotiated;

/// What a filter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first reply: what this connection will be like.
    Negotiated(Negotiated),
    /// The reply to the command that awaited one.
    Verdict(Verdict),
    /// It works on it: it has not hung. The reply is still awaited.
    Progress,
    /// The content is to be changed: only behind [`crate::Connection::end_of_body`], before its
    /// verdict. Several are meant in their order.
    Change(Change),
    /// The filter and we do not understand each other. This connection is of no use any more;
    /// nothing follows.
    Failed(MilterError),
}

/// The end of a reply.
///
/// At connect and HELO it is about the session, at RCPT about that recipient, elsewhere about
/// the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Continue,
    /// It passes, and the filter wants to hear no more: of this message, or, at connect and
    /// HELO, of this session.
    Accept,
    /// Refuse with 5yz.
    Reject,
    /// Refuse with 4yz.
    TempFail,
    /// Pretend to take it.
    Discard,
    /// Refuse with this reply.
    Reply(CustomReply),
    /// Go on without more of the same in this message: [`crate::Connection`] heeds that by itself.
    Skip,
    /// Cut the client off.
    ConnectionFail,
    /// Cut the client off with 421.
    Shutdown,
}
