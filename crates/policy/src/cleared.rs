//! Proof, as a type, that the gates have spoken for a recipient.
//!
//! The fields are private and the makers are private to this crate: a value of
//! [`Cleared`] exists only where the opt-out gate permitted it, or where a listener
//! in shadow mode let a suppressed recipient pass on purpose. The smarthost's side
//! of `relay` accepts no other type.

use address::ForwardPath;

/// A recipient that may be shown to the smarthost.
///
/// It cannot be made by hand, and it cannot be cloned: each check clears one
/// recipient of one transaction.
///
/// ```compile_fail
/// let path = address::ForwardPath::Postmaster;
/// let forged = policy::Cleared { path, shadowed: false };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Cleared<P> {
    path: P,
    shadowed: bool,
}

impl Cleared<ForwardPath> {
    pub(crate) fn permitted(path: ForwardPath) -> Self {
        Self { path, shadowed: false }
    }

    /// Suppressed, yet let through because the listener only watches.
    pub(crate) fn shadowed(path: ForwardPath) -> Self {
        Self { path, shadowed: true }
    }

    /// The path to write into RCPT.
    pub fn path(&self) -> &ForwardPath {
        &self.path
    }

    /// Let through by a listener in shadow mode.
    pub fn is_shadowed(&self) -> bool {
        self.shadowed
    }
}

/// A recipient that some of the streams still possible permit and some refuse: it
/// may be offered to the smarthost, but DATA must not follow before the header has
/// decided the stream. Streams come with the rules that tell them apart; until then
/// nothing makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Provisional<P> {
    path: P,
}

impl Provisional<ForwardPath> {
    /// The path to write into RCPT.
    pub fn path(&self) -> &ForwardPath {
        &self.path
    }
}
