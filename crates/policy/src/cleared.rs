//! Proof, as a type, that the gates have spoken for a recipient.
//!
//! The fields are private and the makers are private to this crate: a value of
//! [`Cleared`] exists only where the opt-out gate permitted it, or where a listener
//! in shadow mode let a suppressed recipient pass on purpose. The smarthost's side
//! of `relay` accepts no other type.
//!
//! A [`Provisional`] recipient is one that some of the streams still possible permit
//! and others do not. It is no [`Cleared`] one and turns into one by one way only:
//! [`Provisional::settle`], with the stream that the header has decided and the classes of
//! solicitation that it names.

use address::ForwardPath;
use smallvec::SmallVec;

use crate::reason::Reason;
use crate::solicitation::{ClassRefusal, class_refused};
use crate::streams::{StreamId, StreamIds};

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

/// What one stream says of a recipient. No reason: permitted.
pub(crate) type Opinion = (StreamId, Option<Reason>);

/// A recipient that some of the streams still possible permit and some do not, or one that
/// refuses classes of solicitation while it is not known of which the message is: it may
/// be offered to the smarthost, but DATA must not follow before the header has decided.
///
/// It cannot be made by hand, cloned, or taken for a cleared one:
///
/// ```compile_fail
/// fn only_cleared(_: &policy::Cleared<address::ForwardPath>) {}
/// fn forge(provisional: &policy::Provisional<address::ForwardPath>) {
///     only_cleared(provisional);
/// }
/// ```
#[derive(Debug, PartialEq)]
pub struct Provisional<P> {
    path: P,
    opinions: Vec<Opinion>,
    /// The classes it refuses, where it is not known of which the message is.
    classes: Vec<ClassRefusal>,
    /// What a record shows where no stream says no.
    noted: Option<Reason>,
}

/// What the stream said that was decided at last.
#[derive(Debug, PartialEq)]
pub struct Refused {
    /// Whom it refused.
    pub path: ForwardPath,
    /// Why.
    pub reason: Reason,
    /// 5yz; otherwise it cannot be told now, and may pass.
    pub permanent: bool,
}

/// What each stream still possible says of a recipient, without the reasons.
///
/// Recipients of one transaction must agree in it, because one reply to the dot stands
/// for all of them. Empty: all of them permit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerdictSet(SmallVec<[Word; 8]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Permit,
    Refuse,
    Defer,
}

impl Provisional<ForwardPath> {
    pub(crate) fn new(path: ForwardPath, opinions: Vec<Opinion>) -> Self {
        Self { path, opinions, classes: Vec::new(), noted: None }
    }

    /// It refuses these classes, and it is not known of which the message is.
    pub(crate) fn refusing_classes(
        self,
        classes: Vec<ClassRefusal>,
        noted: Option<Reason>,
    ) -> Self {
        Self { classes, noted, ..self }
    }

    /// The path to write into RCPT.
    pub fn path(&self) -> &ForwardPath {
        &self.path
    }

    /// What each stream says.
    pub fn set(&self) -> VerdictSet {
        let word = |(_, reason): &Opinion| match reason {
            None => Word::Permit,
            Some(reason) if reason.is_unknown() => Word::Defer,
            Some(_) => Word::Refuse,
        };
        VerdictSet(self.opinions.iter().map(word).collect())
    }

    /// Whether every stream says the same of both.
    pub fn same_set(&self, other: &Self) -> bool {
        self.set() == other.set()
    }

    /// The first reason not to permit: what a record shows.
    pub fn reason(&self) -> Option<&Reason> {
        let not = self.opinions.iter().find_map(|(_, reason)| reason.as_ref());
        not.or(self.noted.as_ref())
    }

    /// The streams that refuse it for good.
    pub fn refusing(&self) -> StreamIds {
        let refuses = |(id, reason): &Opinion| match reason {
            Some(reason) if !reason.is_unknown() => Some(*id),
            Some(_) | None => None,
        };
        self.opinions.iter().filter_map(refuses).collect()
    }

    /// Cleared or not, now that the stream is decided, and the classes of solicitation the
    /// message says it is of are known, separated by commas.
    ///
    /// # Errors
    ///
    /// Why the stream does not permit it, or the recipient refuses a class. A stream that was
    /// not asked about is one of which nothing is known, and does not permit.
    pub fn settle(
        self,
        stream: StreamId,
        carried: &str,
    ) -> Result<Cleared<ForwardPath>, Box<Refused>> {
        let Self { path, opinions, classes, noted: _ } = self;
        let reason = match opinions.into_iter().find(|(id, _)| *id == stream) {
            Some((_, None)) => match class_refused(&classes, carried) {
                None => return Ok(Cleared::permitted(path)),
                Some(reason) => reason,
            },
            Some((_, Some(reason))) => reason,
            None => Reason::Unknown("the stream was not asked about".to_owned()),
        };
        let permanent = !reason.is_unknown();
        Err(Box::new(Refused { path, reason, permanent }))
    }
}
