//! What `optout` and `consent` share: entries that are typed, and lists that are imported.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use app::clerk::{AddedOutcome, Addition, Request};
use app::control::Reach;
use app::import::{ImportOutcome, ImportRequest};
use ledger::IfMissing;
use suppression::{Basis, Kind, SuppressionError};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::progress::Bar;
use crate::words::{ConfigFile, ListFile};

/// Words that mean nothing here.
pub(super) fn usage(error: SuppressionError) -> anyhow::Error {
    Ended::error(Exit::Usage, error.to_string())
}

/// Fields of evidence; a name that comes twice is a mistake.
pub(super) fn evidence(pairs: Vec<(String, String)>) -> anyhow::Result<BTreeMap<String, String>> {
    let mut fields = BTreeMap::new();
    for (name, value) in pairs {
        if fields.contains_key(&name) {
            return Err(Ended::error(Exit::Usage, format!("--evidence {name} is given twice")));
        }
        fields.insert(name, value);
    }
    Ok(fields)
}

/// A day or a moment.
pub(super) fn time(text: Option<&str>) -> anyhow::Result<Option<suppression::Timestamp>> {
    text.map(str::parse).transpose().map_err(usage)
}

/// Records what was typed and tells what became of it.
pub(super) fn add(file: &ConfigFile, addition: Addition, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(file, out)?;
    let request = Request::Add(addition);
    let answer = Reach::find(&settings, IfMissing::Create)?.ask(&request, &mut |_| ())?;
    let outcome: AddedOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, added)?;
    Ok(Exit::Ok)
}

fn added(outcome: &AddedOutcome) -> String {
    let (new, old) = match outcome.kind {
        Kind::OptOut => ("opted out", "had opted out already"),
        Kind::Complaint => ("complaint recorded", "had complained already"),
        Kind::Manual => ("blocked", "was blocked already"),
        Kind::Undeliverable => ("recorded as undeliverable", "was undeliverable already"),
        Kind::Consent => ("consent recorded", "had consented already"),
        Kind::Withdrawn => ("taken back", "was taken back already"),
    };
    let mut text = String::new();
    for line in &outcome.addresses {
        let entry = line.entry.map_or_else(String::new, |n| format!(" (entry {n})"));
        let what = if line.added { new } else { old };
        let _ = writeln!(text, "{}  {what}{entry}", line.address);
        let odd = line.effects.iter().filter(|effect| !effect.holds);
        for effect in odd {
            let _ = writeln!(text, "  on stream {}: {}", effect.stream, effect.words);
        }
        if line.effects.is_empty() {
            let _ = writeln!(text, "  there is no stream that this is about: nothing changes");
        }
    }
    for warning in &outcome.warnings {
        let _ = writeln!(text, "  warning: {warning}");
    }
    let _ = writeln!(text, "{}", holds(outcome));
    text
}

/// What holds by now, in one sentence.
fn holds(outcome: &AddedOutcome) -> String {
    let all = || outcome.addresses.iter().flat_map(|line| &line.effects);
    let some = all().any(|effect| effect.holds);
    let odd = all().any(|effect| !effect.holds)
        || outcome.addresses.iter().any(|line| line.effects.is_empty());
    let except = match (some, odd) {
        // Nobody is refused: a warning says why.
        (true, false) if outcome.running && !outcome.enforced => {
            return "It is on record.".to_owned();
        }
        (true, false) => "",
        (true, true) => ", but for what is said above",
        (false, _) if outcome.running => {
            return "It is on record, and changes nothing now.".to_owned();
        }
        (false, _) => {
            return "No gate is running. It is on record, and changes nothing now.".to_owned();
        }
    };
    let consent = outcome.kind == Kind::Consent;
    match (outcome.running, consent) {
        (true, true) => format!("The running gate goes by it from now on{except}."),
        (true, false) => format!("The running gate refuses them from now on{except}."),
        (false, true) => format!("No gate is running; the next one goes by it{except}."),
        (false, false) => format!("No gate is running; the next one refuses them{except}."),
    }
}

/// What the rows of an imported list say.
pub(super) struct Meaning {
    pub(super) kind: Kind,
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
    let typed = list.path.unwrap_or_default();
    // The gate has a folder of its own.
    let path = std::path::absolute(&typed)?;
    if path.is_dir() {
        let why = format!("{}: this is a directory; name the list file in it", typed.display());
        return Err(Ended::error(Exit::Data, why));
    }
    if let Err(error) = std::fs::File::open(&path) {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Data,
        };
        return Err(Ended::error(exit, format!("{}: {error}", typed.display())));
    }
    let name = list.name.unwrap_or_else(|| {
        typed.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    });
    let request = Request::Import(ImportRequest {
        path,
        name,
        email: list.email,
        date: list.date,
        reason: list.reason,
        record: list.record,
        delimiter: list.delimiter,
        encoding: list.encoding,
        header: list.header,
        kind: meaning.kind,
        scope: list.scope.parse().map_err(usage)?,
        expire_after: meaning.expire_after,
        basis: meaning.basis,
        evidence: evidence(list.evidence)?,
        bad_rows: list.bad_rows,
        allow_subscribed: list.allow_subscribed || meaning.kind == Kind::Consent,
    });
    let bar = Bar::new(out);
    let answer = Reach::find(&settings, IfMissing::Create)?.ask(&request, &mut |at| bar.show(at));
    drop(bar);
    let outcome: ImportOutcome = serde_json::from_value(answer?)?;
    out.answer(&outcome, imported)?;
    Ok(Exit::Ok)
}

fn imported(outcome: &ImportOutcome) -> String {
    let what = match outcome.kind {
        Kind::OptOut => "opt-outs",
        Kind::Complaint => "complaints",
        Kind::Manual => "blocks",
        Kind::Undeliverable => "bounces",
        Kind::Consent => "consents",
        Kind::Withdrawn => "withdrawals",
    };
    let mut text = format!(
        "{}: {} rows; {} {what} recorded, {} stood there already",
        outcome.name, outcome.rows, outcome.added, outcome.seen
    );
    if outcome.without_address > 0 {
        let _ = write!(text, ", {} rows without an address", outcome.without_address);
    }
    if outcome.bad > 0 {
        let _ = write!(text, ", {} BAD ROWS", outcome.bad);
    }
    text.push('\n');
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
        Some(import) => {
            let verb = if outcome.kind == Kind::Consent { "consent" } else { "optout" };
            let _ = writeln!(
                text,
                "import {import}; to take it back: optgate {verb} import --undo {import} --reason TEXT"
            );
        }
        None => text.push_str("it said nothing, so there is no import to undo\n"),
    }
    text
}
