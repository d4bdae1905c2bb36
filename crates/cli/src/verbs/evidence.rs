//! `evidence`: the stories of messages, and the proof that they are unchanged.

mod shown;
mod story;

use std::net::IpAddr;

use app::config::Settings;
use app::evidence::{Messages, Proof, Question, Range, find, verify, verify_file};
use serde::Serialize;
use suppression::{Day, Timestamp};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::shown::{counted, shown};
use crate::table::columns;
use crate::words::{Evidence, EvidenceVerb, EvidenceVerify};

pub(crate) fn run(words: Evidence, out: &Out) -> anyhow::Result<Exit> {
    if let Some(EvidenceVerb::Verify(words)) = &words.what {
        return walk(words, out);
    }
    let range = Range {
        since: words.since.as_deref().map(begin).transpose()?,
        until: words.until.as_deref().map(end).transpose()?,
        limit: words.limit.0,
    };
    if let (Some(since), Some(until)) = (range.since, range.until)
        && since >= until
    {
        return Err(Ended::error(Exit::Usage, "--since is later than --until"));
    }
    let settings = configuration::settings(&words.file, out)?;
    let client = words.client;
    let found = find(&settings, &question(words)?, range)?;
    let mut text = String::new();
    for message in &found.messages {
        if out.is_json() {
            message.records.iter().for_each(|record| text.extend([record.as_str(), "\n"]));
        } else {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&story::tell(message));
        }
    }
    if let Some(client) = client {
        return of_client(&settings, client, range, &found, text, out);
    }
    out.print(&text)?;
    if found.more {
        older(&counted(found.messages.len() as u64, "message is", "messages are"), out);
    }
    if found.messages.is_empty() {
        out.note("nothing of that is in the evidence");
        return Ok(Exit::No);
    }
    Ok(Exit::Ok)
}

/// What a client was shown, what it sent, and whether that can be believed.
fn of_client(
    settings: &Settings,
    client: IpAddr,
    range: Range,
    found: &Messages,
    messages: String,
    out: &Out,
) -> anyhow::Result<Exit> {
    let notices = app::evidence::shown(settings, client, range, found)?;
    let mut text = String::new();
    if out.is_json() {
        let records = notices.texts.iter().chain(&notices.notices);
        records.for_each(|record| text.extend([record.as_str(), "\n"]));
    } else {
        text = shown::tell(&notices, &found.messages);
        if !text.is_empty() && !messages.is_empty() {
            text.push('\n');
        }
    }
    text.push_str(&messages);
    out.print(&text)?;
    if found.more || notices.more {
        let greetings = counted(notices.notices.len() as u64, "greeting", "greetings");
        let messages = counted(found.messages.len() as u64, "message", "messages");
        older(&format!("{greetings} and {messages} are"), out);
    }
    if found.messages.is_empty() && notices.notices.is_empty() {
        out.note("nothing of that is in the evidence");
        return Ok(Exit::No);
    }
    let proof = verify(settings, None)?.proof(app::clock::now());
    out.note(&format!("the evidence is: {}", verdict(proof)));
    Ok(if proof.is_fine() { Exit::Ok } else { Exit::No })
}

/// Says that this is not everything, and how to see the rest.
fn older(shown: &str, out: &Out) {
    out.note(&format!(
        "the latest {shown} shown, and there are older ones: --limit all shows all of them, \
         --since and --until those of a time"
    ));
}

fn question(words: Evidence) -> anyhow::Result<Question> {
    let Evidence { recipient, message_id, reference, client, .. } = words;
    recipient
        .map(Question::Recipient)
        .or(message_id.map(Question::MessageId))
        .or(reference.map(Question::Reference))
        .or(client.map(Question::Client))
        .ok_or_else(|| Ended::error(Exit::Usage, "nothing was asked for"))
}

fn begin(text: &str) -> anyhow::Result<Timestamp> {
    text.parse().map_err(|e| Ended::error(Exit::Usage, format!("--since: {e}")))
}

/// The end of a day, or a moment.
fn end(text: &str) -> anyhow::Result<Timestamp> {
    let error = |e: &dyn std::fmt::Display| Ended::error(Exit::Usage, format!("--until: {e}"));
    if text.contains('T') {
        return text.parse().map_err(|e| error(&e));
    }
    let day: Day = text.parse().map_err(|e| error(&e))?;
    Ok(day.plus_days(1).start())
}

/// A walk, and the word under which its head is kept.
#[derive(Serialize)]
struct Walked {
    #[serde(flatten)]
    walk: app::evidence::Walk,
    /// What was proven, in a word.
    proof: Proof,
    /// What `--head` takes.
    keep: Option<String>,
}

fn walk(words: &EvidenceVerify, out: &Out) -> anyhow::Result<Exit> {
    let head = words.head.as_deref();
    let mut walk = match &words.evidence {
        Some(path) => verify_file(path, head)?,
        None => verify(&*configuration::settings(&words.file, out)?, head)?,
    };
    let keep = walk.head.as_ref().map(ToString::to_string);
    let proof = walk.proof(app::clock::now());
    // Not only free of faults.
    walk.intact = proof == Proof::Intact;
    out.answer(&Walked { walk, proof, keep }, walked)?;
    Ok(if proof.is_fine() { Exit::Ok } else { Exit::No })
}

fn walked(walked: &Walked) -> String {
    let walk = &walked.walk;
    let mut rows = vec![["file", "began", "bytes", "records", "seals"].map(str::to_owned).to_vec()];
    rows.extend(walk.files.iter().map(|file| {
        vec![
            file.name.clone(),
            file.began.map_or_else(|| "-".to_owned(), |time| time.to_string()),
            file.bytes.to_string(),
            file.records.to_string(),
            file.seals.to_string(),
        ]
    }));
    let mut text = columns(&rows);
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    for file in walk.files.iter().filter(|file| file.older > 0) {
        line(format!(
            "{}: its first {} bytes are older than the chain; they are sealed as they were found",
            file.name, file.older
        ));
    }
    if let (true, Some(number)) = (walk.earlier_removed, walk.files.first().and_then(|f| f.number))
    {
        line(format!("begins with file {number}: those before it were taken away"));
    }
    if walk.torn > 0 {
        let torn = counted(walk.torn, "record is", "records are");
        line(format!("{torn} not whole: a write was cut short"));
    }
    if walk.unsealed.bytes > 0 {
        let records = counted(walk.unsealed.records, "record", "records");
        line(format!(
            "not sealed yet: {records}, {}",
            counted(walk.unsealed.bytes, "byte", "bytes")
        ));
    }
    match (&walked.keep, walk.head) {
        (Some(keep), Some(head)) => line(format!("head, of {}: {keep}", head.time)),
        _ => line("nothing is sealed".to_owned()),
    }
    match walk.holds {
        Some(true) => line("the head that was given lies on this chain".to_owned()),
        Some(false) => line("the head that was given is not on this chain".to_owned()),
        None => {}
    }
    for fault in &walk.faults {
        line(format!("wrong: {}", shown(&fault.to_string())));
    }
    line(verdict(walked.proof).to_owned());
    text
}

fn verdict(proof: Proof) -> &'static str {
    match proof {
        Proof::Intact => "intact",
        Proof::Nothing => "nothing to prove yet",
        Proof::Broken => "not intact",
        Proof::OtherHead => {
            "not proven: something before the head that was given was changed or cut off, or it is of \
             another chain"
        }
        Proof::NoSeal => {
            "not proven: no seal covers these records. A gate seals within a second or two what it \
             records: they were never sealed, or the seals were taken away"
        }
        Proof::LongTail => {
            "not proven: more than the last seconds is not sealed. A gate seals within a second or \
             two what it records: it could not, or seals were taken away"
        }
    }
}
