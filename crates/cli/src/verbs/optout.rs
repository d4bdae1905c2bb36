//! `optout add` and `optout import`.

use std::fmt::Write as _;

use app::clerk::{AddedOutcome, Addition, Request};
use app::control::Reach;
use app::import::{ImportOutcome, ImportRequest};
use ledger::IfMissing;

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::progress::Bar;
use crate::words::{Optout, OptoutAdd, OptoutImport, OptoutVerb};

pub(crate) fn run(words: Optout, out: &Out) -> anyhow::Result<Exit> {
    match words.what {
        OptoutVerb::Add(add) => run_add(add, out),
        OptoutVerb::Import(import) => run_import(import, out),
    }
}

fn run_add(words: OptoutAdd, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let usage = |e: suppression::SuppressionError| Ended::error(Exit::Usage, e.to_string());
    let request = Request::Add(Addition {
        scope: words.scope.parse().map_err(usage)?,
        stated: words.date.as_deref().map(str::parse).transpose().map_err(usage)?,
        addresses: words.addresses,
        source: words.source,
        reason: words.reason,
        evidence: std::collections::BTreeMap::new(),
    });
    let answer = Reach::find(&settings, IfMissing::Create)?.ask(&request, &mut |_| ())?;
    let outcome: AddedOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, |outcome| {
        let mut text = String::new();
        for line in &outcome.addresses {
            let entry = line.entry.map_or_else(String::new, |n| format!(" (entry {n})"));
            let what = if line.added { "opted out" } else { "had opted out already" };
            let _ = writeln!(text, "{}  {what}{entry}", line.address);
        }
        text.push_str(match outcome.enforced {
            true => "The running gate refuses them from now on.\n",
            false => "No gate is running; the next one refuses them.\n",
        });
        text
    })?;
    Ok(Exit::Ok)
}

fn run_import(words: OptoutImport, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    // The gate has a folder of its own.
    let path = std::path::absolute(&words.path)?;
    if let Err(error) = std::fs::File::open(&path) {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Data,
        };
        return Err(Ended::error(exit, format!("{}: {error}", words.path.display())));
    }
    let name = words.name.unwrap_or_else(|| {
        words.path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    });
    let request = Request::Import(ImportRequest {
        path,
        name,
        email: words.email,
        date: words.date,
        reason: words.reason,
        record: words.record,
        delimiter: words.delimiter,
        encoding: words.encoding,
        header: words.header,
        scope: words
            .scope
            .parse()
            .map_err(|e: suppression::SuppressionError| Ended::error(Exit::Usage, e.to_string()))?,
        bad_rows: words.bad_rows,
        allow_subscribed: words.allow_subscribed,
    });
    let bar = Bar::new(out);
    let answer = Reach::find(&settings, IfMissing::Create)?.ask(&request, &mut |at| bar.show(at));
    drop(bar);
    let outcome: ImportOutcome = serde_json::from_value(answer?)?;
    out.answer(&outcome, text)?;
    Ok(Exit::Ok)
}

fn text(outcome: &ImportOutcome) -> String {
    let mut text = format!(
        "{}: {} rows; {} opt-outs recorded, {} stood there already",
        outcome.name, outcome.rows, outcome.added, outcome.seen
    );
    if outcome.without_address > 0 {
        let _ = write!(text, ", {} rows without an address", outcome.without_address);
    }
    if outcome.bad > 0 {
        let _ = write!(text, ", {} BAD ROWS", outcome.bad);
    }
    text.push('\n');
    if let Some(import) = outcome.import.as_ref().filter(|_| outcome.added > 0) {
        let _ = writeln!(text, "  import {import}");
    }
    for row in &outcome.bad_rows {
        let _ = writeln!(text, "  {row}");
    }
    let more = outcome.bad.saturating_sub(outcome.bad_rows.len() as u64);
    if more > 0 {
        let _ = writeln!(text, "  and {more} more");
    }
    for warning in &outcome.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
    text
}
