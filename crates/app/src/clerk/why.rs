//! Why an address is refused, or not: the verdict, and everything it rests on.

use super::answers::{EntryLine, WhyAnswer};
use super::request::Clerk;
use crate::error::AppError;

impl Clerk {
    pub(super) fn why(&self, address: &str) -> Result<WhyAnswer, AppError> {
        let judged = self.run_gates(address);
        let typed = address.trim();
        let bare = typed.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(typed);
        // An address that no gate accepts may still be in the ledger: lists are read in a
        // wider grammar.
        let canonical = self.maker.canonical(bare).ok();
        let entries = match &canonical {
            Some(canonical) => {
                let keys = self.maker.keys().load().current().keys(canonical);
                self.keeper.ask(move |desk| desk.entries_of(&keys))?
            }
            None => Vec::new(),
        };
        Ok(WhyAnswer {
            address: typed.to_owned(),
            exact: canonical.as_ref().map(|c| c.exact().to_owned()),
            person: canonical.as_ref().map(|c| c.person().to_owned()),
            verdict: judged.line.verdict,
            reply: judged.reply,
            gates: judged.gates,
            entries: entries.into_iter().map(EntryLine::from).collect(),
            epoch: self.keeper.index().load().epoch(),
        })
    }
}
