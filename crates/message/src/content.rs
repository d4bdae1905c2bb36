//! What a message says, for whoever judges it: its texts decoded, as a mail program would show
//! them, and what is attached.
//!
//! A message is read from the outside to the inside: a boundary of an outer multipart ends an
//! inner one (RFC 2046 s5.1.2), each part is decoded once, and all of it takes time and memory
//! in proportion to its size, within [`DEPTH_MAX`], [`PARTS_MAX`] and [`DECODED_MAX`].
//!
//! Nothing is passed in silence: what cannot be read, or may be read in two ways, is a
//! [`Problem`] beside what could be read.

mod charset;
mod colours;
mod css;
mod elements;
mod file_kinds;
mod flowed;
mod found;
mod heading;
mod html;
mod limits;
mod names;
mod parts;
mod problem;
mod sniff;
mod style;
mod tag;
mod transfer;
mod unstructured;
mod uuencode;

#[cfg(test)]
mod tests;

pub use found::{Attachment, Content, Link, Shown, Text, TextKind};
pub use limits::{DECODED_MAX, DEPTH_MAX, PARTS_MAX};
pub use names::percent_decoded;
pub use problem::Problem;
pub use sniff::sniffed;
pub(crate) use unstructured::unstructured;

impl Content {
    /// Reads a message: header, empty line, body.
    pub fn decode(message: &[u8]) -> Self {
        parts::read(message)
    }
}
