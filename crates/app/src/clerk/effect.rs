//! What an entry that somebody typed comes to, as the gates see it once it is recorded: on
//! which streams its address is refused now, and where not, why not. An entry that an older
//! date, a consent or the grace keeps from counting must not be told to be in force.

use policy::{Lookup, StreamId};
use suppression::{Case, Day, Kind, Known, Standing, Terms};

use super::answers::{EffectLine, VerdictWord};
use super::asked::Addition;
use super::request::Clerk;
use crate::clock;
use crate::error::AppError;

impl Clerk {
    /// The verdict on each stream.
    pub(super) fn verdicts(
        &self,
        address: &str,
        addition: &Addition,
    ) -> Result<Vec<(StreamId, VerdictWord)>, AppError> {
        let streams = self.streams(None)?;
        if !addition.domains {
            let verdict = |id| (id, self.run_gates(address, id).line.verdict);
            return Ok(streams.into_iter().map(verdict).collect());
        }
        let (canonical, index) = (self.maker.canonical_at(address)?, self.keeper.index().load());
        let case = self.lists.case_of_domain(&index, &canonical);
        let today = clock::now().day();
        let verdict = |id| {
            let answer = self.lists.answer(&case, self.gate.streams().get(id), today);
            let verdict = match answer {
                Lookup::Clear | Lookup::InGrace(..) => VerdictWord::Permit,
                Lookup::Suppressed(_) | Lookup::NoConsent => VerdictWord::Refuse,
                Lookup::Unknown(_) => VerdictWord::Defer,
            };
            (id, verdict)
        };
        Ok(streams.into_iter().map(verdict).collect())
    }

    /// What became of an entry on each stream that it is about. `before` are the verdicts
    /// before it was recorded.
    pub(super) fn effects(
        &self,
        address: &str,
        addition: &Addition,
        entry: Option<u64>,
        before: &[(StreamId, VerdictWord)],
    ) -> Result<Vec<EffectLine>, AppError> {
        let index = self.keeper.index().load_full();
        let case = if addition.domains {
            self.lists.case_of_domain(&index, &self.maker.canonical_at(address)?)
        } else {
            let canonical = self.maker.canonical(address)?;
            let keys = self.maker.keys().load().current().keys(&canonical);
            self.lists.case(&index, (address.trim(), &canonical), &keys)
        };
        let known = match addition.kind {
            Kind::Consent => &case.consents,
            _ => &case.objections,
        };
        let is_it = |known: &&Known<'_>| Some(u64::from(known.fact.position)) == entry;
        let Some(known) = known.iter().find(is_it) else { return Ok(Vec::new()) };
        let (today, grace) = (clock::now().day(), self.lists.grace());
        let mut effects = Vec::new();
        for (id, verdict) in self.verdicts(address, addition)? {
            let stream = self.gate.streams().get(id);
            let terms = Terms { stream, today, grace };
            let was = before.iter().find(|(other, _)| *other == id).map(|(_, verdict)| *verdict);
            let standing = match addition.kind {
                Kind::Consent => case.consent_standing(known, &terms),
                _ => case.standing(known, &terms),
            };
            if standing == Standing::OtherMail {
                continue;
            }
            let told = match addition.kind {
                Kind::Consent => consent(standing, &case, was, verdict),
                _ => objection(standing, &case, verdict),
            };
            let (holds, words) = told;
            effects.push(EffectLine { stream: stream.name.to_string(), verdict, holds, words });
        }
        Ok(effects)
    }
}

fn objection(standing: Standing, case: &Case<'_>, verdict: VerdictWord) -> (bool, String) {
    let words = match (standing, verdict) {
        (Standing::Counts, VerdictWord::Refuse) => return (true, "refused".to_owned()),
        (Standing::Counts, _) => "not refused: it is an address that is always reached".to_owned(),
        // By something else.
        (_, VerdictWord::Refuse) => {
            return (true, "refused, by an entry that was there before".to_owned());
        }
        (Standing::InGrace(day), _) => {
            format!("not refused yet: only after {day}, because of [enforcement] grace")
        }
        (Standing::Reopened(row), _) => format!(
            "not refused: the consent {} (entry {row}) is later than what was recorded now",
            of_day(case, row)
        ),
        (Standing::Lapsed(day), _) => format!("not refused: it lapsed on {day}"),
        (other, _) => format!("not refused: {}", super::standing::why_not(other)),
    };
    (false, words)
}

fn consent(
    standing: Standing,
    case: &Case<'_>,
    before: Option<VerdictWord>,
    after: VerdictWord,
) -> (bool, String) {
    let words = match (standing, after) {
        (Standing::Counts, VerdictWord::Permit) => {
            let words = match before {
                Some(VerdictWord::Permit) => "may be mailed, as before",
                _ => "may be mailed again",
            };
            return (true, words.to_owned());
        }
        (Standing::Counts, _) => {
            "counts, but cannot be mailed at present: see optgate why".to_owned()
        }
        (Standing::NotLater(row), _) => format!(
            "changes nothing: it is not of a later day than the objection {} (entry {row})",
            of_day(case, row)
        ),
        (other, _) => format!("changes nothing: it {}", super::standing::why_not(other)),
    };
    (false, words)
}

fn of_day(case: &Case<'_>, row: u32) -> String {
    let all = case.objections.iter().chain(&case.consents);
    let day: Option<Day> =
        all.filter(|known| known.fact.position == row).map(|known| known.fact.day).next();
    day.map_or_else(String::new, |day| format!("of {day}"))
}
