//! What a stream is about, taken apart, and which scope contains which part of it.

use crate::scope::Scope;
use crate::stream::{Stream, StreamClass};

/// One thing a stream is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Transactional,
    Commercial,
    Named(&'a str),
}

/// Everything a stream is about; never nothing.
pub(super) fn parts(stream: &Stream) -> impl Iterator<Item = Part<'_>> {
    let whole = match stream.class {
        StreamClass::Transactional => Some(Part::Transactional),
        StreamClass::Commercial if stream.scopes.is_empty() => Some(Part::Commercial),
        StreamClass::Commercial => None,
    };
    let names = if whole.is_some() { &[][..] } else { &stream.scopes };
    whole.into_iter().chain(names.iter().map(|name| Part::Named(name)))
}

/// What an objection and a stream have in common.
pub(super) fn common<'a>(scope: &'a Scope, stream: &'a Stream) -> impl Iterator<Item = Part<'a>> {
    parts(stream).filter_map(move |part| match (scope, part) {
        (Scope::All, part) => Some(part),
        (Scope::Commercial | Scope::Named(_), Part::Transactional) => None,
        (Scope::Commercial, part) => Some(part),
        // Which class a message is of, it says itself: it is not about anything.
        (Scope::Named(_), Part::Commercial) if scope.is_class() => None,
        (Scope::Named(name), Part::Commercial) => Some(Part::Named(name)),
        (Scope::Named(_), Part::Named(name)) => scope.names(name).then_some(part),
    })
}

/// Whether the scope contains the part.
pub(super) fn contains(scope: &Scope, part: Part<'_>) -> bool {
    match (scope, part) {
        (Scope::All, _) | (Scope::Commercial, Part::Commercial | Part::Named(_)) => true,
        (Scope::Named(_), Part::Named(name)) => scope.names(name),
        (Scope::Commercial, Part::Transactional)
        | (Scope::Named(_), Part::Transactional | Part::Commercial) => false,
    }
}
