//! What an entry that somebody typed comes to, as the gates see it once it is recorded: on
//! which streams its address is refused now, and where not, why not. An entry that an older
//! date, a consent or the grace keeps from counting must not be told to be in force.

use policy::{Lookup, StreamId};
use suppression::{Case, Day, Index, Kind, Known, Standing, Terms};

use super::answers::{EffectLine, VerdictWord};
use super::asked::Addition;
use super::request::Clerk;
use crate::clock;
use crate::error::AppError;

/// The verdict on each stream.
pub(super) type Verdicts = Vec<(StreamId, VerdictWord)>;

impl Clerk {
    /// The verdicts on each stream, of each of these.
    pub(super) fn verdicts(&self, addition: &Addition) -> Result<Vec<Verdicts>, AppError> {
        let streams = self.streams(None)?;
        let each = addition.addresses.iter().map(|address| (address.as_str(), streams.clone()));
        self.verdicts_on(addition, &each.collect::<Vec<_>>())
    }

    fn verdicts_on(
        &self,
        addition: &Addition,
        all: &[(&str, Vec<StreamId>)],
    ) -> Result<Vec<Verdicts>, AppError> {
        if !addition.domains {
            let pairs = all.iter().flat_map(|(address, ids)| ids.iter().map(|id| (*address, *id)));
            let judged = self.judge_each(&pairs.collect::<Vec<_>>());
            let mut judged = judged.into_iter().map(|judged| judged.line.verdict);
            let each =
                all.iter().map(|(_, ids)| ids.iter().copied().zip(judged.by_ref()).collect());
            return Ok(each.collect());
        }
        let (index, today) = (self.keeper.index().load_full(), clock::now().day());
        let each = all.iter().map(|(address, ids)| {
            let case = self.lists.case_of_domain(&index, &self.maker.canonical_at(address)?);
            let verdict = |id: &StreamId| {
                let answer = self.lists.answer(&case, self.gate.streams().get(*id), today);
                let verdict = match answer {
                    Lookup::Clear | Lookup::InGrace(..) => VerdictWord::Permit,
                    Lookup::Suppressed(_) | Lookup::NoConsent => VerdictWord::Refuse,
                    Lookup::Unknown(_) => VerdictWord::Defer,
                };
                (*id, verdict)
            };
            Ok(ids.iter().map(verdict).collect())
        });
        each.collect()
    }

    /// What became of the entries, on each stream that they are about. `before` are the
    /// verdicts before they were recorded.
    pub(super) fn effects(
        &self,
        addition: &Addition,
        entries: &[Option<u64>],
        before: &[Verdicts],
    ) -> Result<Vec<Vec<EffectLine>>, AppError> {
        let index = self.keeper.index().load_full();
        let (today, grace) = (clock::now().day(), self.lists.grace());
        let streams = self.streams(None)?;
        // Only of these is anything told, so that nobody is asked about the others.
        let mut concerned = Vec::with_capacity(entries.len());
        for (address, entry) in addition.addresses.iter().zip(entries) {
            let case = self.case_about(&index, address, addition)?;
            let mut standings = Vec::new();
            if let Some(known) = known(&case, addition.kind, *entry) {
                for id in &streams {
                    let stream = self.gate.streams().get(*id);
                    let terms = Terms { stream, today, grace };
                    let standing = match addition.kind {
                        Kind::Consent => case.consent_standing(known, &terms),
                        _ => case.standing(known, &terms),
                    };
                    if standing != Standing::OtherMail {
                        standings.push((*id, standing));
                    }
                }
            }
            concerned.push((address.as_str(), case, standings));
        }
        let asked = concerned.iter().map(|(address, _, standings)| {
            (*address, standings.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        });
        let verdicts = self.verdicts_on(addition, &asked.collect::<Vec<_>>())?;
        let lines = concerned.iter().zip(verdicts).enumerate().map(|(at, (one, verdicts))| {
            let (_, case, standings) = one;
            let each = standings.iter().zip(verdicts).map(|((id, standing), (_, verdict))| {
                let before = before.get(at).map(Vec::as_slice).unwrap_or_default();
                let was = before.iter().find(|(other, _)| other == id).map(|(_, was)| *was);
                let (holds, words) = match addition.kind {
                    Kind::Consent => consent(*standing, case, was, verdict),
                    _ => objection(*standing, case, verdict),
                };
                let stream = self.gate.streams().get(*id).name.to_string();
                EffectLine { stream, verdict, holds, words }
            });
            each.collect()
        });
        Ok(lines.collect())
    }

    fn case_about<'a>(
        &self,
        index: &'a Index,
        address: &str,
        addition: &Addition,
    ) -> Result<Case<'a>, AppError> {
        if addition.domains {
            return Ok(self.lists.case_of_domain(index, &self.maker.canonical_at(address)?));
        }
        let canonical = self.maker.canonical(address)?;
        let keys = self.maker.keys().load().current().keys(&canonical);
        Ok(self.lists.case(index, (address.trim(), &canonical), &keys))
    }
}

/// The entry of that row.
fn known<'c, 'a>(case: &'c Case<'a>, kind: Kind, entry: Option<u64>) -> Option<&'c Known<'a>> {
    let known = match kind {
        Kind::Consent => &case.consents,
        _ => &case.objections,
    };
    known.iter().find(|known| Some(u64::from(known.fact.position)) == entry)
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
