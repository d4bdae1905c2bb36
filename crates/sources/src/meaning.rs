//! What a row says: kind, scope and end of each thing, from its texts, what the list was
//! recognised as, and the settings, which go before it.

use suppression::{Kind, Scope, Timestamp};

use crate::plan::Plan;
use crate::raw::Raw;
use crate::recognise::{self, Said, Word};
use crate::spec::Spec;
use crate::when::{self, When};

/// One thing a row says, with nothing left open.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) kind: Kind,
    /// None: what the source is about.
    pub(crate) scope: Option<Scope>,
    pub(crate) until: Option<Timestamp>,
}

/// The time the person asked, as the row states it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Stated {
    At(Timestamp),
    Absent,
    Future,
    Odd,
}

impl Stated {
    pub(crate) fn read(text: &str, now: Timestamp) -> Self {
        match when::read(text) {
            When::At(time) if time <= now => Self::At(time),
            When::At(_) => Self::Future,
            When::Absent => Self::Absent,
            When::Odd => Self::Odd,
        }
    }

    /// None where it does not say, or says nothing that could be (DESIGN s4).
    pub(crate) fn time(self) -> Option<Timestamp> {
        if let Self::At(time) = self { Some(time) } else { None }
    }
}

/// What was odd about a row that counts all the same.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Odd {
    /// A word for the kind that is not known.
    pub(crate) kind: bool,
    /// An end of what does not end.
    pub(crate) end: bool,
}

/// Reads what rows say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meaning<'a> {
    pub(crate) spec: &'a Spec,
    pub(crate) plan: &'a Plan,
    pub(crate) now: Timestamp,
}

/// What becomes of an end.
enum End {
    /// There is none.
    None,
    At(Timestamp),
    /// What is said does not end.
    Dropped,
    /// It has come.
    Over,
    /// It has come, or is no end.
    Unsure,
}

impl Meaning<'_> {
    /// What the row says, or why it says nothing that counts.
    pub(crate) fn of(
        self,
        raw: &Raw<'_>,
        stated: Option<Timestamp>,
        said: &mut Vec<Said>,
        meant: &mut Vec<Meant>,
    ) -> Result<Odd, &'static str> {
        said.clear();
        meant.clear();
        let mut odd = Odd { kind: self.said(raw, said)?, end: false };
        for one in said.drain(..) {
            let own = one.kind.or(self.spec.kind).unwrap_or(Kind::OptOut);
            let (kind, until) = match self.end(raw, own, stated) {
                End::None => (own, None),
                End::At(until) => (own, Some(until)),
                End::Over => continue,
                End::Dropped => {
                    odd.end = true;
                    (own, None)
                }
                // Where a list may be one of opt-outs, a time that is over may be theirs.
                End::Unsure => {
                    odd.end = true;
                    (self.spec.kind.unwrap_or(Kind::OptOut), None)
                }
            };
            meant.push(Meant { kind, until, scope: one.scope });
        }
        if meant.is_empty() { Err("has come to its end") } else { Ok(odd) }
    }

    /// Tells whether it is said with a word that is not known.
    fn said(self, raw: &Raw<'_>, said: &mut Vec<Said>) -> Result<bool, &'static str> {
        let consents = self.spec.kind == Some(Kind::Consent);
        match self.plan.provider.map(|provider| (provider.says)(&raw.clues, said)) {
            None => said.push(Said::nothing()),
            // Whoever objects in a file has not consented by standing in it.
            Some(Ok(())) if consents && said.iter().any(|one| one.kind.is_some()) => {
                return Err("objects to mail, so it is no consent");
            }
            Some(Ok(())) => {}
            Some(Err(_)) if consents => said.push(Said::nothing()),
            Some(Err(why)) => return Err(why),
        }
        let mut odd = said.iter().any(|one| one.odd);
        // A setting goes before what was recognised.
        if let Some(kind) = self.spec.kind {
            said.iter_mut().for_each(|one| one.kind = Some(kind));
        }
        if !self.plan.kind.is_empty() {
            match recognise::kind(raw.kind) {
                Word::Kind(kind) => said.iter_mut().for_each(|one| one.kind = Some(kind)),
                Word::Default => {}
                Word::Odd => odd = true,
                Word::Not => return Err("says that it may be mailed"),
            }
        }
        if !self.plan.scope.is_empty() {
            let scope = recognise::scope(raw.scope);
            said.iter_mut().for_each(|one| one.scope.clone_from(&scope));
        } else if let Some(scope) = &self.plan.file_scope {
            let without = said.iter_mut().filter(|one| one.scope.is_none());
            without.for_each(|one| one.scope = Some(scope.clone()));
        }
        // Two columns of a row may say the same.
        said.sort_unstable_by(|a, b| (a.kind, &a.scope).cmp(&(b.kind, &b.scope)));
        said.dedup_by(|a, b| (a.kind, &a.scope) == (b.kind, &b.scope));
        Ok(odd)
    }

    fn end(self, raw: &Raw<'_>, kind: Kind, stated: Option<Timestamp>) -> End {
        let When::At(until) = when::read(raw.until) else { return End::None };
        match kind {
            Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Withdrawn => End::Dropped,
            Kind::Undeliverable | Kind::Consent if until > self.now => {
                if stated.is_some_and(|stated| until < stated) { End::None } else { End::At(until) }
            }
            Kind::Undeliverable | Kind::Consent => {
                match self.plan.provider.is_none_or(|provider| provider.certain) {
                    true => End::Over,
                    false => End::Unsure,
                }
            }
        }
    }
}
