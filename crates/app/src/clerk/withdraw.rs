//! `optout withdraw`, `consent withdraw`, `optout import --undo`: what was recorded by
//! mistake, taken back with author and reason.

use suppression::{AddressKeys, Kind};

use super::answers::EntryLine;
use super::asked::{Withdrawal, Withdrawn};
use super::request::Clerk;
use super::told::{ImportedLine, WithdrawnOutcome};
use crate::clock;
use crate::error::AppError;
use crate::keeper::TakenBack;

impl Clerk {
    pub(super) fn withdraw(&self, asked: &Withdrawal) -> Result<WithdrawnOutcome, AppError> {
        let mut found = match &asked.what {
            Withdrawn::Import(id) => return self.undo(id.clone(), asked),
            Withdrawn::Entry(position) => {
                let position = *position;
                let entry = self.keeper.ask(move |desk| desk.entry(position))?;
                entry.into_iter().map(EntryLine::from).collect()
            }
            Withdrawn::Objections(address) => {
                let canonical = self.maker.canonical(address)?;
                let index = self.keeper.index().load_full();
                self.standing(
                    self.lists.keys_of(&index, (address.trim(), &canonical)),
                    |keys, found| found.person == keys.person,
                    |kind| kind != Kind::Consent,
                )?
            }
            Withdrawn::Domain(domain) => {
                let canonical = self.maker.canonical_at(domain)?;
                let index = self.keeper.index().load_full();
                let keys = self.lists.keys_of_domain(&index, &canonical);
                self.standing(keys, |keys, found| found == keys, |_| true)?
            }
            Withdrawn::Consents(address) => {
                let canonical = self.maker.canonical(address)?;
                let keys: Vec<_> = self.maker.keys().load().keys(&canonical).collect();
                self.standing(
                    keys,
                    |keys, found| found.exact == keys.exact,
                    |kind| kind == Kind::Consent,
                )?
            }
        };
        let mut what = "nothing about it".to_owned();
        if let Some(class) = &asked.class {
            found.retain(|entry| entry.scope.names(class.as_str()));
            what.push_str(" of this class");
        }
        if found.is_empty() {
            what.push_str(" stands in the ledger; nothing was taken back");
            return Err(AppError::Input(what));
        }
        let positions: Vec<_> = found.iter().map(|entry| entry.entry).collect();
        let (by, reason) = (asked.by.clone(), asked.reason.clone());
        let TakenBack { rows, read_again } =
            self.keeper.ask(move |desk| desk.withdraw(clock::now(), &by, &reason, &positions))?;
        let (entries, enforced) = (found.len() as u64, self.is_running());
        Ok(WithdrawnOutcome { rows, entries, stayed: 0, taken_back: found, enforced, read_again })
    }

    fn undo(&self, id: String, asked: &Withdrawal) -> Result<WithdrawnOutcome, AppError> {
        let (by, reason) = (asked.by.clone(), asked.reason.clone());
        let (undone, read_again) =
            self.keeper.ask(move |desk| desk.undo_import(clock::now(), &by, &reason, &id))?;
        Ok(WithdrawnOutcome {
            rows: vec![undone.position],
            entries: undone.rows,
            stayed: undone.stayed,
            taken_back: Vec::new(),
            enforced: self.is_running(),
            read_again,
        })
    }

    /// The entries under these keys that still stand and are meant.
    fn standing(
        &self,
        keys: Vec<AddressKeys>,
        fits: fn(&AddressKeys, &AddressKeys) -> bool,
        is_meant: fn(Kind) -> bool,
    ) -> Result<Vec<EntryLine>, AppError> {
        let found = self.keeper.ask({
            let keys = keys.clone();
            move |desk| desk.found(&keys)
        })?;
        let standing = found.into_iter().filter(|found| {
            found.withdrawn_by.is_none()
                && found.entry.kind != Kind::Withdrawn
                && is_meant(found.entry.kind)
                && keys.iter().any(|keys| fits(keys, &found.entry.keys))
        });
        Ok(standing.map(|found| EntryLine::from(found.entry)).collect())
    }

    pub(super) fn imports(&self) -> Result<Vec<ImportedLine>, AppError> {
        let lines = self.keeper.ask(|desk| desk.imports())?;
        Ok(lines
            .into_iter()
            .map(|line| ImportedLine {
                import: line.id,
                list: line.source,
                started: line.started,
                rows: line.rows,
                first: line.first,
                last: line.last,
                undone: line.undone,
            })
            .collect())
    }
}
