//! What `optout` and `consent` share: entries that are typed, and lists that are imported.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use app::clerk::{AddedOutcome, Addition, Request};
use app::control::Reach;
use ledger::IfMissing;
use suppression::{Kind, SuppressionError};

use crate::configuration;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigFile;

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
        if outcome.scope.is_class() {
            let class = outcome.scope.as_str();
            let what = if outcome.kind == Kind::Consent { "permits" } else { "stops" };
            let _ =
                writeln!(text, "  {what} mail that says SOLICIT={class}, or Solicitation: {class}");
        } else if line.effects.is_empty() {
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
    if outcome.scope.is_class() {
        return class_holds(outcome);
    }
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

/// An entry about a class of solicitations (RFC 3865): whatever the stream, it is about mail that
/// says that it is of this class. Besides it is about the streams that name it as a scope.
fn class_holds(outcome: &AddedOutcome) -> String {
    let gate = match outcome.running {
        true => "The running gate goes by it from now on",
        false => "No gate is running; the next one goes by it",
    };
    let effects = outcome.addresses.iter().flat_map(|line| &line.effects);
    let streams: BTreeSet<&str> =
        effects.filter(|effect| effect.holds).map(|effect| effect.stream.as_str()).collect();
    let streams: Vec<&str> = streams.into_iter().collect();
    match streams[..] {
        [] => format!("{gate}. Other mail is not touched."),
        _ => format!("{gate}, and on stream {}. Other mail is not touched.", streams.join(", ")),
    }
}
