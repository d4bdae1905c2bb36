//! Why an address is refused, or not: the verdict for each stream, and everything it rests
//! on, with what became of each entry in the decision.

use address::Canonical;
use ledger::Found;
use policy::{Lookups, StreamId};
use suppression::{AddressKeys, Kind, Permission, StreamClass, Terms};

use super::answers::{EntryLine, LiveAnswer, StreamVerdict, TakenBack, WhyAnswer};
use super::judge::{Begun, Judged, unanswered};
use super::request::Clerk;
use super::standing;
use crate::clock;
use crate::error::AppError;
use crate::keeper::Desk;
use crate::live::{Consulted, Told};

/// Digits of a keyed hash in the evidence.
const DIGITS: usize = 32;

/// The verdict for each stream, and what live lists said.
type Answers = (Vec<(StreamId, Judged)>, Vec<Consulted>);

impl Clerk {
    pub(super) fn why(&self, address: &str, stream: Option<&str>) -> Result<WhyAnswer, AppError> {
        let typed = address.trim();
        let bare = typed.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(typed);
        let asked = self.streams(stream)?;
        let (judged, consulted) = self.judge_and_tell(address, &asked)?;
        // An address that no gate accepts may still be in the ledger: lists are read in a
        // wider grammar.
        let canonical = self.maker.canonical(bare).ok();
        let keys = canonical.as_ref().map(|it| Keys::of(self, it)).unwrap_or_default();
        let entries = match &canonical {
            Some(canonical) => self.entries((bare, canonical), &keys, &judged, &consulted)?,
            None => Vec::new(),
        };
        let streams = judged.iter().map(|(id, judged)| self.verdict(*id, judged)).collect();
        let worst = judged.into_iter().max_by_key(|(_, one)| one.line.verdict.severity());
        let Some((_, worst)) = worst else {
            return Err(AppError::Input("there is no stream to ask about".to_owned()));
        };
        Ok(WhyAnswer {
            address: typed.to_owned(),
            exact: canonical.as_ref().map(|c| c.exact().to_owned()),
            person: canonical.as_ref().map(|c| c.person().to_owned()),
            verdict: worst.line.verdict,
            reply: worst.reply,
            gates: worst.gates,
            streams,
            exact_keys: keys.digits(|keys| keys.exact),
            person_keys: keys.digits(|keys| keys.person),
            entries,
            live: consulted.into_iter().map(LiveAnswer::from).collect(),
            epoch: self.keeper.index().load().epoch(),
        })
    }

    /// Runs the gates for each stream, and asks the live lists afresh about all of them at once,
    /// to tell what each of them said.
    fn judge_and_tell(&self, address: &str, asked: &[StreamId]) -> Result<Answers, AppError> {
        let begun: Vec<_> = asked.iter().map(|id| (*id, self.begin(address, *id))).collect();
        let waiting = begun.iter().filter_map(|(_, one)| match one {
            Begun::Ask(waiting) => Some(waiting.asked.question()),
            Begun::Done(_) => None,
        });
        let question = waiting.reduce(|mut all, one| {
            all.streams.extend(one.streams);
            all
        });
        let (lookups, consulted) = match (&self.live, question) {
            (Some(live), Some(question)) => live.explain(&self.lists, question)?,
            (Some(live), None) => (Lookups::new(), live.not_needed()),
            (None, _) => (Lookups::new(), Vec::new()),
        };
        let mut lookups = lookups.into_iter();
        let judged = begun.into_iter().map(|(id, one)| match one {
            Begun::Done(judged) => (id, *judged),
            Begun::Ask(waiting) => {
                let lookup = lookups.next().map(|lookup| [lookup].into());
                (id, waiting.resolve(lookup.unwrap_or_else(unanswered)))
            }
        });
        Ok((judged.collect(), consulted))
    }

    fn verdict(&self, id: StreamId, judged: &Judged) -> StreamVerdict {
        let stream = self.gate.streams().get(id);
        StreamVerdict {
            stream: stream.name.to_string(),
            class: match stream.class {
                StreamClass::Commercial => "commercial".to_owned(),
                StreamClass::Transactional => "transactional".to_owned(),
            },
            opt_in: stream.permission == Permission::OptIn,
            scopes: stream.scopes.clone(),
            verdict: judged.line.verdict,
            reason: judged.line.reason.clone(),
            reply: judged.reply.clone(),
            entry: judged.line.entry,
        }
    }

    /// Every entry, and what became of it on each stream.
    fn entries(
        &self,
        whom: (&str, &Canonical),
        keys: &Keys,
        judged: &[(StreamId, Judged)],
        consulted: &[Consulted],
    ) -> Result<Vec<EntryLine>, AppError> {
        let index = self.keeper.index().load_full();
        let all = self.lists.keys_of(&index, whom);
        let all = [all, self.lists.keys_of_domain(&index, whom.1)].concat();
        let found = self.keeper.ask(move |desk| {
            let found = desk.found_of(&all)?;
            let taken: Vec<_> =
                found.iter().map(|f| taken_back(desk, f)).collect::<Result<_, _>>()?;
            Ok(found.into_iter().zip(taken).collect::<Vec<_>>())
        })?;
        let Some(current) = keys.0.first() else { return Ok(Vec::new()) };
        let mut case = self.lists.case(&index, whom, current);
        let told = || consulted.iter().flat_map(|one| one.told.iter());
        for known in told().map(Told::known) {
            match known.origin.kind {
                Kind::Consent => case.consents.push(known),
                _ => case.objections.push(known),
            }
        }
        // No grace keeps what has no date from counting against a consent.
        let undated = told().any(|told| told.undated);
        let today = clock::now().day();
        let streams = self.gate.streams();
        let lines = found.into_iter().map(|(found, taken_back)| {
            let standing = judged.iter().map(|(id, _)| {
                let at_once = undated && found.entry.kind == Kind::Consent;
                let grace = self.lists.grace().filter(|_| !at_once);
                let stream = streams.get(*id);
                standing::of(&found, &case, &Terms { stream, today, grace })
            });
            let standing = standing.collect();
            EntryLine { taken_back, standing, ..EntryLine::from(found.entry) }
        });
        Ok(lines.collect())
    }
}

/// The row that took an entry back: who, when, why.
fn taken_back(desk: &mut Desk, found: &Found) -> Result<Option<TakenBack>, AppError> {
    let Some(by) = found.withdrawn_by else { return Ok(None) };
    Ok(desk.entry(by)?.map(|row| TakenBack {
        entry: row.position,
        by: row.source,
        on: row.recorded,
        reason: row.reason,
        erased: row.erased,
        import: row.refers_import,
    }))
}

/// An address, under every key: the current one first.
#[derive(Default)]
struct Keys(Vec<AddressKeys>);

impl Keys {
    fn of(clerk: &Clerk, canonical: &Canonical) -> Self {
        Self(clerk.maker.keys().load().keys(canonical).collect())
    }

    fn digits(&self, which: impl Fn(&AddressKeys) -> suppression::Digest) -> Vec<String> {
        let digits = |keys| which(keys).to_string().chars().take(DIGITS).collect();
        self.0.iter().map(digits).collect()
    }
}
