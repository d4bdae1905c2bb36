//! `why`: what is behind a verdict.

use std::fmt::Write as _;

use app::clerk::{EntryLine, Request, VerdictWord, WhyAnswer};
use app::control::Reach;
use app::decisions::{Decided, find};
use ledger::IfMissing;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::table::columns;
use crate::words::Why;

pub(crate) fn run(words: &Why, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let what = words.what.trim();
    if what.contains('@') || what.eq_ignore_ascii_case("postmaster") {
        let request = Request::Why { address: what.to_owned() };
        let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&request, &mut |_| ())?;
        let answer: WhyAnswer = serde_json::from_value(answer)?;
        out.answer(&answer, address_text)?;
        return Ok(match answer.verdict {
            VerdictWord::Permit => Exit::Ok,
            VerdictWord::Refuse => Exit::No,
            VerdictWord::Defer => Exit::Temporary,
            VerdictWord::Invalid => Exit::Data,
        });
    }
    let mut found = find(&settings, what)?;
    if let Some(entry) = found.entry_number() {
        let answer = Reach::find(&settings, IfMissing::Refuse)?
            .ask(&Request::Entry { entry }, &mut |_| ())?;
        found.entry = serde_json::from_value(answer)?;
    }
    if found.decisions.is_empty() {
        return Err(Ended::error(
            Exit::Data,
            format!("no decision with a reference that begins `{what}` is in the evidence"),
        ));
    }
    out.answer(&found, reference_text)?;
    if found.decisions.len() > 1 {
        return Err(Ended::error(
            Exit::Data,
            "several decisions have references that begin so; give more of it",
        ));
    }
    Ok(match found.verdict() {
        Some("permit" | "shadow") => Exit::Ok,
        Some("defer") => Exit::Temporary,
        _ => Exit::No,
    })
}

fn address_text(why: &WhyAnswer) -> String {
    let head = match why.verdict {
        VerdictWord::Permit => "may be mailed",
        VerdictWord::Refuse => "must not be mailed",
        VerdictWord::Defer => "cannot be told at present",
        VerdictWord::Invalid => "is no address that mail is taken for",
    };
    let mut text = format!("{} {head}\n", why.address);
    let mut rows = vec![vec!["  reply".to_owned(), why.reply.clone()]];
    if let (Some(exact), Some(person)) = (&why.exact, &why.person) {
        rows.push(vec![
            "  looked up as".to_owned(),
            if exact == person { person.clone() } else { format!("{person} (written {exact})") },
        ]);
    }
    for gate in &why.gates {
        rows.push(vec![
            format!("  gate {}", gate.gate),
            format!("{}: {}", gate.verdict.as_str(), gate.words),
        ]);
    }
    text.push_str(&columns(&rows));
    entries_text(&mut text, &why.entries);
    text
}

fn entries_text(text: &mut String, entries: &[EntryLine]) {
    if entries.is_empty() {
        text.push_str("  no entry in the ledger\n");
        return;
    }
    text.push('\n');
    let mut rows = vec![
        ["  entry", "kind", "scope", "list", "since", "recorded", "reason"]
            .map(str::to_owned)
            .to_vec(),
    ];
    rows.extend(entries.iter().map(|entry| {
        vec![
            format!("  {}", entry.entry),
            entry.kind.to_string(),
            entry.scope.to_string(),
            entry.list.clone(),
            entry.since.to_string(),
            entry.recorded.to_string(),
            // Somebody else's text: nothing of it may steer the terminal.
            entry.reason.as_deref().unwrap_or("-").escape_debug().to_string(),
        ]
    }));
    text.push_str(&columns(&rows));
}

fn reference_text(found: &Decided) -> String {
    let mut text = String::new();
    let word = |value: &serde_json::Value, key: &str| match value.get(key) {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(s)) => Some(s.escape_debug().to_string()),
        Some(other) => Some(other.to_string()),
    };
    for decision in &found.decisions {
        let _ = writeln!(text, "{}", word(decision, "ref").unwrap_or_default());
        let mut rows = Vec::new();
        for key in [
            "time",
            "verdict",
            "gate",
            "reason",
            "list",
            "since",
            "entry",
            "client",
            "session",
            "reverse_path_domain",
            "recipient_plain",
            "epoch",
        ] {
            if let Some(value) = word(decision, key) {
                rows.push(vec![format!("  {}", key.replace('_', " ")), value]);
            }
        }
        if let Some(reply) = decision.get("reply") {
            let text = word(reply, "text").unwrap_or_default();
            let code = word(reply, "code").unwrap_or_default();
            rows.push(vec!["  reply".to_owned(), format!("{code} {text}")]);
        }
        text.push_str(&columns(&rows));
    }
    if let Some(entry) = &found.entry {
        entries_text(&mut text, std::slice::from_ref(entry));
    }
    if !found.transaction.is_empty() && found.decisions.len() == 1 {
        text.push_str("\n  what became of the message\n");
        for record in &found.transaction {
            let kind = word(record, "record").unwrap_or_default();
            let time = word(record, "time").unwrap_or_default();
            let ending = word(record, "ending").unwrap_or_default();
            let bytes = word(record, "bytes").unwrap_or_default();
            let _ = writeln!(text, "  {time}  {kind} {ending} {bytes} bytes");
        }
    }
    text
}
