//! `source` and `metrics`: how the outside lists are.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use app::clerk::{Request, StatusAnswer};
use app::config::{Mode, Settings, SourceSettings};
use app::control::Reach;
use app::lists::{SyncOutcome, Trial, try_source, words};
use ledger::IfMissing;
use serde::Serialize;
use suppression::Timestamp;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::table::columns;
use crate::words::{Metrics, Source, SourceList, SourceSync, SourceTest, SourceVerb};

pub(crate) fn run(words: Source, out: &Out) -> anyhow::Result<Exit> {
    match words.what {
        SourceVerb::List(list) => list_all(&list, out),
        SourceVerb::Sync(sync) => sync_one(&sync, out),
        SourceVerb::Test(test) => test_one(&test, out),
    }
}

/// For programs that watch.
pub(crate) fn metrics(words: &Metrics, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&Request::Status, &mut |_| ())?;
    let status: StatusAnswer = serde_json::from_value(answer)?;
    out.answer(&status, app::metrics::prometheus)?;
    Ok(Exit::Ok)
}

/// A list, however it is used.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    /// `sync` or `live`.
    mode: &'static str,
    /// A file, a folder, a pattern, a URL or a database.
    place: String,
    state: String,
    unknown: Option<String>,
    rows: Option<u64>,
    /// In seconds.
    age: Option<u64>,
    /// In seconds.
    max_age: Option<u64>,
    last_success: Option<Timestamp>,
    last_attempt: Option<Timestamp>,
    last_error: Option<String>,
}

impl Listed {
    fn of(source: &SourceSettings, status: &StatusAnswer) -> Self {
        let name = source.name.clone();
        let unknown = status.unknown.get(&name).cloned();
        let kept = status.sources.iter().find(|line| line.name == name).cloned();
        let live = status.live.iter().find(|line| line.name == name);
        let mode = if matches!(source.mode, Mode::Live(_)) { "live" } else { "sync" };
        let state = match (&kept, live) {
            (Some(line), _) => line.state.clone(),
            (None, Some(line)) if line.breaker == "closed" && line.failing => {
                "asked for each recipient, and failing".to_owned()
            }
            (None, Some(line)) => format!("asked for each recipient, breaker {}", line.breaker),
            (None, None) => "unknown to the running gate, which began before it".to_owned(),
        };
        let live_error = live.and_then(|line| line.last_error.clone());
        Self {
            name,
            mode,
            place: source.at(),
            state,
            unknown,
            rows: kept.as_ref().and_then(|line| line.rows),
            age: kept.as_ref().and_then(|line| line.age),
            max_age: kept.as_ref().and_then(|line| line.max_age),
            last_success: kept.as_ref().and_then(|line| line.last_success),
            last_attempt: kept.as_ref().and_then(|line| line.last_attempt),
            last_error: kept.and_then(|line| line.last_error).or(live_error),
        }
    }
}

fn list_all(list: &SourceList, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&list.file, out)?;
    let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&Request::Status, &mut |_| ())?;
    let status: StatusAnswer = serde_json::from_value(answer)?;
    let sources: Vec<_> = settings.sources.iter().map(|s| Listed::of(s, &status)).collect();
    out.answer(&sources, |sources| listed(sources))?;
    let known = sources.iter().all(|source| source.unknown.is_none());
    Ok(if known { Exit::Ok } else { Exit::Temporary })
}

fn listed(sources: &[Listed]) -> String {
    if sources.is_empty() {
        return "there is no [[source]] in the configuration\n".to_owned();
    }
    let head = ["list", "mode", "age", "rows", "last read", "where"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    let dash = || "-".to_owned();
    rows.extend(sources.iter().map(|source| {
        vec![
            source.name.clone(),
            source.mode.to_owned(),
            source.age.map_or_else(dash, |age| words(Duration::from_secs(age))),
            source.rows.map_or_else(dash, |n| n.to_string()),
            source.last_success.map_or_else(dash, |at| at.to_string()),
            source.place.clone(),
        ]
    }));
    let mut text = columns(&rows);
    for source in sources {
        if let Some(why) = &source.unknown {
            let _ = writeln!(text, "{}: UNKNOWN, {why}", source.name);
        }
        if let Some(error) = &source.last_error {
            let _ = writeln!(text, "{}: the last try failed: {error}", source.name);
        }
    }
    text
}

/// A source of the configuration.
fn named<'a>(settings: &'a Arc<Settings>, name: &str) -> anyhow::Result<&'a SourceSettings> {
    let found = settings.sources.iter().find(|source| source.name == name);
    found.ok_or_else(|| {
        let names: Vec<_> = settings.sources.iter().map(|source| source.name.as_str()).collect();
        let there = match names[..] {
            [] => "there is none in the configuration".to_owned(),
            _ => format!("there is: {}", names.join(", ")),
        };
        Ended::error(Exit::Usage, format!("no [[source]] is named \"{name}\"; {there}"))
    })
}

fn sync_one(sync: &SourceSync, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&sync.file, out)?;
    let name = named(&settings, &sync.name)?.name.clone();
    let request = Request::Sync { source: name, all: sync.all };
    let answer = Reach::find(&settings, IfMissing::Create)?.ask(&request, &mut |_| ())?;
    let outcome: SyncOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, synced)?;
    Ok(Exit::Ok)
}

fn synced(outcome: &SyncOutcome) -> String {
    let SyncOutcome { name, rows, .. } = outcome;
    let took = took(outcome.took);
    if !outcome.changed && outcome.whole {
        return format!("{name}: as it was when it was last read, {rows} rows; {took}\n");
    }
    if !outcome.changed {
        return format!("{name}: nothing new; {took}\n");
    }
    let what = if outcome.whole { "rows" } else { "rows that may be new" };
    let mut text = format!(
        "{name}: {rows} {what}; {} entries added, {} stood there already",
        outcome.added, outcome.known
    );
    let more = [
        (outcome.taken_back, "taken back, no longer on the list"),
        (outcome.without_address, "rows without an address"),
        (outcome.left_out, "rows left out"),
        (outcome.bad, "BAD ROWS"),
    ];
    for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
        let _ = write!(text, ", {count} {what}");
    }
    let _ = writeln!(text, "; {took}");
    notes(&mut text, &outcome.bad_rows, outcome.bad, &outcome.warnings);
    let _ = writeln!(text, "understood as {}", outcome.layout);
    text
}

fn notes(text: &mut String, bad_rows: &[String], bad: u64, warnings: &[String]) {
    for row in bad_rows {
        let _ = writeln!(text, "  {row}");
    }
    let more = bad.saturating_sub(bad_rows.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    for warning in warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
}

fn took(millis: u64) -> String {
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => words(Duration::from_millis(millis)),
    }
}

fn test_one(test: &SourceTest, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&test.file, out)?;
    let trial = try_source(&settings, named(&settings, &test.name)?)?;
    out.answer(&trial, tried)?;
    Ok(if trial.refused.is_some() { Exit::No } else { Exit::Ok })
}

fn tried(trial: &Trial) -> String {
    let mut text = format!(
        "{}: {}, mode {}; reached after {}, {} in all\n",
        trial.name,
        trial.place,
        trial.mode,
        took(trial.reached),
        took(trial.took)
    );
    if !trial.columns.is_empty() {
        let _ = writeln!(text, "columns: {}", trial.columns.join(", "));
    }
    let _ = writeln!(text, "understood as {}", trial.layout);
    if trial.mode == "live" {
        let _ = writeln!(text, "{} rows found for it", trial.rows);
    } else {
        let _ = write!(text, "{} rows, {} of them usable", trial.rows, trial.usable);
        let more = [
            (trial.without_address, "without an address"),
            (trial.left_out, "left out"),
            (trial.bad, "BAD"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            let _ = write!(text, ", {count} {what}");
        }
        text.push('\n');
    }
    notes(&mut text, &trial.bad_rows, trial.bad, &trial.warnings);
    for tally in &trial.entries {
        let _ = writeln!(text, "  {} of kind {}, scope {}", tally.entries, tally.kind, tally.scope);
    }
    if !trial.sample.is_empty() {
        let mut rows = vec![["line", "who", "kind", "scope", "date"].map(str::to_owned).to_vec()];
        rows.extend(trial.sample.iter().map(|row| {
            let date = row.stated.map_or_else(|| "-".to_owned(), |at| at.to_string());
            let kind = row.kind.to_string();
            vec![row.line.to_string(), row.who.clone(), kind, row.scope.to_string(), date]
        }));
        text.push('\n');
        text.push_str(&columns(&rows));
    }
    match &trial.refused {
        Some(why) => {
            let _ = writeln!(text, "\nIT WOULD NOT BE BELIEVED: {why}");
        }
        None => text.push_str("\nNothing was recorded.\n"),
    }
    text
}
