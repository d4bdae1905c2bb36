//! What is said of an address: for each stream what would happen, each entry and what became
//! of it, and what was sent and refused before.

use std::fmt::Write as _;

use app::clerk::{EntryLine, LiveAnswer, StandingLine, StreamVerdict, VerdictWord, WhyAnswer};
use app::reports::{History, HistoryLine};
use serde::Serialize;
use suppression::{Kind, Timestamp};

use crate::shown::{counted, shown};
use crate::table::columns;

/// The answer with what happened before.
#[derive(Debug, Serialize)]
pub(super) struct Story {
    #[serde(flatten)]
    pub(super) answer: WhyAnswer,
    /// None where there is no evidence to look into.
    pub(super) history: Option<History>,
}

pub(super) fn text(story: &Story) -> String {
    let why = &story.answer;
    let mut text = format!("{} {}\n", shown(&why.address), head(why));
    let mut rows = vec![vec!["  reply".to_owned(), shown(&why.reply)]];
    if let (Some(exact), Some(person)) = (&why.exact, &why.person) {
        let written = format!("{person} (written {exact})");
        let both = if exact == person { person.clone() } else { written };
        rows.push(vec!["  looked up as".to_owned(), shown(&both)]);
    }
    if let [only] = why.streams.as_slice() {
        rows.push(vec!["  stream".to_owned(), described(only)]);
    }
    if why.streams.len() < 2 {
        rows.extend(why.gates.iter().map(|gate| {
            let words = format!("{}: {}", gate.verdict.as_str(), shown(&gate.words));
            vec![format!("  gate {}", gate.gate), words]
        }));
    }
    text.push_str(&columns(&rows));
    if why.streams.len() > 1 {
        text.push_str("\nOn each stream:\n");
        let row = |verdict: &StreamVerdict| {
            let words = match verdict.reason.as_str() {
                "" => "no entry forbids it",
                reason => reason,
            };
            vec![
                format!("  {}", described(verdict)),
                verdict.verdict.as_str().to_owned(),
                shown(words),
            ]
        };
        text.push_str(&columns(&why.streams.iter().map(row).collect::<Vec<_>>()));
    }
    live(&mut text, &why.live);
    entries(&mut text, &why.entries);
    match &story.history {
        Some(history) => before(&mut text, history),
        None => text.push_str("\nWhat was sent before is not known: there is no evidence file.\n"),
    }
    text
}

fn head(why: &WhyAnswer) -> String {
    let on = |word: VerdictWord| -> Vec<&str> {
        let those = why.streams.iter().filter(|stream| stream.verdict == word);
        those.map(|stream| stream.stream.as_str()).collect()
    };
    let permitted = on(VerdictWord::Permit);
    match why.verdict {
        VerdictWord::Permit => "may be mailed".to_owned(),
        VerdictWord::Invalid => "is no address that mail is taken for".to_owned(),
        VerdictWord::Refuse if !permitted.is_empty() => format!(
            "must not be mailed on {}; may be on {}",
            on(VerdictWord::Refuse).join(", "),
            permitted.join(", ")
        ),
        VerdictWord::Refuse => "must not be mailed".to_owned(),
        VerdictWord::Defer | VerdictWord::Provisional if !permitted.is_empty() => format!(
            "cannot be told at present on {}; may be mailed on {}",
            on(VerdictWord::Defer).join(", "),
            permitted.join(", ")
        ),
        VerdictWord::Defer | VerdictWord::Provisional => "cannot be told at present".to_owned(),
    }
}

/// `news (commercial, about news and offers, consent needed)`
fn described(verdict: &StreamVerdict) -> String {
    let mut text = format!("{} ({}", verdict.stream, verdict.class);
    if !verdict.scopes.is_empty() {
        let _ = write!(text, ", about {}", verdict.scopes.join(" and "));
    }
    if verdict.opt_in {
        text.push_str(", consent needed");
    }
    text.push(')');
    text
}

/// What the lists said that are asked live.
fn live(text: &mut String, answers: &[LiveAnswer]) {
    if answers.is_empty() {
        return;
    }
    text.push_str("\nAsked live:\n");
    let row = |answer: &LiveAnswer| {
        let took = answer.took_ms.map_or_else(|| "-".to_owned(), |took| format!("{took} ms"));
        vec![format!("  {}", shown(&answer.list)), took, shown(&answer.words)]
    };
    text.push_str(&columns(&answers.iter().map(row).collect::<Vec<_>>()));
}

pub(super) fn entries(text: &mut String, entries: &[EntryLine]) {
    if entries.is_empty() {
        text.push_str("  no entry in the ledger\n");
        return;
    }
    text.push('\n');
    let heads = ["  entry", "kind", "scope", "list", "asked", "recorded", "reason"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let about = match (entry.domain, entry.hashed.is_some()) {
            (true, _) => " (whole domain)",
            (_, true) => " (by digest)",
            (false, false) => "",
        };
        let kind = format!("{}{about}", entry.kind);
        vec![
            format!("  {}", entry.entry),
            kind,
            entry.scope.to_string(),
            shown(&entry.list),
            asked(entry),
            time(entry.recorded),
            or_erased(entry.reason.as_deref(), entry.erased, "-"),
        ]
    }));
    text.push_str(&columns(&rows));
    let mut told = String::new();
    for entry in entries {
        became(&mut told, entry);
        let rows: Vec<_> = details(entry).collect();
        if entry.standing.is_empty() && entry.taken_back.is_none() && !rows.is_empty() {
            let _ = writeln!(told, "  entry {}", entry.entry);
        }
        told.push_str(&columns(&rows));
    }
    if !told.is_empty() {
        text.push('\n');
        text.push_str(&told);
    }
}

/// When the person asked. Nobody asked for a row that takes another back.
fn asked(entry: &EntryLine) -> String {
    let none = if entry.kind == Kind::Withdrawn { "-" } else { "not said" };
    entry.stated.map_or_else(|| none.to_owned(), time)
}

/// A day where no more is told than that.
fn time(at: Timestamp) -> String {
    if at == at.day().start() { at.day().to_string() } else { at.to_string() }
}

/// Somebody else's text, if there is one; what was erased was there once.
fn or_erased(text: Option<&str>, erased: bool, none: &str) -> String {
    match (text, erased) {
        (Some(text), _) => shown(text),
        (None, true) => "erased".to_owned(),
        (None, false) => none.to_owned(),
    }
}

/// What else the ledger holds of an entry.
fn details(entry: &EntryLine) -> impl Iterator<Item = Vec<String>> {
    let row = |name: &str, words: String| vec![format!("    {name}"), words];
    let future = entry.stated.is_some_and(|stated| stated > entry.recorded);
    let counts = future.then(|| format!("{}; the time asked is said to lie later", entry.since));
    let erased = entry.erased.then(|| "address, reason and evidence, as far as given".to_owned());
    let named = [
        counts.map(|words| row("counts from", words)),
        entry.expires.map(|expires| row("lapses", time(expires))),
        entry.import.as_ref().map(|import| row("import", shown(import))),
        entry.hashed.as_ref().map(|form| row("digest", shown(form))),
        erased.map(|words| row("erased", words)),
    ];
    let evidence = entry.evidence.iter().map(move |(name, value)| row(&shown(name), shown(value)));
    named.into_iter().flatten().chain(evidence)
}

/// What became of an entry: one line where all streams agree.
fn became(text: &mut String, entry: &EntryLine) {
    if let Some(taken) = &entry.taken_back {
        let with = taken.import.as_ref().map_or_else(String::new, |i| format!(", with import {i}"));
        let reason = or_erased(taken.reason.as_deref(), taken.erased, "no reason given");
        let _ = writeln!(
            text,
            "  entry {} was taken back by entry {} on {} by {}{with}: {reason}",
            entry.entry,
            taken.entry,
            taken.on.day(),
            shown(&taken.by)
        );
        return;
    }
    let same = |one: &StandingLine, other: &StandingLine| one.words == other.words;
    match entry.standing.as_slice() {
        [] => {}
        [first, rest @ ..] if rest.iter().all(|other| same(first, other)) => {
            let _ = writeln!(text, "  entry {} {}", entry.entry, first.words);
        }
        all => {
            for standing in all {
                let _ = writeln!(
                    text,
                    "  entry {} on {}: {}",
                    entry.entry, standing.stream, standing.words
                );
            }
        }
    }
}

fn before(text: &mut String, history: &History) {
    let mut counts = vec![
        format!("{} sent", history.sent),
        format!("{} refused", history.refused),
        format!("{} deferred", history.deferred),
    ];
    for (n, what) in [
        (history.smarthost_refused, "refused by the smarthost"),
        (history.not_sent, "not sent"),
        (history.unknown, "not known whether sent"),
    ] {
        if n > 0 {
            counts.push(format!("{n} {what}"));
        }
    }
    let _ = writeln!(text, "\nBefore: {}", counts.join(", "));
    if history.shadowed > 0 {
        let those = counted(history.shadowed, "was", "were");
        let _ = writeln!(text, "  {those} let through although an entry spoke against it");
    }
    let row = |line: &HistoryLine| {
        vec![
            format!("  {}", line.time),
            what(line),
            line.stream.as_deref().map_or_else(|| "-".to_owned(), shown),
            format!("by {}", shown(&line.application)),
            line.reference.clone(),
            shown(line.reason.as_deref().unwrap_or_default()),
        ]
    };
    text.push_str(&columns(&history.latest.iter().map(row).collect::<Vec<_>>()));
}

/// `sent (watching)`
fn what(line: &HistoryLine) -> String {
    let word = match line.what.as_str() {
        "unknown" => "not known",
        "smarthost refused" => "refused by the smarthost",
        word => word,
    };
    format!("{word}{}", if line.shadow { " (watching)" } else { "" })
}
