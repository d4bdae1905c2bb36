//! Classes of solicitation that a recipient refuses (RFC 3865 s2.7).
//!
//! A message says by itself of which classes it is: by `SOLICIT=` of its MAIL, or only by its
//! header. Until that is known, whoever refuses any class is [`Provisional`](crate::Provisional).

use suppression::{Scope, Suppression};

use crate::reason::Reason;

/// A class that a recipient refuses, or may refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRefusal {
    /// An entry says so; its scope is the class.
    Entry(Suppression),
    /// This class: a list that may have such an entry cannot be relied on, and why.
    Unknown(Scope, String),
}

impl ClassRefusal {
    fn is_of(&self, class: &str) -> bool {
        match self {
            Self::Entry(entry) => entry.scope.names(class),
            Self::Unknown(scope, _) => scope.names(class),
        }
    }
}

/// What is known of the classes a message is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried<'a> {
    /// Nothing yet: the header tells.
    Unknown,
    /// These, separated by commas as on the wire; none: empty.
    Known(&'a str),
}

/// Why a message of these classes, separated by commas, may not go to somebody who refuses
/// those; what is refused comes before what cannot be told.
pub fn class_refused(refused: &[ClassRefusal], carried: &str) -> Option<Reason> {
    let mut unknown = None;
    for class in carried.split(',') {
        for refusal in refused.iter().filter(|one| one.is_of(class)) {
            match refusal {
                ClassRefusal::Entry(entry) => {
                    return Some(Reason::Class(class.to_owned(), entry.clone()));
                }
                ClassRefusal::Unknown(_, why) => {
                    unknown
                        .get_or_insert_with(|| Reason::ClassUnknown(class.to_owned(), why.clone()));
                }
            }
        }
    }
    unknown
}
