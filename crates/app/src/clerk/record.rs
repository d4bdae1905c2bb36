//! `optout add`: addresses that somebody typed, recorded together or not at all.

use suppression::Kind;

use super::answers::{AddedLine, AddedOutcome};
use super::request::{Addition, Clerk};
use crate::clock;
use crate::config::SourceName;
use crate::entry::EntryFacts;
use crate::error::AppError;

/// More at once is an import.
const ADD_MAX: usize = 10_000;

impl Clerk {
    pub(super) fn add(&self, addition: &Addition) -> Result<AddedOutcome, AppError> {
        check(addition)?;
        let mut entries = Vec::with_capacity(addition.addresses.len());
        let mut wrong = Vec::new();
        for address in &addition.addresses {
            match self.maker.canonical(address) {
                Ok(canonical) => {
                    let facts = EntryFacts {
                        kind: Kind::OptOut,
                        scope: addition.scope.clone(),
                        source: addition.source.clone(),
                        stated: addition.stated,
                        expires: None,
                        reason: addition.reason.clone(),
                        evidence: addition.evidence.clone(),
                    };
                    entries.push(self.maker.entry(&canonical, facts));
                }
                Err(error) => wrong.push(format!("`{address}`: {error}")),
            }
        }
        if !wrong.is_empty() {
            return Err(AppError::Input(format!("{}; nothing was recorded", wrong.join("; "))));
        }
        let now = clock::now();
        let appended = self.keeper.ask(move |desk| desk.append(now, None, &entries))?;
        let mut lines: Vec<AddedLine> = addition
            .addresses
            .iter()
            .map(|address| AddedLine { address: address.clone(), added: false, entry: None })
            .collect();
        for (position, place) in appended.added {
            if let Some(line) = lines.get_mut(place) {
                line.added = true;
                line.entry = Some(position);
            }
        }
        for line in lines.iter_mut().filter(|line| line.entry.is_none()) {
            line.entry = self.judge(&line.address).entry;
        }
        Ok(AddedOutcome { addresses: lines, enforced: self.is_running() })
    }
}

fn check(addition: &Addition) -> Result<(), AppError> {
    if !SourceName::is_plain(&addition.source) {
        return Err(AppError::Input(format!(
            "`{}` is no name for a list: letters, digits, `.`, `_` and `-`, at most 64",
            addition.source
        )));
    }
    if addition.addresses.is_empty() || addition.addresses.len() > ADD_MAX {
        return Err(AppError::Input(format!(
            "from 1 to {ADD_MAX} addresses; for more: optgate optout import FILE"
        )));
    }
    Ok(())
}
