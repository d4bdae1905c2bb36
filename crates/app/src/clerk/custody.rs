//! `ledger ...`: what is done with the record itself. Everything here is written down as
//! an event, with who asked and why, before or together with its effect.

use suppression::Timestamp;

use super::asked::{About, Custody};
use super::request::Clerk;
use super::told::{ErasedOutcome, EventAnswer, ExportPermit, RekeyOutcome};
use crate::clock;
use crate::error::AppError;
use crate::keeper::{Places, RestoreOutcome, RestoreRequest};
use crate::progress::Progress;
use crate::restore;

impl Clerk {
    pub(super) fn custody(&self, asked: &Custody) -> Result<serde_json::Value, AppError> {
        let now = clock::now();
        let answer = match asked.clone() {
            Custody::Checkpoint { by, signed } => {
                let details = serde_json::json!({ "signed": signed });
                let text = self.keeper.ask(move |desk| {
                    desk.record(now, "checkpoint", &by, &details)?;
                    Ok(desk.checkpoint(now)?.to_string())
                })?;
                serde_json::to_value(text)
            }
            Custody::Export { by, plain, purpose, format } => {
                if plain && purpose.as_deref().is_none_or(|purpose| purpose.trim().is_empty()) {
                    let what = "an export of addresses needs a purpose; nothing was exported";
                    return Err(AppError::Input(what.to_owned()));
                }
                if purpose.as_deref().is_some_and(ledger::names_address) {
                    return Err(ledger::LedgerError::NamesAddress { what: "purpose" }.into());
                }
                let details =
                    serde_json::json!({ "plain": plain, "purpose": purpose, "format": format });
                serde_json::to_value(self.keeper.ask(move |desk| {
                    let event = desk.record(now, "export", &by, &details)?;
                    Ok(ExportPermit { event, position: desk.checkpoint(now)?.position })
                })?)
            }
            Custody::Erase { by, about, reason } => {
                serde_json::to_value(self.erase(&by, &about, &reason, now)?)
            }
            Custody::Rekey { by, reason } => {
                let made = self.keeper.ask(move |desk| desk.rekey(now, &by, reason.as_deref()))?;
                serde_json::to_value(RekeyOutcome {
                    key: made.key,
                    older: made.older,
                    key_file: self.settings.ledger.key_file.display().to_string(),
                    event: made.event,
                })
            }
            Custody::Events => serde_json::to_value(self.events()?),
            Custody::BackedUp { by, position } => {
                let details = serde_json::json!({ "position": position });
                serde_json::to_value(
                    self.keeper.ask(move |desk| desk.record(now, "backup", &by, &details))?,
                )
            }
        };
        answer.map_err(|e| AppError::Input(format!("answer cannot be written: {e}")))
    }

    fn erase(
        &self,
        by: &str,
        about: &About,
        reason: &str,
        now: Timestamp,
    ) -> Result<ErasedOutcome, AppError> {
        let index = self.keeper.index().load_full();
        let keys = match about {
            About::Person(address) => {
                self.lists.keys_of(&index, (address.trim(), &self.maker.canonical(address)?))
            }
            About::Domain(domain) => {
                self.lists.keys_of_domain(&index, &self.maker.canonical_at(domain)?)
            }
        };
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let erased = self.keeper.ask(move |desk| desk.erase(now, &by, &reason, &keys))?;
        Ok(ErasedOutcome {
            entries: erased.positions,
            nothing_to_do: erased.nothing_to_do,
            event: erased.event,
            swept: erased.swept,
        })
    }

    fn events(&self) -> Result<Vec<EventAnswer>, AppError> {
        let lines = self.keeper.ask(|desk| desk.events())?;
        let answers = lines.into_iter().map(|line| EventAnswer {
            event: line.number,
            time: line.recorded,
            what: line.what,
            by: line.by,
            // What is no JSON is shown as it stands.
            details: serde_json::from_str(&line.details)
                .unwrap_or(serde_json::Value::String(line.details)),
            entries: line.entries,
        });
        Ok(answers.collect())
    }

    pub(super) fn restore(
        &self,
        request: &RestoreRequest,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<RestoreOutcome, AppError> {
        let ledger = &self.settings.ledger;
        let places = Places { ledger: ledger.path.clone(), key: ledger.key_file.clone() };
        let prepared = restore::prepare(&request.folder, &places, &ledger.person, progress)?;
        let request = request.clone();
        self.keeper.ask(move |desk| desk.restore(clock::now(), &prepared, &request))
    }
}
