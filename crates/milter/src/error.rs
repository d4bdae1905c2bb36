//! What goes wrong between a filter and us.

use crate::action::Actions;
use crate::command::Step;

/// Why a connection to a filter is of no use any more: the filter's doing, unless it says
/// otherwise. Texts are for people, and hold nothing of the message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MilterError {
    /// A packet without a letter.
    #[error("a packet of length 0")]
    Empty,
    /// A packet longer than any should be: probably no milter answers there.
    #[error("a packet of {length} octets (at most {limit}); is this a milter?")]
    TooLong {
        /// What it says of itself.
        length: usize,
        /// What would be taken.
        limit: usize,
    },
    /// The data of a reply ends too early, or goes on behind its end.
    #[error("reply {:?} with the wrong length", char::from(*.0))]
    Truncated(u8),
    /// A letter that is no reply.
    #[error("unknown reply {:?}", char::from(*.0))]
    UnknownReply(u8),
    /// A reply that does not fit what it answers.
    #[error("reply {:?} to {step}", char::from(*.letter))]
    Unfit {
        /// Its letter.
        letter: u8,
        /// What was asked.
        step: Step,
    },
    /// A reply that nobody asked for.
    #[error("a reply when none is awaited")]
    Unasked,
    /// A change before the end of the body.
    #[error("a change of the message at {0}, before its end")]
    TooEarly(Step),
    /// A change that was not agreed upon.
    #[error("it wants {0}, which was not agreed upon")]
    NotNegotiated(Actions),
    /// A version that is not spoken.
    #[error("protocol version {0}; 2 to 6 are spoken")]
    Version(u32),
    /// A reply code with a text that no client can be told.
    #[error("malformed reply code: {0}")]
    ReplyCode(&'static str),
    /// Changes beyond the limit.
    #[error("changes of more than {limit} octets")]
    TooMuch {
        /// [`crate::Wanted::changes_max`].
        limit: usize,
    },
    /// Our doing: something that does not fit into a packet.
    #[error("{octets} octets do not fit into a packet {:?}", .letter)]
    Oversize {
        /// The letter of the command.
        letter: char,
        /// Octets of its data.
        octets: usize,
    },
    /// Our doing: a command where it has no place.
    #[error("{0} out of order")]
    OutOfOrder(Step),
}
