//! `optout add` and `consent add`: addresses that somebody typed, recorded together or
//! not at all.
//!
//! What is typed without a date is stated now, so that each statement is a row of its own:
//! an opt-out that is said again after a consent counts again.

use suppression::{AddressKeys, Kind, NewEntry, Timestamp};

use super::answers::{AddedLine, AddedOutcome};
use super::asked::Addition;
use super::request::Clerk;
use crate::clock;
use crate::config::{Action, SourceName};
use crate::entry::EntryFacts;
use crate::error::AppError;

/// More at once is an import.
const ADD_MAX: usize = 10_000;
/// Longest text of a reason or of one field of evidence, in bytes.
const TEXT_MAX: usize = 4000;

impl Clerk {
    pub(super) fn add(&self, addition: &Addition) -> Result<AddedOutcome, AppError> {
        let now = clock::now();
        check(addition, now)?;
        let stated = addition.stated.unwrap_or(now);
        let mut entries = Vec::with_capacity(addition.addresses.len());
        let mut wrong = Vec::new();
        for address in &addition.addresses {
            match self.entry_about(address, addition, stated, now) {
                Ok(entry) => entries.push(entry),
                Err(error) => wrong.push(format!("`{address}`: {error}")),
            }
        }
        if !wrong.is_empty() {
            return Err(AppError::Input(format!("{}; nothing was recorded", wrong.join("; "))));
        }
        let before = match addition.kind {
            Kind::Consent => self.verdicts(addition)?,
            _ => Vec::new(),
        };
        let keys: Vec<_> = entries.iter().map(|entry| entry.keys).collect();
        let appended = self.keeper.ask(move |desk| desk.append(now, None, &entries))?;
        let mut lines: Vec<AddedLine> = addition
            .addresses
            .iter()
            .map(|address| AddedLine {
                address: address.clone(),
                added: false,
                entry: None,
                effects: Vec::new(),
            })
            .collect();
        for (position, place) in appended.added {
            if let Some(line) = lines.get_mut(place) {
                line.added = true;
                line.entry = Some(position);
            }
        }
        for (line, keys) in lines.iter_mut().zip(keys).filter(|(line, _)| line.entry.is_none()) {
            line.entry = self.says_already(keys, addition, stated)?;
        }
        let mut warnings = not_recorded(&lines, addition, stated);
        let recorded: Vec<_> = lines.iter().map(|line| line.entry).collect();
        let effects = self.effects(addition, &recorded, &before)?;
        for (line, effects) in lines.iter_mut().zip(effects) {
            line.effects = effects;
        }
        let holds = |line: &AddedLine| {
            !line.effects.is_empty() && line.effects.iter().all(|effect| effect.holds)
        };
        let watches = addition.kind != Kind::Consent && self.only_watches();
        if watches {
            warnings.push(
                "every listener only watches (action = \"shadow\"): nobody is refused".to_owned(),
            );
        }
        let enforced = self.is_running() && !watches && lines.iter().all(holds);
        Ok(AddedOutcome {
            addresses: lines,
            kind: addition.kind,
            scope: addition.scope.clone(),
            enforced,
            running: self.is_running(),
            warnings,
        })
    }

    fn only_watches(&self) -> bool {
        self.settings.listeners.iter().all(|listener| listener.action == Action::Shadow)
    }

    fn entry_about(
        &self,
        address: &str,
        addition: &Addition,
        stated: Timestamp,
        now: Timestamp,
    ) -> Result<NewEntry, AppError> {
        let expires = match addition.kind {
            Kind::Consent => addition.basis.lapses(stated.min(now)),
            _ => addition.expires,
        };
        let facts = EntryFacts {
            kind: addition.kind,
            scope: addition.scope.clone(),
            source: addition.source.clone(),
            stated: Some(stated),
            expires,
            reason: addition.reason.clone(),
            evidence: addition.evidence.clone(),
        };
        if addition.domains {
            return Ok(self.maker.domain_entry(&self.maker.canonical_at(address)?, facts));
        }
        Ok(self.maker.entry(&self.maker.canonical(address)?, facts))
    }

    /// The row that says already what was to be added.
    fn says_already(
        &self,
        keys: AddressKeys,
        addition: &Addition,
        stated: Timestamp,
    ) -> Result<Option<u64>, AppError> {
        let (kind, scope) = (addition.kind, addition.scope.clone());
        let source = addition.source.clone();
        self.keeper.ask(move |desk| {
            let found = desk.found_of(&[keys])?;
            let mut alike = found.iter().filter(|found| {
                let entry = &found.entry;
                entry.kind == kind
                    && entry.scope == scope
                    && entry.source == source
                    && entry.keys == keys
                    && entry.stated == Some(stated)
                    && found.withdrawn_by.is_none()
            });
            Ok(alike.next_back().map(|found| found.entry.position))
        })
    }
}

/// That some of it was not recorded, and what was given with it was not either.
fn not_recorded(lines: &[AddedLine], addition: &Addition, stated: Timestamp) -> Vec<String> {
    let count = lines.iter().filter(|line| !line.added).count();
    if count == 0 {
        return Vec::new();
    }
    let whom = match (count, lines) {
        (1, _) => lines.iter().find(|line| !line.added).map_or("", |line| &line.address).to_owned(),
        _ => format!("{count} of the addresses"),
    };
    let dropped = match (addition.reason.is_some(), addition.evidence.is_empty()) {
        (true, false) => ", nor were the reason and the evidence given now",
        (true, true) => ", nor was the reason given now",
        (false, false) => ", nor was the evidence given now",
        (false, true) => "",
    };
    vec![format!(
        "the ledger holds this of {whom} with the same date ({}) already: it was not recorded \
         again{dropped}; what was said anew is recorded without --date, or with its own",
        stated.day()
    )]
}

fn check(addition: &Addition, now: Timestamp) -> Result<(), AppError> {
    let wrong = |what: String| Err(AppError::Input(format!("{what}; nothing was recorded")));
    if !SourceName::is_plain(&addition.source) {
        return wrong(format!(
            "`{}` is no name for a list: letters, digits, `.`, `_` and `-`, at most 64",
            addition.source
        ));
    }
    if addition.addresses.is_empty() || addition.addresses.len() > ADD_MAX {
        return wrong(format!(
            "from 1 to {ADD_MAX} addresses; for more: optgate optout import FILE"
        ));
    }
    let texts = addition.evidence.iter().flat_map(|(name, value)| [name, value]);
    if texts.chain(&addition.reason).any(|text| text.len() > TEXT_MAX) {
        return wrong(format!("a reason or a field of evidence is longer than {TEXT_MAX} bytes"));
    }
    if addition.expires.is_some() && addition.kind != Kind::Undeliverable {
        return wrong(format!(
            "an entry of kind {} has no expiry: an opt-out, a complaint or a block stands until \
             it is taken back (optgate optout withdraw)",
            addition.kind
        ));
    }
    if addition.expires.is_some_and(|expires| expires.day() <= now.day()) {
        return wrong("the day of expiry is over already".to_owned());
    }
    match addition.kind {
        Kind::Withdrawn => wrong("entries are taken back by optgate optout withdraw".to_owned()),
        Kind::Consent => check_consent(addition, now),
        Kind::OptOut | Kind::Complaint | Kind::Manual | Kind::Undeliverable => Ok(()),
    }
}

/// A permission must be one that can be proven.
fn check_consent(addition: &Addition, now: Timestamp) -> Result<(), AppError> {
    let wrong = |what: &str| Err(AppError::Input(format!("{what}; nothing was recorded")));
    if addition.domains {
        return wrong("one person cannot consent for everybody at a domain");
    }
    if addition.reason.as_deref().is_none_or(|reason| reason.trim().is_empty())
        && addition.evidence.is_empty()
    {
        return wrong(
            "a consent that nothing proves is none: say with --reason or --evidence where and \
             how it was given",
        );
    }
    if addition.stated.is_some_and(|stated| stated > now) {
        return wrong("a consent cannot have been given in the future; correct --date");
    }
    let given = addition.stated.unwrap_or(now);
    match addition.basis.lapses(given) {
        Some(end) if end.day() <= now.day() => wrong(&format!(
            "consent by {} of {} lapsed on {}",
            addition.basis,
            given.day(),
            end.day()
        )),
        _ => Ok(()),
    }
}
