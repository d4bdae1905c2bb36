//! How much of a message is read.

/// Multiparts and messages within each other. Mail programs make three or four; forwards of
/// forwards a few more.
pub const DEPTH_MAX: usize = 24;

/// Parts of a message, those within attached messages included.
pub const PARTS_MAX: usize = 1_000;

/// Octets of all that is decoded. More than any message that would be taken, so that only what
/// is packed within itself is over it.
pub const DECODED_MAX: usize = 192 << 20;

/// The same, as times the size of the message: each message within another is decoded with it
/// and by itself, and readings that programs differ about count each.
pub(super) const DECODED_TIMES: usize = 8;

/// Octets that may be decoded of any message, however small.
pub(super) const DECODED_LEAST: usize = 1 << 20;
