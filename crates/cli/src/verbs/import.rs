//! What `optout import` and `consent import` share: a list, once, or a look at what that would do.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use app::clerk::Request;
use app::config::Settings;
use app::control::Reach;
use app::import::{ImportOutcome, ImportRequest, Recorded, foresee};
use ledger::IfMissing;
use suppression::{Basis, Kind};

use super::intake::{evidence, usage};
use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::progress::Bar;
use crate::words::{ConfigFile, ListFile};

/// What the rows of an imported list say.
pub(super) struct Meaning {
    /// None: as the list is recognised.
    pub(super) kind: Option<Kind>,
    pub(super) expire_after: Option<u16>,
    pub(super) basis: Basis,
}

/// Imports a list and tells what became of it.
pub(super) fn import(
    file: &ConfigFile,
    list: ListFile,
    meaning: Meaning,
    out: &Out,
) -> anyhow::Result<Exit> {
    let settings = configuration::settings(file, out)?;
    let request = request(list, meaning)?;
    let bar = Bar::new(out);
    let outcome = ask(&settings, request, &bar);
    drop(bar);
    let outcome = outcome?;
    out.answer(&outcome, told)?;
    Ok(if outcome.refused.is_some() { Exit::Data } else { Exit::Ok })
}

fn ask(
    settings: &Arc<Settings>,
    request: ImportRequest,
    bar: &Bar,
) -> anyhow::Result<ImportOutcome> {
    // A look makes no ledger.
    let nothing_yet = request.dry_run && !settings.ledger.path.exists();
    if nothing_yet && !settings.control.exists() {
        return Ok(foresee(settings, &request, &mut |at| bar.show(at))?);
    }
    let mut reach = Reach::find(settings, IfMissing::Create)?;
    let answer = reach.ask(&Request::Import(Box::new(request)), &mut |at| bar.show(at))?;
    Ok(serde_json::from_value(answer)?)
}

fn request(list: ListFile, meaning: Meaning) -> anyhow::Result<ImportRequest> {
    let typed = list.path.unwrap_or_default();
    // The gate has a folder of its own.
    let path = std::path::absolute(&typed)?;
    readable(&path, &typed)?;
    let name = list.name.unwrap_or_else(|| name(&path));
    Ok(ImportRequest {
        path,
        name,
        format: list.format,
        email: list.email,
        date: list.date,
        reason: list.reason,
        kind_column: list.kind_column,
        scope_column: list.scope_column,
        until: list.until,
        record: list.record,
        records: list.records,
        sheet: list.sheet,
        delimiter: list.delimiter,
        encoding: list.encoding,
        header: list.header,
        hashed: list.hashed,
        normalise: list.normalise,
        salt_file: list.salt_file.map(std::path::absolute).transpose()?,
        salt_place: list.salt_place,
        kind: meaning.kind,
        scope: list.scope.parse().map_err(usage)?,
        expire_after: meaning.expire_after,
        basis: meaning.basis,
        evidence: evidence(list.evidence)?,
        bad_rows: list.bad_rows,
        allow_subscribed: list.allow_subscribed || meaning.kind == Some(Kind::Consent),
        dry_run: list.dry_run,
    })
}

/// A list without a name has that of its file or folder; of a pattern, of the folder it is for.
fn name(path: &Path) -> String {
    let mut place = path;
    while is_pattern(place) {
        let Some(folder) = place.parent() else { break };
        place = folder;
    }
    place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A name that exists is never taken for a pattern.
fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte)) && !path.exists()
}

/// Whoever types a name hears of it before anything begins. A folder and a pattern are looked at
/// where they are read.
fn readable(path: &Path, typed: &Path) -> anyhow::Result<()> {
    if path.is_dir() || is_pattern(path) {
        return Ok(());
    }
    let Err(error) = std::fs::File::open(path) else { return Ok(()) };
    let exit = match error.kind() {
        std::io::ErrorKind::PermissionDenied => Exit::Permission,
        _ => Exit::Data,
    };
    Err(Ended::error(exit, format!("{}: {error}", typed.display())))
}

/// What entries of a kind are called.
fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::OptOut => "opt-outs",
        Kind::Complaint => "complaints",
        Kind::Manual => "blocks",
        Kind::Undeliverable => "bounces",
        Kind::Consent => "consents",
        Kind::Withdrawn => "withdrawals",
    }
}

fn told(outcome: &ImportOutcome) -> String {
    let mut text = String::new();
    let kinds: Vec<_> = outcome.said.iter().map(|said| said.kind).collect();
    let what = match kinds.as_slice() {
        [] => outcome.kind.map_or("entries", called),
        [first, others @ ..] if others.iter().all(|kind| kind == first) => called(*first),
        _ => "entries",
    };
    let (name, rows) = (&outcome.name, outcome.rows);
    let (added, seen) = (outcome.added, outcome.seen);
    if let Some(why) = &outcome.refused {
        let _ = writeln!(text, "it would be refused: {why}");
    }
    let _ = match outcome.dry_run {
        true => write!(
            text,
            "{name}: {rows} rows; {added} {what} WOULD be recorded, {seen} say nothing new"
        ),
        false => {
            write!(text, "{name}: {rows} rows; {added} {what} recorded, {seen} stood there already")
        }
    };
    if outcome.without_address > 0 {
        let _ = write!(text, ", {} rows without an address", outcome.without_address);
    }
    if outcome.bad > 0 {
        let _ = write!(text, ", {} BAD ROWS", outcome.bad);
    }
    text.push('\n');
    understood(outcome, &mut text);
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
    match &outcome.import {
        _ if outcome.dry_run => text.push_str("nothing was recorded: this was a dry run\n"),
        Some(import) => {
            let verb = if outcome.kind == Some(Kind::Consent) { "consent" } else { "optout" };
            let _ = writeln!(
                text,
                "import {import}; to take it back: optgate {verb} import --undo {import} --reason TEXT"
            );
        }
        None => text.push_str("it said nothing, so there is no import to undo\n"),
    }
    text
}

/// How the list was understood, where a person wants to know it.
fn understood(outcome: &ImportOutcome, text: &mut String) {
    if outcome.dry_run {
        let _ = writeln!(text, "  read as {}", outcome.layout);
    } else {
        for what in &outcome.recognised {
            let _ = writeln!(text, "  recognised as {what}");
        }
    }
    if outcome.dry_run || outcome.said.len() > 1 || !outcome.recognised.is_empty() {
        for Recorded { kind, scope, entries } in &outcome.said {
            let _ = writeln!(text, "  {entries} {} of scope {}", called(*kind), scope.as_str());
        }
    }
    if outcome.domains > 0 {
        let _ = writeln!(text, "  {} of them about whole domains", outcome.domains);
    }
    if outcome.digests > 0 {
        let _ = writeln!(text, "  {} of them about digests", outcome.digests);
    }
    for left_out in &outcome.left_out {
        let _ = writeln!(text, "  {} rows left out: {}", left_out.rows, left_out.why);
    }
    if outcome.odd_dates > 0 {
        let _ = writeln!(text, "  {} rows with a date that cannot be read", outcome.odd_dates);
    }
    if outcome.future_dates > 0 {
        let _ = writeln!(text, "  {} rows with a date in the future", outcome.future_dates);
    }
}
