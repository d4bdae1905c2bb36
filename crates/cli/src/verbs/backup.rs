//! `backup` and `restore`.

use std::fmt::Write as _;

use app::backup::BackupOutcome;
use app::clerk::{Custody, Request};
use app::control::{self, Reach};
use app::keeper::{RestoreOutcome, RestoreRequest};
use ledger::IfMissing;

use crate::configuration;
use crate::count::{entries, events};
use crate::exit::Exit;
use crate::out::Out;
use crate::progress::Bar;
use crate::words::{Backup, Restore};

pub(crate) fn run(words: &Backup, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let folder = std::path::absolute(&words.folder)?;
    let bar = Bar::new(out);
    let outcome = app::backup::run(&settings.ledger, &folder, &mut |at| bar.show(at))?;
    bar.clear();
    let noted = Custody::BackedUp { by: app::asker::name(), position: outcome.position };
    let noted = Reach::find(&settings, IfMissing::Refuse)
        .and_then(|mut reach| reach.ask(&Request::Ledger(noted), &mut |_| ()));
    if let Err(error) = noted {
        out.tell(&format!("optgate: the backup is made, but not recorded as an event: {error}"));
    }
    out.answer(&outcome, backed_up)?;
    Ok(Exit::Ok)
}

fn backed_up(outcome: &BackupOutcome) -> String {
    format!(
        "{}: {} and {}, {} KiB, with the key file; verified\n",
        outcome.folder.display(),
        entries(outcome.position),
        events(outcome.events),
        outcome.bytes >> 10
    )
}

pub(crate) fn restore(words: &Restore, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    // The gate has a folder of its own.
    let folder = std::path::absolute(&words.folder)?;
    let request = RestoreRequest { folder, replace: words.replace, by: app::asker::name() };
    let bar = Bar::new(out);
    let outcome = control::restore(&settings, &request, &mut |at| bar.show(at))?;
    bar.clear();
    out.answer(&outcome, restored)?;
    Ok(Exit::Ok)
}

fn restored(outcome: &RestoreOutcome) -> String {
    let mut text = format!("restored, {}\n", entries(outcome.position));
    for kept in &outcome.kept {
        let _ = writeln!(text, "what was there before is kept as {}", kept.display());
    }
    text.push_str(match outcome.enforced {
        true => "The running gate goes by it from now on.\n",
        false => "No gate is running; the next one goes by it.\n",
    });
    if !outcome.read_again.is_empty() {
        let when = if outcome.enforced { "at once" } else { "by the next gate" };
        let _ = writeln!(
            text,
            "What the lists have said since the backup is read again {when}: {}.\n\
             Until then mail that they could stop is deferred (451).",
            outcome.read_again.join(", ")
        );
    }
    text
}
