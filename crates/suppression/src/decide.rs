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
//! | a class X          | nothing       | nothing               | X, if it is B or C         |
//!
//! With nothing in common the entry is about other mail. A stream without scopes may be about
//! any list, so a named objection stops it: what is unknown does not permit. A class of
//! solicitation ([`Scope::is_class`]) a message says itself: one that says X is stopped by an
//! objection to X as if it were on a stream about X, besides all that stops it by its own stream.
//!
//! **What an objection in common does**, the first line that fits:
//!
//! | the objection                                                        | the stream      |
//! | -------------------------------------------------------------------- | --------------- |
//! | was withdrawn                                                        | not stopped     |
//! | is about the whole domain, and this is one of its role addresses     | not stopped     |
//! | is `undeliverable`, and has lapsed                                   | not stopped     |
//! | is not `manual`, and for all they have in common there is a valid express consent of a later day whose scope contains it | not stopped |
//! | is an `opt-out` within the grace that is configured                  | not stopped yet |
//! | any other `opt-out`, `complaint`, `manual`, `undeliverable`          | stopped         |
//!
//! **Permission.** A stream for which consent is needed (`opt-in`) is stopped as well unless
//! for everything it is about there is a valid consent whose scope contains it.
//!
//! A consent is *valid* if it is about one address, was not withdrawn, its day has come (a clock
//! that was wrong once must not outvote every later opt-out), and it has not lapsed. It is
//! *express* if it never lapses: consent that a purchase or an inquiry implies gives permission
//! where nobody objected, but only affirmative consent ends an objection (15 U.S.C.
//! 7704(a)(4)(B), 7702(1)).
//!
//! `all` contains `commercial` and each name and transactional mail; `commercial` contains each
//! name; a name contains itself, in any case ([`Scope::names`]). Days are UTC days: a consent
//! of the same day does not re-open. The finding reported is the strongest objection (complaint, opt-out,
//! manual, undeliverable), then the widest scope, then the earliest day, then the lowest row, so
//! that the order of facts and of imports never shows.
//!
//! What became of each single fact ([`Standing`]) is told by the same tables, for `why`.

use std::cmp::Reverse;

use self::part::{common, contains, parts};
use crate::calendar::Grace;
use crate::fact::Fact;
use crate::kind::Kind;
use crate::origin::{Origin, Subject};
use crate::scope::Scope;
use crate::stream::{Permission, Stream};
use crate::time::Day;

mod part;

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
    /// Its row of the ledger, or [`Fact::NO_ROW`].
    pub position: u32,
}

impl Suppression {
    /// Its row of the ledger; none for what a list said that was asked just now.
    #[must_use]
    pub fn row(&self) -> Option<u32> {
        (self.position != Fact::NO_ROW).then_some(self.position)
    }
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
    /// It is about mail that this stream is not; or it is a consent in the name of a whole
    /// domain, which nobody can give.
    OtherMail,
    /// It is about a whole domain, and this is one of its role addresses.
    RoleAddress,
    /// It lapsed on this day.
    Lapsed(Day),
    /// A consent of this day, which has not come: a clock was wrong when it was recorded.
    NotYet(Day),
    /// An objection that a later consent ended for this stream: the consent's row.
    Reopened(u32),
    /// An objection that counts only after this day.
    InGrace(Day),
    /// A consent that is not later than this objection (its row).
    NotLater(u32),
    /// A consent that cannot end this `manual` block (its row).
    Blocked(u32),
    /// A consent that is only implied, and so cannot end this objection (its row).
    OnlyImplied(u32),
    /// A later consent whose scope does not contain all that this objection (its row) and the
    /// stream have in common; none: all for which the stream needs consent.
    TooNarrow(Option<u32>),
}

impl Case<'_> {
    /// Decides for one stream. See the tables above.
    #[must_use]
    pub fn decide(&self, terms: &Terms<'_>) -> Finding {
        let counts = |known: &&Known<'_>| self.standing(known, terms) == Standing::Counts;
        if let Some(strongest) = self.objections.iter().filter(counts).min_by_key(|k| rank(k)) {
            return Finding::Suppressed(suppression(strongest));
        }
        if terms.stream.permission == Permission::OptIn && !self.has_consent(terms) {
            return Finding::NoConsent;
        }
        let in_grace = self.objections.iter().filter_map(|k| match self.standing(k, terms) {
            Standing::InGrace(until) => Some((until, k)),
            _ => None,
        });
        match in_grace.min_by_key(|(until, k)| (*until, rank(k))) {
            Some((until, first)) => Finding::InGrace(suppression(first), until),
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
        if common(&known.origin.scope, terms.stream).next().is_none() {
            return Standing::OtherMail;
        }
        // Nothing else that speaks against mail ever lapses, whatever its row says.
        if known.origin.kind == Kind::Undeliverable
            && let Some(day) = lapsed(known, terms.today)
        {
            return Standing::Lapsed(day);
        }
        if known.origin.kind != Kind::Manual
            && let Some(consent) = self.reopening(known, terms)
        {
            return Standing::Reopened(consent);
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
        if consent.fact.day > terms.today {
            return Standing::NotYet(consent.fact.day);
        }
        if let Some(day) = lapsed(consent, terms.today) {
            return Standing::Lapsed(day);
        }
        let gives = |part| is_valid(consent, terms.today) && contains(&consent.origin.scope, part);
        let mut concerned = parts(terms.stream).any(gives);
        let mut against: Option<&Known<'_>> = None;
        for known in &self.objections {
            let standing = self.standing(known, terms);
            if !matches!(standing, Standing::Counts | Standing::Reopened(_))
                || !common(&known.origin.scope, terms.stream).any(gives)
            {
                continue;
            }
            concerned = true;
            if standing == Standing::Counts
                && against.is_none_or(|other| against_rank(known) < against_rank(other))
            {
                against = Some(known);
            }
        }
        if !concerned {
            return Standing::OtherMail;
        }
        if let Some(known) = against {
            let row = known.fact.position;
            return match known.origin.kind {
                Kind::Manual => Standing::Blocked(row),
                _ if consent.fact.day <= known.fact.day => Standing::NotLater(row),
                _ if !is_express(consent) => Standing::OnlyImplied(row),
                _ => Standing::TooNarrow(Some(row)),
            };
        }
        if terms.stream.permission == Permission::OptIn && !self.has_consent(terms) {
            return Standing::TooNarrow(None);
        }
        Standing::Counts
    }

    /// The row of the consent that ended an objection for a stream: for each thing they have in
    /// common the earliest that contains it, and of those the last.
    fn reopening(&self, known: &Known<'_>, terms: &Terms<'_>) -> Option<u32> {
        let mut last = None;
        for part in common(&known.origin.scope, terms.stream) {
            let earliest = self
                .consents
                .iter()
                .filter(|consent| consent.fact.day > known.fact.day)
                .filter(|consent| is_valid(consent, terms.today) && is_express(consent))
                .filter(|consent| contains(&consent.origin.scope, part))
                .map(|consent| (consent.fact.day, consent.fact.position))
                .min()?;
            last = last.max(Some(earliest));
        }
        last.map(|(_, position)| position)
    }

    /// The classes of solicitation that the recipient refuses (RFC 3865 s2.7): every objection to
    /// a class that would stop a stream about it. Nothing wider and nothing narrower says
    /// anything of a class.
    pub fn refused_classes(
        &self,
        today: Day,
        grace: Option<Grace>,
    ) -> impl Iterator<Item = Suppression> {
        let of_class = self.objections.iter().filter(|known| known.origin.scope.is_class());
        of_class.filter_map(move |known| {
            let scopes = vec![known.origin.scope.as_str().to_owned()];
            let stream = &Stream { scopes, ..Stream::default() };
            let standing = self.standing(known, &Terms { stream, today, grace });
            (standing == Standing::Counts).then(|| suppression(known))
        })
    }

    fn has_consent(&self, terms: &Terms<'_>) -> bool {
        parts(terms.stream).all(|part| {
            self.consents.iter().any(|consent| {
                is_valid(consent, terms.today) && contains(&consent.origin.scope, part)
            })
        })
    }
}

/// Whether it is a consent that can be relied on that day. A row whose origin nobody can read
/// is none, nor is one in the name of a whole domain.
fn is_valid(consent: &Known<'_>, today: Day) -> bool {
    consent.origin.kind == Kind::Consent
        && consent.origin.subject == Subject::Address
        && !consent.withdrawn
        && consent.fact.day <= today
        && lapsed(consent, today).is_none()
}

/// Whether the person said so; else it is implied by something that lapses.
fn is_express(consent: &Known<'_>) -> bool {
    consent.origin.lifetime.is_none()
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

/// Smaller is what a consent is told first that it failed on: a block, which no consent ends.
fn against_rank<'a>(known: &Known<'a>) -> impl Ord + use<'a> {
    (known.origin.kind != Kind::Manual, rank(known))
}

fn suppression(known: &Known<'_>) -> Suppression {
    let Origin { source, kind, scope, subject, lifetime: _ } = known.origin;
    Suppression {
        source: source.clone(),
        kind: *kind,
        scope: scope.clone(),
        subject: subject.clone(),
        since: known.fact.day,
        position: known.fact.position,
    }
}

#[cfg(test)]
mod tests;
