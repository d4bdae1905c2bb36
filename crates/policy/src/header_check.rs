//! What a gate over a header may look for.

use std::sync::Arc;

use message::{Field, Header, OneClickFault, check_one_click};

use crate::authors::{AuthorFault, check_authors};
use crate::expression::Expression;
use crate::pattern::FieldName;
use crate::seen::fits;
use crate::sender_rules::AuthorDomain;
use crate::subject;

/// What is looked for; finding it is what the gate's verdict is about.
#[derive(Debug, Clone, PartialEq)]
pub enum HeaderCheck {
    /// No single From whose authors can be told for certain and are all at one of these domains;
    /// empty: at any.
    From(Arc<[AuthorDomain]>),
    /// One of these fields is missing.
    Required(Vec<FieldName>),
    /// One of these fields is there.
    Forbidden(Vec<FieldName>),
    /// A field of that name whose value fits, as it stands there or in any way in which programs
    /// decode it, with and without what the eye does not see.
    Field(FieldName, Expression),
    /// No one-click unsubscribe (RFC 8058). The authors whose messages get a signature here that
    /// covers its fields: one list for each signature.
    OneClick(Vec<Vec<AuthorDomain>>),
    /// More Received fields than this.
    Received(usize),
    /// A subject that may mislead (15 U.S.C. 7704(a)(2)); a heuristic.
    Subject,
    /// No subject that begins with one of these marks; case does not count.
    Advertisement(Vec<String>),
}

impl HeaderCheck {
    /// What is found: printable ASCII, with nothing of the message but names of fields.
    pub fn find(&self, header: &Header) -> Option<String> {
        match self {
            Self::From(domains) => from(header, domains),
            Self::Required(names) => {
                let missing = names.iter().find(|name| !header.has(name.as_str()))?;
                Some(format!("the message has no {}", missing.as_str()))
            }
            Self::Forbidden(names) => {
                let there =
                    names.iter().find(|name| header.named(name.as_str()).next().is_some())?;
                Some(format!("the message has a field {}", there.as_str()))
            }
            Self::Field(name, expression) => {
                // A field that becomes too long for that is as good as found: no mail has one.
                let fits = |text: &str| fits(expression, text).unwrap_or(true);
                let fits = |field: &Field| {
                    let mut readings = field.readings().into_iter();
                    fits(&field.unfolded()) || readings.any(|one| fits(&one))
                };
                let found = header.named(name.as_str()).any(fits);
                found.then(|| format!("the {} of the message fits the expression", name.as_str()))
            }
            Self::OneClick(signed) => {
                let fault = check_one_click(header).err()?;
                if fault == OneClickFault::NotSigned
                    && signed.iter().any(|authors| will_be_signed(header, authors))
                {
                    return None;
                }
                Some(format!("no one-click unsubscribe (RFC 8058): {fault}"))
            }
            Self::Received(most) => {
                let count = header.named("Received").count();
                (count > *most).then(|| format!("{count} Received fields, which looks like a loop"))
            }
            Self::Subject => subject::doubt(header).map(str::to_owned),
            Self::Advertisement(marks) => {
                let mut subjects = header.named("Subject").peekable();
                let marked = subjects.peek().is_some_and(|field| field.is_certain())
                    && subjects.all(|field| subject::is_marked(&field.decoded(), marks));
                let marks = || marks.join(" or ");
                (!marked).then(|| format!("the subject does not begin with {}", marks()))
            }
        }
    }
}

/// Whether a signature for these authors will cover the fields about unsubscribing. A name that
/// the signer may not know is not signed.
fn will_be_signed(header: &Header, authors: &[AuthorDomain]) -> bool {
    let mut named = header.named("From");
    let (Some(from), None) = (named.next(), named.next()) else { return false };
    let mut fields = header
        .named("List-Unsubscribe")
        .chain(header.named("List-Unsubscribe-Post"))
        .chain(std::iter::once(from));
    fields.all(|field| field.is_certain() && !field.is_obsolete())
        && check_authors(&from.unfolded(), authors).is_ok()
}

fn from(header: &Header, domains: &[AuthorDomain]) -> Option<String> {
    let mut named = header.named("From");
    let missing = "the message has no From, so nobody knows whose it is";
    let Some(first) = named.next().filter(|field| field.is_certain()) else {
        return Some(missing.to_owned());
    };
    if named.next().is_some() {
        return Some("the message has more than one From".to_owned());
    }
    let any = [AuthorDomain::Any];
    let domains = if domains.is_empty() { &any[..] } else { domains };
    let fault = check_authors(&first.unfolded(), domains).err()?;
    Some(
        match fault {
            AuthorFault::Missing => missing,
            AuthorFault::Unreadable => "the From of the message cannot be read with certainty",
            AuthorFault::Foreign => "the message is From a domain that is not permitted",
        }
        .to_owned(),
    )
}

#[cfg(test)]
mod tests;
