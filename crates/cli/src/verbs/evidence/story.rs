//! The story of a message, for a person: when, from whom, what was decided and why, and what
//! the smarthost said at last.

use app::evidence::{Message, Seen, SeenReply, Text};

use crate::shown::{counted, shown as escaped};
use crate::table::columns;

/// Tells it.
pub(super) fn tell(message: &Message) -> String {
    let seen: Vec<_> = message.seen().collect();
    let mut rows = Vec::new();
    let mut row = |name: &str, words: String| {
        if !words.is_empty() {
            rows.push(vec![format!("  {name}"), words]);
        }
    };
    let Some(first) = seen.first() else { return String::new() };
    row("from", from(first));
    if let Some(stream) = seen.iter().rev().find_map(|record| record.stream.as_ref()) {
        let class = seen.iter().find_map(|record| record.class.as_ref());
        let class = class.map(|class| format!(" ({})", shown(class))).unwrap_or_default();
        row("stream", format!("{}{class}", shown(stream)));
    }
    for decision in seen.iter().filter(|record| record.record == "decision") {
        row("recipient", recipient(decision));
        row("verdict", verdict(decision));
        row("reply", decision.reply.as_ref().map(reply).unwrap_or_default());
        row("reference", decision.reference.as_ref().map(|name| shown(name)).unwrap_or_default());
    }
    for finding in seen.iter().filter(|record| record.record == "finding") {
        row("finding", found(finding));
    }
    let is_data = |record: &&Seen<'_>| record.record != "decision" && record.record != "finding";
    let data: Vec<_> = seen.iter().filter(is_data).collect();
    if let Some(last) = data.last() {
        let id = last
            .message_id
            .as_ref()
            .map_or_else(|| "without Message-ID".to_owned(), |id| shown(id));
        let bytes = counted(last.bytes.unwrap_or_default(), "byte", "bytes");
        row("message", format!("{id}, {bytes}, for {}", people(last)));
    }
    row("at last", at_last(&data));
    format!("{}  {}\n{}", message.transaction, first.time, columns(&rows))
}

fn from(record: &Seen<'_>) -> String {
    let client = record.client.map(|client| format!("client {client}"));
    let login = record.login.as_ref().map(|login| format!("login {}", shown(login)));
    let tls = record.tls.as_ref().map(|tls| format!("over {}", shown(tls)));
    let domain = record.reverse_path_domain.as_ref();
    let domain = domain
        .map_or_else(|| "null sender".to_owned(), |domain| format!("sender at {}", shown(domain)));
    [client, tls, login, Some(domain)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn recipient(decision: &Seen<'_>) -> String {
    match (&decision.recipient_plain, &decision.recipient) {
        (Some(plain), _) => shown(plain),
        (None, Some(digest)) => format!("{} (keyed hash)", shown(digest)),
        (None, None) => "postmaster".to_owned(),
    }
}

fn verdict(decision: &Seen<'_>) -> String {
    let word = decision.verdict.as_ref().map(Text::as_str).unwrap_or_default();
    let mut text = match word {
        "permit" => "permitted".to_owned(),
        "refuse" => "refused".to_owned(),
        "defer" => "deferred".to_owned(),
        "drop" => "dropped: the client was told 250".to_owned(),
        "shadow" => "let through by a listener that only watches".to_owned(),
        "provisional" => "waits for the header of the message".to_owned(),
        other => escaped(other),
    };
    if matches!(word, "permit" | "shadow" | "provisional")
        && let Some(code) = decision.reply.as_ref().map(|reply| reply.code)
    {
        text.push_str(match code {
            500.. => ", refused by the smarthost",
            400..500 => ", not taken by the smarthost",
            _ => "",
        });
    }
    if let Some(reason) = &decision.reason {
        text.push_str(": ");
        text.push_str(&shown(reason));
    }
    let names =
        |names: &[Text<'_>]| names.iter().map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if !decision.refusing.is_empty() {
        text.push_str(&format!("; refused for {}", names(&decision.refusing)));
    }
    if let Some(until) = decision.until {
        text.push_str(&format!("; in force from {until}"));
    }
    if let Some(entry) = decision.entry {
        text.push_str(&format!(" [entry {entry}]"));
    }
    text
}

/// What a gate or a filter had to say about the whole message.
fn found(finding: &Seen<'_>) -> String {
    let gate = finding.gate.as_ref().map(|gate| shown(gate)).unwrap_or_default();
    let done = match finding.verdict.as_ref().map(Text::as_str).unwrap_or_default() {
        "permit" => "passed".to_owned(),
        "refuse" => "refused".to_owned(),
        "defer" => "deferred".to_owned(),
        "drop" => "dropped: the client was told 250".to_owned(),
        "shadow" => "only noted".to_owned(),
        other => escaped(other),
    };
    let reason = finding.reason.as_ref().map(|reason| format!(": {}", shown(reason)));
    format!("{gate}: {done}{}", reason.unwrap_or_default())
}

fn people(record: &Seen<'_>) -> String {
    match (record.recipients.unwrap_or_default(), record.dropped.unwrap_or_default()) {
        (1, 0) => "1 recipient".to_owned(),
        (count, 0) => format!("{count} recipients"),
        (count, dropped) => format!("{count} recipients, {dropped} dropped"),
    }
}

fn at_last(data: &[&Seen<'_>]) -> String {
    let Some(last) = data.last() else {
        return "no mail data came".to_owned();
    };
    let Some(ending) = &last.ending else {
        return format!(
            "{}: not known whether the smarthost took it: no outcome is written (yet)",
            last.time
        );
    };
    let words = match ending.as_str() {
        "accepted" => "the smarthost took it".to_owned(),
        "refused" if last.why.is_none() => "refused by the smarthost".to_owned(),
        "refused" => "refused".to_owned(),
        "deferred" => "not delivered; the client has it and may try again".to_owned(),
        "dropped" => "thrown away: nobody was left to send it to".to_owned(),
        "abandoned" => "the client broke off".to_owned(),
        "unknown" => "not known whether the smarthost took it".to_owned(),
        other => escaped(other),
    };
    let why = last.why.as_ref().map(|why| format!(" ({})", shown(why))).unwrap_or_default();
    let said = last.reply.as_ref().map(|said| format!(": {}", reply(said))).unwrap_or_default();
    format!("{} {words}{why}{said}", last.time)
}

fn reply(reply: &SeenReply<'_>) -> String {
    format!("{} {}", reply.code, shown(&reply.text))
}

/// Somebody else's text: nothing of it may steer the terminal.
fn shown(text: &Text<'_>) -> String {
    escaped(text)
}
