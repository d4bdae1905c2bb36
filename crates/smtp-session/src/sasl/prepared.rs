//! Names and passwords made comparable (RFC 4013, SASLprep).
//!
//! The same word typed on two keyboards can be two sequences of code points. Both sides of
//! SCRAM hash what this gives (RFC 5802 s2.2), and a server compares PLAIN in this form
//! (RFC 4616 s2). What has no such form is refused, never passed on as it stands.

use std::borrow::Cow;

/// Normalised by NFKC, non-ASCII spaces made spaces; `None` for what RFC 4013 prohibits
/// (control characters, private use, characters it does not know, mixed directions) and for
/// what is empty afterwards.
pub fn prepare(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok().filter(|prepared| !prepared.is_empty())
}
