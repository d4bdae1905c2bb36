//! What filters are shown of a transaction, and what they say.
//!
//! A filter is whatever judges a message outside this crate and may take its time: the gates
//! over decoded content, milters, and whoever signs. A relay shows them the steps of a
//! transaction in their order ([`FilterStep`]) and is told as many verdicts
//! ([`FilterAnswer`]), in the same order. All of them carry the number of the transaction;
//! what comes for one that is gone is nobody's any more.
//!
//! ```text
//!   MAIL ----> Mail ------------> the reply to MAIL waits for the verdict
//!   RCPT ----> Recipient -------> permitted by our gates; shown to the smarthost after it
//!   data ----> Piece, Piece ----> of content that nobody may change, as it streams: taken
//!   dot  ----> Content ---------> the rest of it, or a copy of all: judged, while the smarthost
//!                                 waits for our dot; or held: judged and changed, while it
//!                                 waits before DATA
//!   any other way out: Abort; no answer
//! ```

use std::sync::Arc;

use address::{ForwardPath, ReversePath};
use evidence::Reference;
use policy::{Finding, Possible, StreamId};
use smtp_wire::{MailParams, RcptParams, Reply};

use crate::hold::Room;

/// What filters are asked about the transactions of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filters {
    /// They are asked about MAIL and each RCPT, and shown all content: there is a milter.
    pub envelope: bool,
    /// Which of those read content that nobody may change as it streams.
    pub readers: Readers,
    /// Whose content they judge besides.
    pub judged: JudgedStreams,
    /// They may change the content of any message, or sign it: all of it is held.
    pub change: bool,
    /// Octets of content that are worth a [`FilterStep::Piece`]. The client is not read while
    /// they have not taken several times as many.
    pub piece: usize,
}

impl Default for Filters {
    /// There are none; pieces of 32 KiB.
    fn default() -> Self {
        Self {
            envelope: false,
            readers: Readers::None,
            judged: JudgedStreams::None,
            change: false,
            piece: 32 * 1024,
        }
    }
}

/// Who reads content as it streams; others are shown all of it at the dot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Readers {
    /// Nobody.
    #[default]
    None,
    /// Some do.
    Some,
    /// Everybody does who is asked about the envelope.
    All,
}

/// The streams whose content is judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum JudgedStreams {
    /// None.
    #[default]
    None,
    /// Every one.
    All,
    /// These.
    These(Vec<StreamId>),
}

/// What the filters of a transaction need of its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentNeed {
    /// Nothing.
    Nothing,
    /// To see it go by: our dot waits for their word.
    Passing,
    /// A copy of it, to judge: our dot waits as well.
    Copy,
    /// All of it, perhaps to change it: DATA waits.
    Whole,
}

impl Filters {
    /// Octets they may add to a message, for SIZE= upstream (RFC 1870 s6.1 asks for an
    /// estimate): some fields and a signature.
    pub(crate) fn size_allowance(&self) -> u64 {
        if self.change { 8 * 1024 } else { 0 }
    }

    /// For a message that may be on any of these streams.
    pub fn need(&self, possible: &Possible) -> ContentNeed {
        let judged = match &self.judged {
            JudgedStreams::None => false,
            JudgedStreams::All => true,
            JudgedStreams::These(streams) => possible.iter().any(|id| streams.contains(&id)),
        };
        match (self.change, judged || self.wants_copy(), self.envelope) {
            (true, ..) => ContentNeed::Whole,
            (false, true, _) => ContentNeed::Copy,
            (false, false, true) => ContentNeed::Passing,
            (false, false, false) => ContentNeed::Nothing,
        }
    }

    /// Somebody is shown all content at the dot, whatever stream it is on.
    pub(crate) fn wants_copy(&self) -> bool {
        self.envelope && self.readers != Readers::All
    }

    /// Somebody reads content as it streams.
    pub(crate) fn reads(&self) -> bool {
        self.envelope && self.readers != Readers::None
    }
}

/// A step of a transaction, as filters see it.
#[derive(Debug)]
pub enum FilterStep {
    /// It begins.
    Mail(Box<FilterMail>),
    /// One recipient that our own gates permit.
    Recipient {
        /// Names it in the answer.
        tag: u32,
        /// Its address.
        path: ForwardPath,
        /// The parameters of RCPT.
        params: RcptParams,
    },
    /// Content that goes upstream, as far as it has come, from its beginning on: for those who
    /// read it as it streams. What the header decides is decided.
    Piece(FilterPiece),
    /// The content is complete.
    Content(Box<FilterContent>),
    /// It ended without a verdict on its content, or that verdict is not waited for any more.
    /// There is no answer.
    Abort,
}

/// MAIL.
#[derive(Debug)]
pub struct FilterMail {
    /// The name the client gave.
    pub client_name: String,
    /// By EHLO.
    pub extended: bool,
    /// The sender.
    pub from: ReversePath,
    /// The parameters of MAIL.
    pub params: MailParams,
    /// Our name for the transaction.
    pub reference: Reference,
}

/// A piece of the content of a message, cut anywhere.
#[derive(Debug)]
pub struct FilterPiece {
    /// As in [`FilterContent::content`].
    pub octets: Vec<u8>,
    /// The room that takes up in the budget; counted until it is dropped, and all its clones.
    pub room: Room,
}

/// The content of a message.
#[derive(Debug)]
pub struct FilterContent {
    /// Header and body as the client sent them, dots removed, lines with CRLF, with the fields
    /// that this gate adds below its Received. Empty where nobody wants all of it: then there is
    /// a `rest`.
    pub content: Vec<u8>,
    /// As in [`FilterPiece`].
    pub room: Room,
    /// What comes behind the pieces that were shown: all, if there were none. `None`: there were
    /// none, and it is in `content`.
    pub rest: Option<FilterPiece>,
    /// The streams it may be on: one, if that is decided.
    pub possible: Possible,
    /// A gate over the header permits it: those over the content are not asked.
    pub gates_permit: bool,
    /// It is held, and goes upstream as the answer has it.
    pub may_change: bool,
}

/// The answer to a [`FilterStep`].
#[derive(Debug)]
pub enum FilterAnswer {
    /// To [`FilterStep::Mail`].
    Mail(FilterVerdict),
    /// To [`FilterStep::Recipient`], with its tag.
    Recipient(u32, FilterVerdict),
    /// To [`FilterStep::Piece`]: they have taken so many octets. What they say of them comes with
    /// the verdict on the content.
    Taken(usize),
    /// To [`FilterStep::Content`].
    Content(Box<Filtered>),
}

/// What filters say of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilterVerdict {
    /// It passes.
    Permit,
    /// It does not, with 4yz or 5yz.
    Refuse {
        /// The filter, for the record: `gate NAME`, `milter NAME`, `dkim DOMAIN`.
        by: Arc<str>,
        /// What the client is told. Without an enhanced code it gets one.
        reply: Reply,
    },
    /// A gate's finding refuses or defers the message; the reply is made of it.
    Found(Box<Finding>),
    /// The message is to vanish behind a 250: so it does where the listener's action is
    /// `drop`, anywhere else it is refused with 550.
    Discard {
        /// As in [`Self::Refuse`].
        by: Arc<str>,
    },
}

/// What filters made of the content.
#[derive(Debug)]
pub struct Filtered {
    /// Whether it goes upstream.
    pub verdict: FilterVerdict,
    /// What gates and milters found, those that only watch included, for the evidence.
    pub findings: Vec<Finding>,
    /// What goes upstream, where it was held; as it came unless somebody changed it.
    pub content: Vec<u8>,
    /// It is not what the client sent.
    pub changed: bool,
}
