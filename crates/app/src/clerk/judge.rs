//! Would this address be refused? Asked of the same gates as in the SMTP session, for each
//! stream in question. Lists that are asked live are asked about all addresses together.

use address::{AddressError, AddressFault, ForwardPath};
use policy::{
    Action, Answered, Asked, Carried, Decision, Lookup, Lookups, Possible, Reason, Ruling,
    StreamId, Verdict,
};

use super::answers::{GateLine, JudgedLine, VerdictWord};
use super::question::{JudgeQuestion, possible};
use super::request::Clerk;
use crate::error::AppError;

/// What came of running the gates over an address, for one stream.
pub(super) struct Judged {
    pub(super) line: JudgedLine,
    pub(super) gates: Vec<GateLine>,
    pub(super) reply: String,
}

/// How far the gates came with what is known here.
pub(super) enum Begun {
    /// It is judged.
    Done(Box<Judged>),
    /// Live lists have to be asked first.
    Ask(Box<Waiting>),
}

/// An address that waits for live lists.
pub(super) struct Waiting {
    address: String,
    /// As a reply shows it.
    shown: String,
    stream: String,
    pub(super) asked: Box<Asked>,
}

impl Clerk {
    /// For each candidate a line for each stream in question; one line for a message of
    /// which the envelope is known.
    pub(super) fn judge_all(
        &self,
        question: &JudgeQuestion,
    ) -> Result<Vec<Vec<JudgedLine>>, AppError> {
        let asked = self.streams(question.stream.as_deref())?;
        let each = question.candidates.iter().map(|candidate| {
            match (&candidate.envelope, &question.stream) {
                (Some(envelope), None) => {
                    let streams = self.gate.streams();
                    Some(possible(&self.settings, streams, question.listener, envelope))
                }
                _ => None,
            }
        });
        let envelopes: Vec<Option<Possible>> = each.collect();
        let streams = |envelope: &Option<Possible>| match envelope {
            Some(possible) => possible.iter().collect(),
            None => asked.clone(),
        };
        let candidates = || question.candidates.iter().zip(&envelopes);
        let all: Vec<(&str, StreamId)> = candidates()
            .flat_map(|(one, envelope)| {
                streams(envelope).into_iter().map(|id| (one.address.as_str(), id))
            })
            .collect();
        let mut judged = self.judge_each(&all).into_iter().map(|judged| judged.line);
        let lines = candidates().map(|(candidate, envelope)| {
            let lines: Vec<_> = judged.by_ref().take(streams(envelope).len()).collect();
            match envelope {
                Some(_) => vec![one_message(&candidate.address, lines)],
                None => lines,
            }
        });
        Ok(lines.collect())
    }

    /// The streams that are asked about: the one of that name, or all that mail can be on.
    pub(super) fn streams(&self, name: Option<&str>) -> Result<Vec<StreamId>, AppError> {
        let streams = self.gate.streams();
        match name {
            Some(name) => match streams.named(name) {
                Some(found) => Ok(found.iter().collect()),
                None => {
                    let known: Vec<_> = streams.iter().map(|(_, s)| s.name.to_string()).collect();
                    Err(AppError::Input(format!(
                        "there is no stream `{name}`; there is: {}",
                        known.join(", ")
                    )))
                }
            },
            // Behind a rule without conditions nothing is ever on the default stream.
            None if self.settings.takes_everything() => {
                let all = streams.iter().count();
                Ok(streams.iter().take(all.saturating_sub(1)).map(|(id, _)| id).collect())
            }
            None => Ok(streams.iter().map(|(id, _)| id).collect()),
        }
    }

    /// Runs the gates over each address, for the stream beside it.
    pub(super) fn judge_each(&self, all: &[(&str, StreamId)]) -> Vec<Judged> {
        let begun = all.iter().map(|(address, stream)| self.begin(address, *stream));
        let begun: Vec<Begun> = begun.collect();
        let waiting = begun.iter().filter_map(|one| match one {
            Begun::Ask(waiting) => Some(waiting.asked.question()),
            Begun::Done(_) => None,
        });
        let questions: Vec<_> = waiting.collect();
        let mut answers = match (&self.live, questions.is_empty()) {
            (Some(live), false) => live.ask(&self.lists, questions).unwrap_or_else(|error| {
                tracing::error!(%error, "live lists cannot be asked");
                Vec::new()
            }),
            _ => Vec::new(),
        }
        .into_iter();
        let judged = begun.into_iter().map(|one| match one {
            Begun::Done(judged) => *judged,
            Begun::Ask(waiting) => {
                let lookups = answers.next().map(|Answered { lookups, .. }| lookups);
                waiting.resolve(lookups.unwrap_or_else(unanswered))
            }
        });
        judged.collect()
    }

    /// Runs the gates as for a recipient of a listener that refuses.
    pub(super) fn begin(&self, address: &str, stream: StreamId) -> Begun {
        let typed = address.trim();
        let bare = typed.strip_prefix('<').and_then(|a| a.strip_suffix('>')).unwrap_or(typed);
        let path = match ForwardPath::parse(&format!("<{bare}>")) {
            Ok(path) => path,
            Err(error) => return Begun::Done(Box::new(no_address(address, &error))),
        };
        let shown = path.to_string();
        let streams = self.gate.streams();
        let (name, possible) = (streams.get(stream).name.to_string(), streams.only(stream));
        let today = crate::clock::now().day();
        match self.gate.judge(path, Action::Refuse, &possible, Carried::Known(""), today) {
            Ruling::Decided(decision) => {
                Begun::Done(Box::new(of_decision(address, &shown, name, decision)))
            }
            Ruling::Ask(asked) => {
                let address = address.to_owned();
                Begun::Ask(Box::new(Waiting { address, shown, stream: name, asked }))
            }
        }
    }
}

impl Waiting {
    /// What came of it, with the answer of the lists.
    pub(super) fn resolve(self, lookups: Lookups) -> Judged {
        of_decision(&self.address, &self.shown, self.stream, self.asked.resolve(lookups))
    }
}

/// What is said of a stream of which the lists say nothing.
pub(super) fn unanswered() -> Lookups {
    [Lookup::Unknown("the live lists gave no answer".to_owned())].into()
}

fn of_decision(address: &str, shown: &str, stream: String, decision: Decision) -> Judged {
    let (verdict, reason) = taken_apart(decision);
    let (words, reply) = match (&reason, verdict) {
        (None, _) => {
            ("no entry forbids it".to_owned(), "permitted; the smarthost decides".to_owned())
        }
        (Some(reason), VerdictWord::Permit) => {
            (reason.to_string(), "permitted; the smarthost decides".to_owned())
        }
        (Some(reason), VerdictWord::Refuse) => {
            (reason.to_string(), format!("550 5.7.1 {shown} {reason}"))
        }
        (Some(reason), _) => (told(reason), format!("451 4.3.0 {shown} {reason}")),
    };
    let gates =
        vec![line("address", VerdictWord::Permit, "one reading"), line("opt-out", verdict, &words)];
    let mut line = judged(address, verdict, if reason.is_some() { words } else { String::new() });
    line.stream = Some(stream);
    if let Some(found) = reason.as_ref().and_then(Reason::entry) {
        line.list = Some(found.source.clone());
        line.since = Some(found.since);
        line.entry = found.row().map(u64::from);
    }
    Judged { line, gates, reply }
}

/// One verdict for a message that may be on several streams, of those for each.
fn one_message(address: &str, mut lines: Vec<JudgedLine>) -> JudgedLine {
    let names: Vec<_> = lines.iter().filter_map(|line| line.stream.clone()).collect();
    let differ = lines.windows(2).any(|pair| match pair {
        [one, other] => one.verdict != other.verdict,
        _ => false,
    });
    let worst = lines.iter().enumerate().max_by_key(|(_, line)| line.verdict.severity());
    let at = worst.map_or(0, |(at, _)| at);
    let mut line = if lines.is_empty() {
        judged(address, VerdictWord::Defer, "no stream".to_owned())
    } else {
        lines.swap_remove(at)
    };
    if names.len() > 1 {
        line.stream = None;
        line.streams = names;
        if differ {
            line.verdict = VerdictWord::Provisional;
        }
    }
    line
}

fn no_address(address: &str, error: &AddressError) -> Judged {
    let code = match error.fault {
        AddressFault::Ambiguous => "553 5.1.3",
        AddressFault::Syntax | AddressFault::TooLong => "501 5.1.3",
    };
    let words = error.to_string();
    let reply = format!("{code} {words}");
    let gates = vec![line("address", VerdictWord::Invalid, &words)];
    Judged { line: judged(address, VerdictWord::Invalid, words), gates, reply }
}

fn taken_apart(decision: Decision) -> (VerdictWord, Option<Reason>) {
    match decision.verdict {
        Verdict::Permit(_, reason) => (VerdictWord::Permit, reason),
        // One stream was asked about, so that it does not arise; unknown is never yes.
        Verdict::Provisional(provisional) => (VerdictWord::Defer, provisional.reason().cloned()),
        Verdict::Refuse(_, reason) | Verdict::Drop(_, reason) => {
            (VerdictWord::Refuse, Some(reason))
        }
        Verdict::Defer(_, reason) => (VerdictWord::Defer, Some(reason)),
    }
}

/// What a client is not told: which list is missing.
fn told(reason: &Reason) -> String {
    match reason {
        Reason::Unknown(what) | Reason::ClassUnknown(_, what) => format!("{reason} ({what})"),
        other => other.to_string(),
    }
}

fn line(gate: &str, verdict: VerdictWord, words: &str) -> GateLine {
    GateLine { gate: gate.to_owned(), verdict, words: words.to_owned() }
}

fn judged(address: &str, verdict: VerdictWord, reason: String) -> JudgedLine {
    JudgedLine {
        address: address.to_owned(),
        verdict,
        reason,
        list: None,
        since: None,
        entry: None,
        stream: None,
        streams: Vec::new(),
    }
}
