//! The SMTP wire language: lines, commands, replies, extensions, mail data.
//!
//! Bytes in, meaning out, and back again. Everything here is a pure function or a small state
//! machine that is fed with slices: no socket, no clock, no policy. Whatever the bytes are and
//! however they are cut, the same events come out, in bounded memory.
//!
//! Own code rather than a library, because this language is what the product is about: what two
//! programs read differently here is a way past an opt-out (mail smuggling, RFC 5321 s2.3.8).

mod banner;
mod command;
mod data;
mod extension;
mod introduction;
mod line;
mod parameter;
mod reply;
mod reply_decoder;
mod solicitation;
mod stuffing;
mod verb;
mod xclient;
mod xtext;

pub use banner::{BannerKeywords, NearKeywords};
pub use command::{Command, CommandError, PathVerb};
pub use data::{DataDecoder, DataFault, DataStep};
pub use extension::{Capabilities, Limits, Offered};
pub use introduction::ClientIdentity;
pub use line::{COMMAND_LINE_MAX, FLOOD_MAX, LineDecoder, LineEvent, LineFault};
pub use parameter::{Body, MailParams, Notify, ParamError, RcptParams, Ret};
pub use reply::{Enhanced, REPLY_LINE_MAX, Reply};
pub use reply_decoder::{ReplyDecoder, ReplyFault};
pub use solicitation::Solicitation;
pub use stuffing::DataEncoder;
pub use verb::{Argument, Group, Needs, Verb, parse};
pub use xclient::{Told, XCLIENT_ATTRIBUTES, Xclient};
