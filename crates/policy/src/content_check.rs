//! What a gate over decoded content looks for.
//!
//! Something that must be there has to be in each way in which the message may be read: in
//! every alternative, in what is shown when it is opened, and visible (15 U.S.C. 7704(a)(5)(A)
//! wants it clear and conspicuous). Something that must not be there is looked for everywhere:
//! hidden texts, attached messages and files included.

mod attachments;
mod folded;
mod notice;
mod notice_words;
mod postal;

use std::cell::Cell;

use message::Content;
use message::content::{Problem, Shown, Text};

pub use attachments::AttachmentRules;
pub use notice::NoticeWords;
pub use postal::PostalAddress;

use crate::expression::Expression;
use crate::seen::fits;

/// A check of decoded content.
#[derive(Debug, Clone, PartialEq)]
pub enum ContentCheck {
    /// None of these postal addresses is in it (15 U.S.C. 7704(a)(5)(A)(iii)).
    PostalAddress(Vec<PostalAddress>),
    /// No notice of how to opt out, with something that works (15 U.S.C. 7704(a)(5)(A)(ii)).
    OptOutNotice(NoticeWords),
    /// This is found in its subject or a text.
    Text(Expression),
    /// An attachment that one of these rules is about.
    Attachments(AttachmentRules),
}

/// What a check has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Nothing that it looks for.
    Clear,
    /// This. Printable ASCII.
    Found(String),
    /// Nothing that it looks for, but not all could be read, and why.
    Unreadable(String),
}

impl ContentCheck {
    /// Looks at a message.
    pub fn judge(&self, content: &Content) -> Judgement {
        // A text has become too long when it was compared.
        let over = Cell::new(false);
        let found = match self {
            Self::PostalAddress(addresses) => {
                let has = |text: &Text| {
                    let folded = folded::Folded::of(&text.visible);
                    let has = addresses.iter().any(|address| address.is_in(&folded));
                    over.set(over.get() || folded.cut && !has);
                    has
                };
                lacking(content, &has).map(|place| format!("no postal address {place}"))
            }
            Self::OptOutNotice(words) => lacking(content, &|text: &Text| words.notice_in(text))
                .map(|place| format!("no opt-out notice that works {place}")),
            Self::Text(expression) => matching(content, expression, &over),
            Self::Attachments(rules) => {
                over.set(AttachmentRules::is_too_long(content));
                rules.find(content)
            }
        };
        // Something that must be there may be where the text was cut.
        let lacks = matches!(self, Self::PostalAddress(_));
        match (found, content.problems.as_slice()) {
            (found, _) if over.get() && (lacks || found.is_none()) => {
                Judgement::Unreadable(format!("{TOO_COMPLEX}: letters that stand for many"))
            }
            (Some(found), _) => Judgement::Found(found),
            (None, []) => Judgement::Clear,
            (None, problems) => Judgement::Unreadable(told(problems)),
        }
    }
}

const TOO_COMPLEX: &str = "too complex to be judged";

fn told(problems: &[Problem]) -> String {
    let kind = if problems.iter().any(|problem| problem.is_too_complex()) {
        TOO_COMPLEX
    } else {
        "cannot be read whole"
    };
    let mut told = format!("{kind}: ");
    for (at, problem) in problems.iter().enumerate() {
        told.push_str(if at == 0 { "" } else { ", " });
        told.push_str(&problem.to_string());
    }
    told
}

/// Where something is lacking that has to be in every way to read the message; nothing, if it
/// is in each.
fn lacking(content: &Content, has: &dyn Fn(&Text) -> bool) -> Option<String> {
    let lacks = lacks(content, &content.shown, has)?;
    let media = |at: &usize| content.texts.get(*at).map_or("text", |text| text.media.as_str());
    Some(match lacks.as_slice() {
        [] => "in it: it shows no text".to_owned(),
        [one] if matches!(content.shown, Shown::Text(_)) => format!("in its {}", media(one)),
        [one] => format!("in its {} part", media(one)),
        [first, ..] => format!("in any of its parts from {} on", media(first)),
    })
}

/// The texts that lack it and are read together, of the first way to read it that lacks it.
fn lacks(content: &Content, shown: &Shown, has: &dyn Fn(&Text) -> bool) -> Option<Vec<usize>> {
    match shown {
        Shown::Nothing => Some(Vec::new()),
        Shown::Text(at) => match content.texts.get(*at) {
            Some(text) if has(text) => None,
            _ => Some(vec![*at]),
        },
        Shown::All(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(lacks(content, part, has)?);
            }
            Some(all)
        }
        Shown::OneOf(ways) => ways.iter().find_map(|way| lacks(content, way, has)),
    }
}

/// `over`: a text could not be looked at as the eye has it.
fn matching(content: &Content, expression: &Expression, over: &Cell<bool>) -> Option<String> {
    let fits = |text: &str| {
        let fits = fits(expression, text);
        over.set(over.get() || fits.is_none());
        fits.unwrap_or_default()
    };
    if content.subjects.iter().any(|subject| fits(subject)) {
        return Some("its Subject fits the expression".to_owned());
    }
    if content.inner_subjects.iter().any(|subject| fits(subject)) {
        return Some("the Subject of a message in it fits the expression".to_owned());
    }
    let text = content.texts.iter().find(|text| {
        fits(&text.visible)
            || text.whole.as_deref().is_some_and(fits)
            || text.links.iter().any(|link| fits(&link.target))
    })?;
    Some(format!("its {} part fits the expression", text.media))
}

#[cfg(test)]
mod tests;
