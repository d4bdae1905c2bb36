//! The decision: one pure function from what is known about a recipient, the stream a message
//! is on, and the day, to a finding (DESIGN s4).
//!
//! **Which objections reach a stream.** What an entry and a stream have *in common*:
//!
//! | objection \ stream | transactional | commercial, no scopes | commercial, scopes B and C |
//! | ------------------ | ------------- | --------------------- | -------------------------- |
//! | `all`              | transactional | commercial            | B and C                    |
//! | `commercial`       | nothing       | commercial            | B and C                    |
//! | a name A           | nothing       | A                     | A, if it is B or C         |
//!
//! With nothing in common the entry is about other mail. A stream without scopes may be about
//! any list, so a named objection stops it: what is unknown does not permit.
//!
//! **What an objection in common does**, the first line that fits:
//!
//! | the objection                                                        | the stream      |
//! | -------------------------------------------------------------------- | --------------- |
//! | was withdrawn                                                        | not stopped     |
//! | is about the whole domain, and this is one of its role addresses     | not stopped     |
//! | is `undeliverable`, and has lapsed                                   | not stopped     |
//! | is not `manual`, and for all they have in common there is a consent of a later day, neither withdrawn nor lapsed, whose scope contains it | not stopped |
//! | is an `opt-out` within the grace that is configured                  | not stopped yet |
//! | any other `opt-out`, `complaint`, `manual`, `undeliverable`          | stopped         |
//!
//! **Permission.** A stream for which consent is needed (`opt-in`) is stopped as well unless
//! for everything it is about there is a consent, neither withdrawn nor lapsed, whose scope
//! contains it.
//!
//! `all` contains `commercial` and each name and transactional mail; `commercial` contains each
//! name; a name contains itself. Names are compared without regard to case. Days are UTC days:
//! a consent of the same day does not re-open. The finding reported is the strongest objection
//! (complaint, opt-out, manual, undeliverable), then the widest scope, then the earliest day,
//! then the lowest row, so that the order of facts and of imports never shows.

use std::cmp::Reverse;

use crate::calendar::Grace;
use crate::fact::Fact;
use crate::kind::Kind;
use crate::origin::{Origin, Subject};
use crate::scope::Scope;
use crate::stream::{Permission, Stream, StreamClass};
use crate::time::Day;

/// Whether an address may be mailed on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Nothing known speaks against it.
    Clear,
    /// An entry speaks against it, but only after this day (the grace that is configured).
    InGrace(Suppression, Day),
    /// An entry speaks against it.
    Suppressed(Suppression),
    /// The stream needs consent, and none is on record.
    NoConsent,
}

impl Finding {
    /// Whether mail may be sent now.
    #[must_use]
    pub fn permits(&self) -> bool {
        matches!(self, Finding::Clear | Finding::InGrace(..))
    }
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
    /// Whom it is about.
    pub subject: Subject,
    /// Since when.
    pub since: Day,
    /// Its row of the ledger.
    pub position: u32,
}

/// One fact with what it shares with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// The fact.
    pub fact: Fact,
    /// Source, kind, scope, subject, lifetime.
    pub origin: &'a Origin,
    /// A later entry took it back.
    pub withdrawn: bool,
}

/// What a stream is decided by, besides what is known of the recipient.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// What kind of mail it is.
    pub stream: &'a Stream,
    /// The day, UTC.
    pub today: Day,
    /// How long mail may still be sent after an opt-out; none: not at all.
    pub grace: Option<Grace>,
}

/// Everything known about one recipient.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Case<'a> {
    /// What speaks against mail. Withdrawals are no facts of their own: see
    /// [`Known::withdrawn`].
    pub objections: Vec<Known<'a>>,
    /// Consents, by the address as written.
    pub consents: Vec<Known<'a>>,
    /// It is a role address (`postmaster`, `abuse`): entries about its whole domain do not
    /// catch it.
    pub role: bool,
}

/// What became of one fact in a decision, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Counts,
    /// A later entry took it back.
    Withdrawn,
    /// It is about mail that this stream is not.
    OtherMail,
    /// It is about a whole domain, and this is one of its role addresses.
    RoleAddress,
    /// It lapsed on this day.
    Lapsed(Day),
    /// An objection that a later consent ended for this stream: the consent's row.
    Reopened(u32),
    /// An objection that counts only after this day.
    InGrace(Day),
    /// A consent that is not later than this objection (its row).
    NotLater(u32),
    /// A consent that cannot end this `manual` block (its row).
    Blocked(u32),
}

impl Case<'_> {
    /// Decides for one stream. See the tables above.
    #[must_use]
    pub fn decide(&self, terms: &Terms<'_>) -> Finding {
        let mut strongest: Option<&Known<'_>> = None;
        let mut in_grace: Option<(&Known<'_>, Day)> = None;
        for known in &self.objections {
            match self.standing(known, terms) {
                Standing::Counts => {
                    if strongest.is_none_or(|other| rank(known) < rank(other)) {
                        strongest = Some(known);
                    }
                }
                Standing::InGrace(until) => {
                    if in_grace.is_none_or(|(other, day)| (until, rank(known)) < (day, rank(other)))
                    {
                        in_grace = Some((known, until));
                    }
                }
                _ => {}
            }
        }
        if let Some(known) = strongest {
            return Finding::Suppressed(suppression(known));
        }
        if terms.stream.permission == Permission::OptIn && !self.has_consent(terms) {
            return Finding::NoConsent;
        }
        match in_grace {
            Some((known, until)) => Finding::InGrace(suppression(known), until),
            None => Finding::Clear,
        }
    }

    /// What becomes of one objection.
    #[must_use]
    pub fn standing(&self, known: &Known<'_>, terms: &Terms<'_>) -> Standing {
        if known.withdrawn {
            return Standing::Withdrawn;
        }
        if known.origin.subject == Subject::Domain && self.role {
            return Standing::RoleAddress;
        }
        let mut common = common(&known.origin.scope, terms.stream).peekable();
        if common.peek().is_none() {
            return Standing::OtherMail;
        }
        if let Some(day) = lapsed(known, terms.today) {
            return Standing::Lapsed(day);
        }
        if known.origin.kind != Kind::Manual {
            let mut by = None;
            let reopened = common.all(|part| {
                let consent = self.consents.iter().find(|consent| {
                    consent.fact.day > known.fact.day && is_consent_for(consent, part, terms.today)
                });
                by = by.or(consent.map(|consent| consent.fact.position));
                consent.is_some()
            });
            if let (true, Some(by)) = (reopened, by) {
                return Standing::Reopened(by);
            }
        }
        if known.origin.kind == Kind::OptOut
            && let Some(grace) = terms.grace
        {
            let deadline = grace.deadline(known.fact.day);
            if terms.today <= deadline {
                return Standing::InGrace(deadline);
            }
        }
        Standing::Counts
    }

    /// What becomes of one consent: it counts where it re-opens the stream, or gives the
    /// permission it needs, or would.
    #[must_use]
    pub fn consent_standing(&self, consent: &Known<'_>, terms: &Terms<'_>) -> Standing {
        if consent.withdrawn {
            return Standing::Withdrawn;
        }
        if let Some(day) = lapsed(consent, terms.today) {
            return Standing::Lapsed(day);
        }
        if !parts(terms.stream).any(|part| contains(&consent.origin.scope, part)) {
            return Standing::OtherMail;
        }
        for known in &self.objections {
            if self.standing(known, terms) == Standing::Counts {
                let row = known.fact.position;
                return match known.origin.kind {
                    Kind::Manual => Standing::Blocked(row),
                    _ if consent.fact.day <= known.fact.day => Standing::NotLater(row),
                    _ => continue,
                };
            }
        }
        Standing::Counts
    }

    fn has_consent(&self, terms: &Terms<'_>) -> bool {
        parts(terms.stream).all(|part| {
            self.consents.iter().any(|consent| is_consent_for(consent, part, terms.today))
        })
    }
}

/// One thing a stream is about.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Transactional,
    Commercial,
    Named(&'a str),
}

/// Everything a stream is about.
fn parts(stream: &Stream) -> impl Iterator<Item = Part<'_>> {
    let whole = match stream.class {
        StreamClass::Transactional => Some(Part::Transactional),
        StreamClass::Commercial if stream.scopes.is_empty() => Some(Part::Commercial),
        StreamClass::Commercial => None,
    };
    let names = if whole.is_some() { &[][..] } else { &stream.scopes };
    whole.into_iter().chain(names.iter().map(|name| Part::Named(name)))
}

/// What an objection and a stream have in common.
fn common<'a>(scope: &'a Scope, stream: &'a Stream) -> impl Iterator<Item = Part<'a>> {
    parts(stream).filter_map(move |part| match (scope, part) {
        (Scope::All, part) => Some(part),
        (Scope::Commercial | Scope::Named(_), Part::Transactional) => None,
        (Scope::Commercial, part) => Some(part),
        (Scope::Named(name), Part::Commercial) => Some(Part::Named(name)),
        (Scope::Named(name), Part::Named(other)) => same_name(name, other).then_some(part),
    })
}

/// Whether the scope contains the part.
fn contains(scope: &Scope, part: Part<'_>) -> bool {
    match (scope, part) {
        (Scope::All, _) | (Scope::Commercial, Part::Commercial | Part::Named(_)) => true,
        (Scope::Named(name), Part::Named(other)) => same_name(name, other),
        (Scope::Commercial, Part::Transactional)
        | (Scope::Named(_), Part::Transactional | Part::Commercial) => false,
    }
}

fn same_name(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

fn is_consent_for(consent: &Known<'_>, part: Part<'_>, today: Day) -> bool {
    !consent.withdrawn && contains(&consent.origin.scope, part) && lapsed(consent, today).is_none()
}

/// The day on which it lapsed, if it has.
fn lapsed(known: &Known<'_>, today: Day) -> Option<Day> {
    let end = known.fact.day.plus_days(known.origin.lifetime?);
    (today >= end).then_some(end)
}

/// Smaller is reported first.
fn rank<'a>(known: &Known<'a>) -> impl Ord + use<'a> {
    let strength: u8 = match known.origin.kind {
        Kind::Complaint => 4,
        Kind::OptOut => 3,
        Kind::Manual => 2,
        Kind::Undeliverable => 1,
        Kind::Consent | Kind::Withdrawn => 0,
    };
    let Fact { day, position, .. } = known.fact;
    (Reverse(strength), known.origin.scope.narrowness(), day, position)
}

fn suppression(known: &Known<'_>) -> Suppression {
    let Origin { source, kind, scope, subject, lifetime: _ } = known.origin;
    Suppression {
        source: source.clone(),
        kind: *kind,
        scope: scope.clone(),
        subject: *subject,
        since: known.fact.day,
        position: known.fact.position,
    }
}

#[cfg(test)]
mod tests;
