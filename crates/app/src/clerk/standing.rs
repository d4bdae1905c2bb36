//! What became of an entry in a decision, in plain words.

use ledger::Found;
use suppression::{Case, Fact, Kind, Known, Standing, Stream, Terms};

use super::answers::StandingLine;

/// Of one entry, for one stream.
pub(super) fn of(found: &Found, case: &Case<'_>, terms: &Terms<'_>) -> StandingLine {
    let (counts, words) = judge(found, case, terms);
    StandingLine { stream: terms.stream.name.to_string(), counts, words }
}

fn judge(found: &Found, case: &Case<'_>, terms: &Terms<'_>) -> (bool, String) {
    let entry = &found.entry;
    if entry.kind == Kind::Withdrawn {
        let what = match (&entry.refers_to, &entry.refers_import) {
            (Some(row), _) => format!("takes entry {row} back"),
            (None, Some(import)) => format!("takes import {import} back"),
            (None, None) => "takes nothing back".to_owned(),
        };
        return (false, what);
    }
    if let Some(by) = found.withdrawn_by {
        return (false, format!("was taken back by entry {by}"));
    }
    let is_it = |known: &&Known<'_>| u64::from(known.fact.position) == entry.position;
    if entry.kind == Kind::Consent {
        return match case.consents.iter().find(is_it) {
            Some(known) if known.origin.scope.is_class() => consent_to_class(known, case, terms),
            Some(known) => words(case.consent_standing(known, terms), "permits this mail"),
            None => (false, "is the consent of another spelling of the address".to_owned()),
        };
    }
    match case.objections.iter().find(is_it) {
        Some(known) if known.origin.scope.is_class() => of_class(known, case, terms),
        Some(known) => words(case.standing(known, terms), "stops this mail"),
        None => (false, "is not in the gate's index yet".to_owned()),
    }
}

/// A consent to a class ends the refusal of what says that it is of it.
fn consent_to_class(known: &Known<'_>, case: &Case<'_>, terms: &Terms<'_>) -> (bool, String) {
    let scope = &known.origin.scope;
    match case.consent_standing(known, terms) {
        Standing::OtherMail => {
            let scopes = vec![scope.as_str().to_owned()];
            let stream = &Stream { scopes, ..Stream::default() };
            match case.consent_standing(known, &Terms { stream, ..*terms }) {
                Standing::Counts => (false, format!("permits mail that says SOLICIT={scope}")),
                other => (false, why_not(other)),
            }
        }
        standing => words(standing, "permits this mail"),
    }
}

/// A class stops what says that it is of it, on any stream; besides, the streams that name it.
fn of_class(known: &Known<'_>, case: &Case<'_>, terms: &Terms<'_>) -> (bool, String) {
    let scope = &known.origin.scope;
    match case.standing(known, terms) {
        Standing::OtherMail => {
            let mut refused = case.refused_classes(terms.today, terms.grace);
            match refused.any(|one| one.position == known.fact.position) {
                true => (false, format!("stops this mail where it says SOLICIT={scope}")),
                false => {
                    let scopes = vec![scope.as_str().to_owned()];
                    let stream = &Stream { scopes, ..Stream::default() };
                    (false, why_not(case.standing(known, &Terms { stream, ..*terms })))
                }
            }
        }
        standing => words(standing, "stops this mail"),
    }
}

fn words(standing: Standing, counts: &str) -> (bool, String) {
    match standing {
        Standing::Counts => (true, counts.to_owned()),
        other => (false, why_not(other)),
    }
}

/// What says so: an entry by its row, or a list that was asked just now and has no rows.
fn entry(row: u32) -> String {
    match row {
        Fact::NO_ROW => "what a live list says".to_owned(),
        row => format!("entry {row}"),
    }
}

/// Why an entry does not count.
pub(super) fn why_not(standing: Standing) -> String {
    match standing {
        Standing::Counts => "counts".to_owned(),
        Standing::Withdrawn => "was taken back".to_owned(),
        Standing::OtherMail => "is about other mail".to_owned(),
        Standing::RoleAddress => {
            "is about the whole domain, and this is one of its role addresses".to_owned()
        }
        Standing::Lapsed(day) => format!("lapsed on {day}"),
        Standing::NotYet(day) => format!("is of {day}, which has not come"),
        Standing::Reopened(row) => format!("was ended by the later consent in {}", entry(row)),
        Standing::InGrace(day) => format!("counts only after {day} (grace)"),
        Standing::NotLater(row) => format!("is not of a later day than {}", entry(row)),
        Standing::Blocked(row) => format!("cannot end the block in {}", entry(row)),
        Standing::OnlyImplied(row) => {
            format!("is only implied, and cannot end the objection in {}", entry(row))
        }
        Standing::TooNarrow(Some(row)) => {
            format!("is about less than the objection in {}", entry(row))
        }
        Standing::TooNarrow(None) => "is about less than this mail needs consent for".to_owned(),
    }
}
