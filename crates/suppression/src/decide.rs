//! The decision: one pure function from what is known about a recipient and the stream a
//! message is on to a finding.
//!
//! | entry                                       | scope        | commercial | transactional |
//! | ------------------------------------------- | ------------ | ---------- | ------------- |
//! | opt-out, complaint, manual, undeliverable   | `all`        | suppressed | suppressed    |
//! | opt-out, complaint, manual, undeliverable   | `commercial` | suppressed | clear         |
//! | opt-out, complaint, manual, undeliverable   | a name       | suppressed | clear         |
//! | consent, withdrawn                          | any          | no effect  | no effect     |
//! | none                                        |              | clear      | clear         |
//!
//! Several entries: suppressed if one of them suppresses. The one reported is the strongest
//! (complaint, opt-out, manual, undeliverable), then the widest scope, then the earliest day,
//! then the lowest row, so that the order of facts and of imports never shows.
//!
//! A named scope suppresses every commercial stream as long as streams cannot say which lists
//! they belong to: what is unknown does not permit. For the same reason consent and withdrawal
//! re-open nothing yet; their rules (DESIGN s4) need the stream's scopes, the time of day and
//! the entries a withdrawal refers to, and they will only ever be added here.

use std::cmp::Reverse;

use crate::fact::Fact;
use crate::kind::Kind;
use crate::origin::Origin;
use crate::scope::Scope;
use crate::time::Day;

/// What kind of mail a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StreamClass {
    /// Everything that was not declared otherwise.
    #[default]
    Commercial,
    /// What a person asked for or must get: receipts, password resets.
    Transactional,
}

/// Whether an address may be mailed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing known speaks against it.
    Clear,
    /// An entry speaks against it.
    Suppressed(Suppression),
}

/// The entry that speaks against it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Name of the source it came from.
    pub source: String,
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// Since when.
    pub since: Day,
    /// Its row of the ledger.
    pub position: u32,
}

/// Decides for one recipient. See the table above.
pub fn decide<'a>(
    facts: impl IntoIterator<Item = (Fact, &'a Origin)>,
    stream: StreamClass,
) -> Finding {
    let strongest = facts
        .into_iter()
        .filter_map(|(fact, origin)| {
            let strength = strength(origin.kind)?;
            reaches(&origin.scope, stream).then_some((strength, fact, origin))
        })
        .min_by_key(|(strength, fact, origin)| {
            (Reverse(*strength), origin.scope.narrowness(), fact.day, fact.position)
        });
    match strongest {
        None => Finding::Clear,
        Some((_, fact, origin)) => Finding::Suppressed(Suppression {
            source: origin.source.clone(),
            kind: origin.kind,
            scope: origin.scope.clone(),
            since: fact.day,
            position: fact.position,
        }),
    }
}

/// How strong a reason against mailing the kind is; none if it is no such reason.
fn strength(kind: Kind) -> Option<u8> {
    match kind {
        Kind::Complaint => Some(4),
        Kind::OptOut => Some(3),
        Kind::Manual => Some(2),
        Kind::Undeliverable => Some(1),
        Kind::Consent | Kind::Withdrawn => None,
    }
}

/// Whether an objection of this scope is about mail of this class.
fn reaches(scope: &Scope, stream: StreamClass) -> bool {
    match (scope, stream) {
        (Scope::All, StreamClass::Commercial | StreamClass::Transactional)
        | (Scope::Commercial | Scope::Named(_), StreamClass::Commercial) => true,
        (Scope::Commercial | Scope::Named(_), StreamClass::Transactional) => false,
    }
}

#[cfg(test)]
mod tests;
