//! What records tell of a transaction with mail data.

use std::sync::Arc;

use evidence::Reference;
use policy::{Possible, StreamId, Streams};
use smtp_session::Moment;
use suppression::Stream;

use crate::authors::AuthorScan;
use crate::fields::Deciding;
use crate::header::HeaderScan;
use crate::header_block::HeaderBlock;
use crate::solicit_scan::Classes;

/// What records need to know of a transaction whose envelope is done.
#[derive(Debug, Clone)]
pub(crate) struct Facts {
    pub(crate) reference: Reference,
    pub(crate) began: Moment,
    pub(crate) reverse_path_domain: Option<Arc<str>>,
    /// The streams it may be on: one, once that is decided.
    pub(crate) possible: Possible,
    /// That one.
    pub(crate) stream: Option<Arc<Stream>>,
    /// Recipients the smarthost took.
    pub(crate) recipients: usize,
    /// Recipients answered 250 and not forwarded.
    pub(crate) dropped: usize,
}

impl Facts {
    /// The header has decided; `None`: it could not be read.
    pub(crate) fn decided(&mut self, streams: &Streams, stream: Option<StreamId>) {
        self.stream = stream.map(|id| Arc::clone(streams.get(id)));
        if let Some(stream) = stream {
            self.possible = streams.only(stream);
        }
    }
}

/// What the content has shown so far.
#[derive(Debug, Default)]
pub(crate) struct Content {
    pub(crate) header: HeaderScan,
    /// Octets, dots removed, CRLF counted (RFC 1870 s5).
    pub(crate) size: u64,
    /// It holds octets above 127.
    pub(crate) eight_bit: bool,
    /// What the header decides, until it has.
    pub(crate) deciding: Option<Box<Deciding>>,
    /// The authors, where rules say who they may be, until the header has ended.
    pub(crate) authors: Option<Box<AuthorScan>>,
    /// The classes of solicitation it is of.
    pub(crate) classes: Classes,
    /// The header, where somebody wants it, until it has ended.
    pub(crate) block: Option<Box<HeaderBlock>>,
    /// A gate over the header permits the message: no further gate is asked.
    pub(crate) gates_permit: bool,
}

impl Content {
    /// Somebody has not decided yet who looks at the header alone.
    pub(crate) fn header_may_refuse(&self) -> bool {
        self.block.is_some() || self.authors.is_some() || self.classes.is_reading()
    }
}
