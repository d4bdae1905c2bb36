//! A postal address, wherever its lines are broken.

use super::folded::Folded;

/// An address that a message may have to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostalAddress {
    written: Box<str>,
    folded: Box<str>,
}

impl PostalAddress {
    /// An address as it is written, its lines in any form. Nothing, if it has no letter or
    /// digit, so that it would be everywhere.
    pub fn new(written: &str) -> Option<Self> {
        let folded = Folded::of(written).text;
        (!folded.is_empty())
            .then(|| Self { written: written.into(), folded: folded.into_boxed_str() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    pub(super) fn is_in(&self, text: &Folded) -> bool {
        text.find(&self.folded, true).next().is_some()
    }
}
