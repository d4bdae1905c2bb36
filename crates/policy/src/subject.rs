//! What a subject says about itself. A subject that would likely mislead about a material fact is
//! forbidden in commercial mail (15 U.S.C. 7704(a)(2)); no program can tell, so these are signs,
//! for people to look at.

use message::{Field, Header};

/// Marks of an answer or of something passed on, in the languages whose programs write them.
const ANSWER_MARKS: [&str; 9] = ["re", "fw", "fwd", "aw", "wg", "sv", "tr", "rv", "antw"];
/// What frightens people into reading.
const ALARMS: [&str; 10] = [
    "account suspended",
    "account has been suspended",
    "account is suspended",
    "account will be closed",
    "account on hold",
    "account locked",
    "payment declined",
    "unusual activity",
    "security alert",
    "final notice",
];

/// The first sign that a subject may mislead.
pub(crate) fn doubt(header: &Header) -> Option<&'static str> {
    let mut subjects = header.named("Subject");
    let Some(subject) = subjects.next().filter(|field| field.is_certain()).map(Field::decoded)
    else {
        return Some("the message has no Subject");
    };
    if subjects.next().is_some() {
        return Some("the message has more than one Subject");
    }
    let words = subject.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    if words.is_empty() {
        return Some("the subject is empty");
    }
    let answers = ANSWER_MARKS.iter().any(|mark| {
        words.strip_prefix(mark).is_some_and(|rest| rest.trim_start().starts_with(':'))
    });
    if answers && !header.has("References") && !header.has("In-Reply-To") {
        return Some("the subject is that of an answer, and the message answers none");
    }
    let alarming = ALARMS.iter().any(|alarm| words.contains(alarm));
    alarming.then_some("the subject may alarm without reason")
}

/// Whether it begins with one of the marks, as a word of its own.
pub(crate) fn is_marked(subject: &str, marks: &[String]) -> bool {
    let subject = subject.trim_start();
    marks.iter().any(|mark| {
        let Some((start, rest)) = subject.split_at_checked(mark.len()) else { return false };
        let ends = mark.ends_with(|last: char| !last.is_alphanumeric());
        start.eq_ignore_ascii_case(mark)
            && (ends || !rest.starts_with(|next: char| next.is_alphanumeric()))
    })
}
