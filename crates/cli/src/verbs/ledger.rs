//! `ledger`: proof, and duties.

mod export;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use app::clerk::{About, Custody, ErasedOutcome, EventAnswer, RekeyOutcome, Request};
use app::config::{EvidenceSettings, Store};
use app::control::Reach;
use app::import::Progress;
use ledger::{Checkpoint, Extension, IfMissing, LedgerError, SignedCheckpoint, Verification};
use serde::Serialize;

use crate::configuration;
use crate::count::{entries, events as number_of_events};
use crate::exit::{Ended, Exit};
use crate::files::{create, read_text};
use crate::out::Out;
use crate::progress::Bar;
use crate::shown::{counted, shown};
use crate::table::columns;
use crate::words::{
    ConfigOnly, Ledger, LedgerCheckpoint, LedgerErase, LedgerRekey, LedgerVerb, LedgerVerify,
};

pub(crate) fn run(words: Ledger, out: &Out) -> anyhow::Result<Exit> {
    match words.what {
        LedgerVerb::Verify(words) => verify(&words, out),
        LedgerVerb::Checkpoint(words) => checkpoint(&words, out),
        LedgerVerb::Export(words) => export::run(&words, out),
        LedgerVerb::Erase(words) => erase(words, out),
        LedgerVerb::Rekey(words) => rekey(words, out),
        LedgerVerb::Events(words) => events(&words, out),
    }
}

/// What `ledger verify` found.
#[derive(Debug, Serialize)]
struct Verified {
    ledger: PathBuf,
    intact: bool,
    /// The last entry.
    position: Option<u64>,
    /// Events.
    events: Option<u64>,
    /// Entries whose personal fields were erased, as they may be.
    erased: Option<u64>,
    /// Entries added since the checkpoint.
    since_checkpoint: Option<u64>,
    /// Whether the checkpoint's signature was checked.
    signature: bool,
    /// Whether it has one; none without a checkpoint.
    signed: Option<bool>,
    /// The first entry that does not fit.
    broken_at: Option<u64>,
    /// The first event that does not fit.
    broken_event: Option<u64>,
    /// The first key that does not fit.
    broken_key: Option<String>,
    /// What is wrong.
    what: Option<String>,
}

fn verify(words: &LedgerVerify, out: &Out) -> anyhow::Result<Exit> {
    let path = match &words.ledger {
        Some(path) => path.clone(),
        None => configuration::settings(&words.file, out)?.ledger.path.clone(),
    };
    let wanted = words.checkpoint.as_deref().map(read_checkpoint).transpose()?;
    if let (Some(wanted), Some(key)) = (&wanted, &words.public_key) {
        wanted.verify_signature(&read_text(key)?).map_err(said_no)?;
    }
    let mut verified = Verified {
        ledger: path,
        intact: false,
        position: None,
        events: None,
        erased: None,
        since_checkpoint: None,
        signature: words.public_key.is_some(),
        signed: wanted.as_ref().map(SignedCheckpoint::is_signed),
        broken_at: None,
        broken_event: None,
        broken_key: None,
        what: None,
    };
    let bar = Bar::new(out);
    match walk(&mut verified, wanted.map(|wanted| wanted.checkpoint), &bar) {
        // It is a ledger, and not what it was.
        Err(LedgerError::Damaged { what, .. }) => verified.what = Some(what),
        walked => walked.map_err(app::AppError::from)?,
    }
    bar.clear();
    out.answer(&verified, verified_text)?;
    Ok(if verified.intact { Exit::Ok } else { Exit::No })
}

fn walk(verified: &mut Verified, wanted: Option<Checkpoint>, bar: &Bar) -> Result<(), LedgerError> {
    let ledger = ledger::Ledger::open_to_verify(&verified.ledger)?;
    let total = ledger.head()?.position;
    let mut tell = |at| bar.show(Progress { done: at, total, rows: at });
    let walked = match wanted {
        None => ledger.verify(&mut tell)?,
        Some(at) => match ledger.verify_against(&at, &mut tell)? {
            Extension::Extends { rows, events, erased } => {
                verified.intact = true;
                verified.position = Some(at.position + rows);
                verified.events = Some(at.events + events);
                verified.erased = Some(erased);
                verified.since_checkpoint = Some(rows);
                return Ok(());
            }
            Extension::Not { what } => {
                verified.what = Some(what);
                return Ok(());
            }
            Extension::Broken(walked) => walked,
        },
    };
    match walked {
        Verification::Intact { head, erased, events } => {
            verified.intact = true;
            verified.position = Some(head.position);
            verified.events = Some(events.position);
            verified.erased = Some(erased);
        }
        Verification::Broken { position, what } => {
            verified.broken_at = Some(position);
            verified.what = Some(what);
        }
        Verification::BrokenEvent { number, what } => {
            verified.broken_event = Some(number);
            verified.what = Some(what);
        }
        Verification::BrokenKey { key, what } => {
            verified.broken_key = Some(key);
            verified.what = Some(what);
        }
    }
    Ok(())
}

fn verified_text(verified: &Verified) -> String {
    let name = verified.ledger.display();
    if !verified.intact {
        let what = verified.what.as_deref().unwrap_or("it is not intact");
        let entry = verified.broken_at.map(|at| format!(" entry {at}:"));
        let event = verified.broken_event.map(|number| format!(" event {number}:"));
        let key = verified.broken_key.as_ref().map(|key| format!(" key {key}:"));
        let place = entry.or(event).or(key).unwrap_or_default();
        return format!(
            "{name}: NOT INTACT:{place} {what}\nKeep this file as it is, and compare it with a backup.\n"
        );
    }
    let number = |n: Option<u64>| n.unwrap_or(0);
    let mut text = format!(
        "{name}: intact, {} and {}",
        entries(number(verified.position)),
        number_of_events(number(verified.events))
    );
    match number(verified.erased) {
        0 => {}
        erased => {
            let _ = write!(text, ", personal fields erased in {erased}");
        }
    }
    text.push('\n');
    if let Some(rows) = verified.since_checkpoint {
        let signed = match (verified.signature, verified.signed) {
            (true, _) => ", whose signature fits",
            (false, Some(true)) => ", and its signature was not checked (--public-key)",
            (false, _) => ", which is not signed",
        };
        let _ = writeln!(text, "it extends the checkpoint by {}{signed}", entries(rows));
    }
    text
}

/// A proof that fails is a no, not a fault of the program.
fn said_no(error: LedgerError) -> anyhow::Error {
    Ended::error(Exit::No, error.to_string())
}

fn read_checkpoint(path: &Path) -> anyhow::Result<SignedCheckpoint> {
    let text = read_text(path)?;
    text.parse().map_err(|error: LedgerError| {
        Ended::error(Exit::Data, format!("{}: {error}", path.display()))
    })
}

fn checkpoint(words: &LedgerCheckpoint, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let key = words.sign.as_deref().map(read_text).transpose()?;
    let mut file = words.path.as_deref().map(create).transpose()?;
    let asked = Custody::Checkpoint { by: app::asker::name(), signed: key.is_some() };
    let made = Reach::find(&settings, IfMissing::Refuse)
        .and_then(|mut reach| reach.ask(&Request::Ledger(asked), &mut |_| ()))
        .map_err(anyhow::Error::from)
        .and_then(|answer| Ok(serde_json::from_value::<String>(answer)?))
        .and_then(|text| signed(&text, key.as_deref()));
    let text = match (made, &words.path) {
        (Ok(text), _) => text,
        (Err(error), Some(path)) => {
            // Made a moment ago, and empty.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        (Err(error), None) => return Err(error),
    };
    match &mut file {
        Some(file) => {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            out.note(&format!(
                "written to {}; keep it where nobody who can write to the ledger can change it",
                words.path.as_deref().unwrap_or(Path::new("-")).display()
            ));
        }
        None => out.print(&text)?,
    }
    Ok(Exit::Ok)
}

fn signed(text: &str, key: Option<&str>) -> anyhow::Result<String> {
    let Some(key) = key else { return Ok(text.to_owned()) };
    let parsed: SignedCheckpoint = text.parse().map_err(app::AppError::from)?;
    let checkpoint: Checkpoint = parsed.checkpoint;
    let signed =
        checkpoint.sign(key).map_err(|error| Ended::error(Exit::Data, error.to_string()))?;
    Ok(signed.to_string())
}

fn erase(words: LedgerErase, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let LedgerErase { address, domain, reason, .. } = words;
    let about = match (domain, address) {
        (Some(domain), _) => About::Domain(domain),
        (None, address) => About::Person(address.unwrap_or_default()),
    };
    let asked = Custody::Erase { by: app::asker::name(), about, reason };
    let answer =
        Reach::find(&settings, IfMissing::Refuse)?.ask(&Request::Ledger(asked), &mut |_| ())?;
    let outcome: ErasedOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, |outcome| erased_text(outcome, &settings.evidence))?;
    Ok(if outcome.event.is_some() { Exit::Ok } else { Exit::No })
}

fn erased_text(outcome: &ErasedOutcome, evidence: &EvidenceSettings) -> String {
    let Some(event) = outcome.event else {
        return "nothing is recorded about it in the ledger; nothing was erased\n".to_owned();
    };
    let mut text = format!(
        "personal fields of {} erased, {} held none (event {event})\n",
        entries(outcome.entries.len() as u64),
        outcome.nothing_to_do,
    );
    if !outcome.swept {
        text.push_str(
            "Another program reads the ledger at the moment; the old bytes go when it ends.\n",
        );
    }
    text.push_str("Backups and exports made before still hold them.\n");
    text.push_str(match evidence.recipient {
        Store::Plain => {
            "The evidence is not touched, and it names recipients in words ([evidence] recipient = \
             \"plain\"): the files of their mail are to be deleted by hand, the oldest first.\n"
        }
        Store::Hashed => {
            "The evidence is not touched; it names recipients by keyed hashes ([evidence] recipient \
             = \"hashed\"), unless it was set otherwise before.\n"
        }
    });
    text
}

fn rekey(words: LedgerRekey, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let asked = Custody::Rekey { by: app::asker::name(), reason: words.reason };
    let answer =
        Reach::find(&settings, IfMissing::Refuse)?.ask(&Request::Ledger(asked), &mut |_| ())?;
    let outcome: RekeyOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, |outcome| {
        format!(
            "new entries are hashed under key {} from now on; older ones are found under {} \
             (event {})\n{} has changed: make a backup now (optgate backup FOLDER).\n",
            outcome.key,
            counted(outcome.older as u64, "older key", "older keys"),
            outcome.event,
            outcome.key_file
        )
    })?;
    Ok(Exit::Ok)
}

fn events(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let asked = Request::Ledger(Custody::Events);
    let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&asked, &mut |_| ())?;
    let events: Vec<EventAnswer> = serde_json::from_value(answer)?;
    out.answer(&events, |events| {
        if events.is_empty() {
            return "nothing was exported, erased, rekeyed, restored or checkpointed\n".to_owned();
        }
        let head = ["event", "time", "what", "by", "entries", "details"];
        let head = head.map(str::to_owned).to_vec();
        let rows = events.iter().map(|event| {
            vec![
                event.event.to_string(),
                event.time.to_string(),
                shown(&event.what),
                shown(&event.by),
                event.entries.to_string(),
                event.details.to_string(),
            ]
        });
        columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    })?;
    Ok(Exit::Ok)
}
