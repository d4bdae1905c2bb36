//! `status`: how the gate and its lists are.

use std::fmt::Write as _;

use app::clerk::{ConfigurationLine, Request, StatusAnswer};
use app::control::Reach;
use ledger::IfMissing;

use crate::configuration;
use crate::exit::Exit;
use crate::out::Out;
use crate::table::columns;
use crate::words::ConfigOnly;

pub(crate) fn run(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let loaded = configuration::read(&words.file)?;
    // A gate that runs goes by another one, if this one is broken.
    let running = loaded.control.as_deref().filter(|_| loaded.settings.is_none());
    let mut reach = match running.map(Reach::gate).transpose()?.flatten() {
        Some(gate) => gate,
        None => Reach::find(&configuration::settings(&words.file, out)?, IfMissing::Refuse)?,
    };
    let running = reach.is_gate();
    let answer = reach.ask(&Request::Status, &mut |_| ())?;
    let status: StatusAnswer = serde_json::from_value(answer)?;
    out.answer(&status, text)?;
    Ok(match (running, status.unknown.is_empty()) {
        (false, _) => Exit::Unavailable,
        (true, false) => Exit::Temporary,
        (true, true) => Exit::Ok,
    })
}

/// A line for each: how it is, and how many connections there are.
fn smarthosts(status: &StatusAnswer) -> Vec<String> {
    let Some(all) = status.gate.get("smarthosts").and_then(|all| all.as_array()) else {
        return vec![status.smarthost.clone()];
    };
    let line = |host: &serde_json::Value| {
        let name = host.get("name")?.as_str()?;
        let mut line = format!("{name} ({}", host.get("state")?.as_str()?);
        if let Some(seconds) = host.get("left_alone_seconds").and_then(|s| s.as_u64()) {
            let _ = write!(line, ", left alone for {seconds} s");
        }
        match (host.get("connections")?.as_u64()?, host.get("idle")?.as_u64()?) {
            (0, _) => {}
            (all, 0) => _ = write!(line, ", {all} connections"),
            (all, idle) => _ = write!(line, ", {all} connections, {idle} of them idle"),
        }
        line.push(')');
        Some(line)
    };
    all.iter().filter_map(line).collect()
}

/// A line for each: how it is, and what it did.
fn milters(status: &StatusAnswer) -> Vec<String> {
    let all = status.gate.get("milters").and_then(|all| all.as_array());
    let line = |milter: &serde_json::Value| {
        let mut line = milter.get("name")?.as_str()?.to_owned();
        let _ = write!(line, " ({}", milter.get("state")?.as_str()?);
        if let Some(fault) = milter.get("fault").and_then(|fault| fault.as_str()) {
            let _ = write!(line, ": {fault}");
        }
        if let Some(seconds) = milter.get("left_alone_seconds").and_then(|s| s.as_u64()) {
            let _ = write!(line, ", left alone for {seconds} s");
        }
        for (key, words) in [
            ("asked", "messages"),
            ("refused", "refused"),
            ("changed", "changed"),
            ("failures", "failures"),
        ] {
            match milter.get(key)?.as_u64()? {
                0 => {}
                n => _ = write!(line, ", {n} {words}"),
            }
        }
        line.push(')');
        Some(line)
    };
    all.into_iter().flatten().filter_map(line).collect()
}

fn text(status: &StatusAnswer) -> String {
    let mut text = String::new();
    let gate = match (status.pid, status.since) {
        (Some(pid), Some(since)) => format!("running, process {pid}, since {since}"),
        _ => "not running".to_owned(),
    };
    let smarthosts = smarthosts(status);
    let configuration = status.configuration.as_ref().map_or_else(String::new, loaded);
    let rows = [
        ("gate", gate),
        ("configuration", configuration),
        ("listeners", status.listeners.join(" ")),
        ("ledger", format!("{}, {} entries", status.ledger, status.position)),
        (
            "index",
            format!(
                "{} facts, {} KiB, epoch {}",
                status.entries,
                status.index_bytes >> 10,
                status.epoch
            ),
        ),
    ];
    let rows = rows.into_iter().filter(|(_, what)| !what.is_empty());
    let mut rows: Vec<_> = rows.map(|(a, b)| vec![a.to_owned(), b]).collect();
    let behind = rows
        .iter()
        .position(|row| row.first().is_some_and(|name| name == "listeners"))
        .map_or(0, |at| at + 1);
    let smarthosts = smarthosts.into_iter().map(|host| vec!["smarthost".to_owned(), host]);
    let milters = milters(status).into_iter().map(|milter| vec!["milter".to_owned(), milter]);
    rows.splice(behind..behind, smarthosts.chain(milters));
    text.push_str(&columns(&rows));
    let refused = status.configuration.as_ref().and_then(|line| line.last_failure.as_ref());
    if let Some(refused) = refused {
        let _ = writeln!(text, "\nA new configuration was refused at {}:", refused.at);
        let _ = writeln!(text, "{}", refused.why);
    }
    if !status.sources.is_empty() {
        text.push('\n');
        let mut rows =
            vec![["list", "rows", "age", "last read", "state"].map(str::to_owned).to_vec()];
        rows.extend(status.sources.iter().map(|source| {
            let state = match (&source.unknown, &source.last_error) {
                (Some(why), _) => format!("UNKNOWN: {why}"),
                (None, Some(error)) => format!("{}: {error}", source.state),
                (None, None) => source.state.clone(),
            };
            vec![
                source.name.clone(),
                source.rows.map_or_else(|| "-".to_owned(), |n| n.to_string()),
                source.age_words().unwrap_or_else(|| "-".to_owned()),
                source.last_success.map_or_else(|| "-".to_owned(), |t| t.to_string()),
                state,
            ]
        }));
        text.push_str(&columns(&rows));
    }
    live(&mut text, status);
    if !status.unknown.is_empty() {
        text.push_str("\nRecipients who are on no list are answered 451 until this is over:\n");
        for (list, why) in &status.unknown {
            let _ = writeln!(text, "  {list}: {why}");
        }
    }
    let counters = status.gate.get("counters").and_then(|c| c.as_object());
    if let Some(counters) = counters {
        text.push('\n');
        let rows: Vec<_> = counters
            .iter()
            .filter(|(_, n)| n.as_u64() != Some(0))
            .map(|(name, n)| vec![name.replace('_', " "), n.to_string()])
            .collect();
        text.push_str(&columns(&rows));
    }
    text
}

fn loaded(line: &ConfigurationLine) -> String {
    format!("{}, loaded {}", line.file, line.loaded)
}

/// The lists that are asked about each recipient.
fn live(text: &mut String, status: &StatusAnswer) {
    if status.live.is_empty() {
        return;
    }
    text.push('\n');
    let head = ["asked live", "recipients", "found", "failed", "connections", "state"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(status.live.iter().map(|list| {
        let state = match (list.breaker.as_str(), &list.last_error) {
            ("closed", None) => "ok".to_owned(),
            ("closed", Some(error)) if list.failing => format!("FAILING: {error}"),
            ("closed", Some(error)) => format!("ok; the last failure: {error}"),
            (_, error) => {
                let why = error.as_deref().unwrap_or("it kept failing");
                format!("NOT ASKED for a while: {why}")
            }
        };
        vec![
            list.name.clone(),
            format!("{} ({} remembered)", list.asked, list.remembered),
            list.found.to_string(),
            list.failed.to_string(),
            format!("{} in use, {} idle", list.busy, list.idle),
            state,
        ]
    }));
    text.push_str(&columns(&rows));
}
