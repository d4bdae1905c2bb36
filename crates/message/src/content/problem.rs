//! Why a message could not be read whole.

use std::fmt;

use super::limits::{DECODED_MAX, DEPTH_MAX, PARTS_MAX};

/// Something in a message that cannot be read, or that two mail programs may read differently.
/// What could be read is there all the same; whoever needs all of it must not take that for
/// the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Problem {
    /// Multiparts and messages within each other, more than [`DEPTH_MAX`].
    TooDeep,
    /// More than [`PARTS_MAX`].
    TooManyParts,
    /// More than [`DECODED_MAX`] octets when decoded, or many times the message.
    TooLarge,
    /// Elements of HTML within each other, more than any mail program goes; more attributes of
    /// one, or more rules of style sheets, than are looked at; or a sheet that takes too long.
    HtmlTooDeep,
    /// A line between fields that is none.
    BrokenHeader,
    /// A field that is there twice, or a parameter of it.
    Twice(&'static str),
    /// A multipart without a boundary, or with one that does not occur.
    NoBoundary,
    /// A line that is a boundary for some programs only, or a part behind the last one.
    OddBoundary,
    /// A Content-Transfer-Encoding of another name than the five.
    UnknownEncoding,
    /// Octets that do not belong into this Content-Transfer-Encoding, or a multipart that has
    /// one.
    BrokenEncoding(&'static str),
    /// A Content-Type without a subtype.
    UnknownType,
    /// A charset that is not known.
    UnknownCharset,
    /// A piece of a message that is sent in several (RFC 2046 s5.2.2).
    Piece,
    /// Encrypted, or within a format that only one program reads: its parts are unknown.
    Sealed,
}

impl Problem {
    /// It is too much, rather than wrong.
    pub fn is_too_complex(self) -> bool {
        matches!(self, Self::TooDeep | Self::TooManyParts | Self::TooLarge | Self::HtmlTooDeep)
    }
}

/// For records and replies: printable ASCII, nothing of the message.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooDeep => write!(f, "parts within parts, more than {}", DEPTH_MAX),
            Self::TooManyParts => write!(f, "more than {} parts", PARTS_MAX),
            Self::TooLarge => {
                write!(
                    f,
                    "more than {} MiB, or many times its size, when decoded",
                    DECODED_MAX >> 20
                )
            }
            Self::HtmlTooDeep => f.write_str("HTML that is too deep or too costly"),
            Self::BrokenHeader => f.write_str("a header with a line that is no field"),
            Self::Twice(what) => write!(f, "{what} is there twice"),
            Self::NoBoundary => f.write_str("a multipart without its boundary"),
            Self::OddBoundary => f.write_str("boundaries that can be read in two ways"),
            Self::UnknownEncoding => f.write_str("an unknown Content-Transfer-Encoding"),
            Self::BrokenEncoding(name) => write!(f, "broken {name}"),
            Self::UnknownType => f.write_str("a Content-Type that is none"),
            Self::UnknownCharset => f.write_str("an unknown charset"),
            Self::Piece => f.write_str("a piece of a message (message/partial)"),
            Self::Sealed => f.write_str("encrypted or packed for one program only"),
        }
    }
}
