//! Lists that are asked live, as far as the index has to know of them: when they must be asked.
//!
//! A list is asked only where its answer could change what the index says. Objections can turn a
//! yes into no; consents can give a permission that is missing, or end an objection that was
//! recorded, and then the objections of the other lists count as well. Whether they can is asked
//! of the decision itself, with an entry made up that the list could hold.

use std::borrow::Borrow;

use suppression::{Case, Fact, Finding, Kind, Known, Origin, OriginId, Terms};

use super::states::{Change, may};

/// A list that is asked live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    /// Its name.
    pub name: String,
    /// Of which kinds and scopes its entries may be.
    pub carries: Vec<Origin>,
}

/// Those of the lists whose answers could change the finding of this case.
pub(super) fn concerned<'l, 't, L: Borrow<Outside>>(
    lists: &'l [L],
    case: &Case<'_>,
    terms: &Terms<'t>,
    finding: &Finding,
) -> impl Iterator<Item = &'l L> + use<'l, 't, L> {
    let reopens = match finding {
        Finding::Clear | Finding::InGrace(..) => false,
        Finding::Suppressed(_) | Finding::NoConsent => reopens(lists, case, terms),
    };
    // Whoever may be mailed again because of a consent may have objected since.
    let objections = reopens || finding.permits();
    let (stream, today) = (terms.stream, terms.today);
    let counts = move |origin: &Origin| match origin.kind {
        Kind::Consent => reopens,
        _ => objections && may(origin, Change::Permitted, stream, today),
    };
    lists.iter().filter(move |list| (*list).borrow().carries.iter().any(counts))
}

/// Whether the stream would be permitted, if the lists held every consent they could hold.
fn reopens<L: Borrow<Outside>>(lists: &[L], case: &Case<'_>, terms: &Terms<'_>) -> bool {
    let all = || lists.iter().flat_map(|list| &list.borrow().carries);
    let consents = || all().filter(|origin| origin.kind == Kind::Consent);
    if consents().next().is_none() {
        return false;
    }
    let fact = Fact { origin: OriginId(0), day: terms.today, position: Fact::NO_ROW };
    let mut best = Case { role: case.role, ..Case::default() };
    best.objections.extend_from_slice(&case.objections);
    best.consents.extend_from_slice(&case.consents);
    best.consents.extend(consents().map(|origin| Known { fact, origin, withdrawn: false }));
    best.decide(terms).permits()
}

#[cfg(test)]
mod tests;
