//! What is said of an address: for each stream what would happen, each entry and what became
//! of it, and what was sent and refused before.

use std::fmt::Write as _;

use app::clerk::{EntryLine, StandingLine, StreamVerdict, VerdictWord, WhyAnswer};
use app::reports::{History, HistoryLine};
use serde::Serialize;

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
    let mut text = format!("{} {}\n", why.address.escape_debug(), head(why));
    let mut rows = vec![vec!["  reply".to_owned(), why.reply.clone()]];
    if let (Some(exact), Some(person)) = (&why.exact, &why.person) {
        let written = format!("{person} (written {exact})");
        let shown = if exact == person { person.clone() } else { written };
        rows.push(vec!["  looked up as".to_owned(), shown]);
    }
    if let [only] = why.streams.as_slice() {
        rows.push(vec!["  stream".to_owned(), described(only)]);
    }
    if why.streams.len() < 2 {
        rows.extend(why.gates.iter().map(|gate| {
            let words = format!("{}: {}", gate.verdict.as_str(), gate.words);
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
                words.to_owned(),
            ]
        };
        text.push_str(&columns(&why.streams.iter().map(row).collect::<Vec<_>>()));
    }
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

pub(super) fn entries(text: &mut String, entries: &[EntryLine]) {
    if entries.is_empty() {
        text.push_str("  no entry in the ledger\n");
        return;
    }
    text.push('\n');
    let heads = ["  entry", "kind", "scope", "list", "since", "recorded", "reason"];
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    rows.extend(entries.iter().map(|entry| {
        let kind = format!("{}{}", entry.kind, if entry.domain { " (whole domain)" } else { "" });
        vec![
            format!("  {}", entry.entry),
            kind,
            entry.scope.to_string(),
            entry.list.clone(),
            entry.since.to_string(),
            entry.recorded.to_string(),
            // Somebody else's text: nothing of it may steer the terminal.
            entry.reason.as_deref().unwrap_or("-").escape_debug().to_string(),
        ]
    }));
    text.push_str(&columns(&rows));
    if entries.iter().all(|entry| entry.standing.is_empty()) {
        return;
    }
    text.push('\n');
    for entry in entries {
        became(text, entry);
    }
}

/// What became of an entry: one line where all streams agree.
fn became(text: &mut String, entry: &EntryLine) {
    if let Some(taken) = &entry.taken_back {
        let with = taken.import.as_ref().map_or_else(String::new, |i| format!(", with import {i}"));
        let reason = taken.reason.as_deref().unwrap_or("no reason given").escape_debug();
        let _ = writeln!(
            text,
            "  entry {} was taken back by entry {} on {} by {}{with}: {reason}",
            entry.entry,
            taken.entry,
            taken.on.day(),
            taken.by.escape_debug()
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
    let _ = writeln!(
        text,
        "\nBefore: {} sent{}, {} refused, {} deferred",
        history.sent,
        match history.shadowed {
            0 => String::new(),
            n => format!(" ({n} although an entry spoke against it)"),
        },
        history.refused,
        history.deferred
    );
    let row = |line: &HistoryLine| {
        vec![
            format!("  {}", line.time),
            if line.shadow { format!("{} (watching)", line.what) } else { line.what.clone() },
            line.stream.clone().unwrap_or_else(|| "-".to_owned()),
            format!("by {}", line.application.escape_debug()),
            line.reference.clone(),
            line.reason.as_deref().unwrap_or_default().escape_debug().to_string(),
        ]
    };
    text.push_str(&columns(&history.latest.iter().map(row).collect::<Vec<_>>()));
}
