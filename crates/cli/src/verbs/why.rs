//! `why`: what is behind a verdict.

mod address;

use std::fmt::Write as _;
use std::sync::Arc;

use app::clerk::{Request, VerdictWord, WhyAnswer};
use app::config::Settings;
use app::control::Reach;
use app::decisions::{Decided, find};
use app::reports::history;
use ledger::IfMissing;

use self::address::Story;
use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::shown::shown;
use crate::table::columns;
use crate::words::Why;

pub(crate) fn run(words: &Why, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let what = words.what.trim();
    if what.contains('@') || what.eq_ignore_ascii_case("postmaster") {
        return of_address(words, &settings, what, out);
    }
    if words.stream.is_some() {
        return Err(Ended::error(Exit::Usage, "--stream goes with an address"));
    }
    let mut found = find(&settings, what)?;
    if let Some(entry) = found.entry_number() {
        let answer = Reach::find(&settings, IfMissing::Refuse)?
            .ask(&Request::Entry { entry }, &mut |_| ())?;
        found.entry = serde_json::from_value(answer)?;
    }
    if found.decisions.is_empty() && found.findings.is_empty() {
        return Err(Ended::error(
            Exit::Data,
            format!("no decision with a reference that begins `{what}` is in the evidence"),
        ));
    }
    out.answer(&found, reference_text)?;
    if found.decisions.len() > 1 && !found.is_one_message() {
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

fn of_address(
    words: &Why,
    settings: &Arc<Settings>,
    what: &str,
    out: &Out,
) -> anyhow::Result<Exit> {
    let request = Request::Why { address: what.to_owned(), stream: words.stream.clone() };
    let answer = Reach::find(settings, IfMissing::Refuse)?.ask(&request, &mut |_| ())?;
    let answer: WhyAnswer = serde_json::from_value(answer)?;
    // The address is found even where its past is not.
    let history = match history(settings, &answer.person_keys, &answer.exact_keys) {
        Ok(history) => Some(history),
        Err(error) => {
            tracing::debug!(%error, "no history");
            None
        }
    };
    let verdict = answer.verdict;
    out.answer(&Story { answer, history }, address::text)?;
    Ok(match verdict {
        VerdictWord::Permit => Exit::Ok,
        VerdictWord::Refuse => Exit::No,
        VerdictWord::Defer | VerdictWord::Provisional => Exit::Temporary,
        VerdictWord::Invalid => Exit::Data,
    })
}

fn reference_text(found: &Decided) -> String {
    let mut text = String::new();
    for finding in &found.findings {
        let _ = writeln!(text, "{}", word(finding, "transaction").unwrap_or_default());
        let mut rows = Vec::new();
        for key in FINDING {
            if let Some(value) = word(finding, key) {
                rows.push(vec![format!("  {}", key.replace('_', " ")), value]);
            }
        }
        rows.extend(reply_row(finding));
        text.push_str(&columns(&rows));
    }
    for decision in &found.decisions {
        let _ = writeln!(text, "{}", word(decision, "ref").unwrap_or_default());
        let mut rows = Vec::new();
        for key in [
            "time",
            "verdict",
            "stream",
            "login",
            "listener",
            "until",
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
            if let Some(mut value) = word(decision, key) {
                if key == "verdict" && is_not_taken(decision) {
                    value.push_str(", and not taken by the smarthost");
                }
                rows.push(vec![format!("  {}", key.replace('_', " ")), value]);
            }
        }
        rows.extend(reply_row(decision));
        text.push_str(&columns(&rows));
    }
    if let Some(entry) = &found.entry {
        address::entries(&mut text, std::slice::from_ref(entry));
    }
    if !found.transaction.is_empty() && (found.whole || found.decisions.len() == 1) {
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

/// What is told of a finding, in this order.
const FINDING: [&str; 10] = [
    "time",
    "gate",
    "verdict",
    "reason",
    "stream",
    "message_id",
    "login",
    "listener",
    "client",
    "session",
];

fn word(value: &serde_json::Value, key: &str) -> Option<String> {
    match value.get(key) {
        None | Some(serde_json::Value::Null) => None,
        Some(serde_json::Value::String(text)) => Some(shown(text)),
        Some(other) => Some(other.to_string()),
    }
}

fn reply_row(record: &serde_json::Value) -> Option<Vec<String>> {
    let reply = record.get("reply")?;
    let text = word(reply, "text").unwrap_or_default();
    let code = word(reply, "code").unwrap_or_default();
    Some(vec!["  reply".to_owned(), format!("{code} {text}")])
}

/// Offered to the smarthost, whose reply was no.
fn is_not_taken(decision: &serde_json::Value) -> bool {
    let verdict = decision.get("verdict").and_then(serde_json::Value::as_str);
    let code = decision.pointer("/reply/code").and_then(serde_json::Value::as_u64);
    matches!(verdict, Some("permit" | "shadow" | "provisional"))
        && code.is_some_and(|code| code >= 400)
}
