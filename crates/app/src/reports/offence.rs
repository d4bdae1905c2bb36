//! Whether mail that was sent should not have been: the decision as of the day it was sent,
//! with what the ledger knows today of the time before it. An opt-out that was stated then
//! and came in late counts; one that was taken back since does not, nor does one that a
//! consent had ended by then.

use ledger::{Found, Ledger};
use suppression::{
    Case, Day, Fact, Grace, Kind, Known, Origin, OriginId, Standing, Stream, Terms, Timestamp,
};

use super::digest;
use crate::error::AppError;

/// Asks the ledger, and remembers the last answer: mails to one person come together.
pub(super) struct Judge<'a> {
    ledger: &'a mut Ledger,
    last: Option<(u64, Vec<Found>)>,
}

impl<'a> Judge<'a> {
    pub(super) fn new(ledger: &'a mut Ledger) -> Self {
        Self { ledger, last: None }
    }

    /// When the opt-out at `position` was recorded, if it forbade mail to this address (as
    /// [`digest::parse`]) on this stream and day: its grace being over, or with none.
    pub(super) fn forbade(
        &mut self,
        position: u64,
        exact: Option<u128>,
        stream: &Stream,
        day: Day,
        grace: Option<Grace>,
    ) -> Result<Option<Timestamp>, AppError> {
        if self.last.as_ref().is_none_or(|(known, _)| *known != position) {
            let Some(entry) = self.ledger.entry(position)? else { return Ok(None) };
            let found = self.ledger.entries_of(&[entry.keys])?;
            self.last = Some((position, found));
        }
        let Some((_, found)) = &self.last else { return Ok(None) };
        let terms = Terms { stream, today: day, grace };
        if !forbade(found, position, exact, &terms) {
            return Ok(None);
        }
        let own = found.iter().find(|found| found.entry.position == position);
        Ok(own.map(|found| found.entry.recorded))
    }
}

fn forbade(found: &[Found], position: u64, exact: Option<u128>, terms: &Terms<'_>) -> bool {
    let facts: Vec<(Origin, &Found)> = found
        .iter()
        .filter(|f| f.entry.kind != Kind::Withdrawn && f.entry.effective().day() <= terms.today)
        .filter(|f| {
            f.entry.kind != Kind::Consent || exact == Some(digest::short(&f.entry.keys.exact))
        })
        .map(|found| (origin(found), found))
        .collect();
    let all = facts.iter().map(|(origin, found)| Known {
        fact: fact(found),
        origin,
        withdrawn: found.withdrawn_by.is_some(),
    });
    let (consents, objections) =
        all.partition(|known: &Known<'_>| known.origin.kind == Kind::Consent);
    let case = Case { objections, consents, role: false };
    let own = case.objections.iter().find(|known| u64::from(known.fact.position) == position);
    own.is_some_and(|own| case.standing(own, terms) == Standing::Counts)
}

fn fact(found: &Found) -> Fact {
    Fact {
        origin: OriginId(0),
        day: found.entry.effective().day(),
        position: u32::try_from(found.entry.position).unwrap_or(u32::MAX),
    }
}

fn origin(found: &Found) -> Origin {
    let entry = &found.entry;
    Origin {
        subject: entry.subject.clone(),
        lifetime: entry.lifetime(),
        ..Origin::new(&entry.source, entry.kind, entry.scope.clone())
    }
}
