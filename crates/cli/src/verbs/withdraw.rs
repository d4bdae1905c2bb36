//! Taking back what was recorded, for `optout` and `consent`.

use std::fmt::Write as _;

use app::clerk::{Request, Withdrawal, Withdrawn, WithdrawnOutcome};
use app::control::Reach;
use ledger::IfMissing;
use suppression::Scope;

use crate::configuration;
use crate::count::entries;
use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigFile;

pub(super) fn run(
    file: &ConfigFile,
    what: Withdrawn,
    class: Option<Scope>,
    reason: String,
    out: &Out,
) -> anyhow::Result<Exit> {
    if reason.trim().is_empty() {
        return Err(Ended::error(Exit::Usage, "why is it taken back? say it with --reason TEXT"));
    }
    let settings = configuration::settings(file, out)?;
    let request = Request::Withdraw(Withdrawal { what, class, reason, by: app::asker::name() });
    let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&request, &mut |_| ())?;
    let outcome: WithdrawnOutcome = serde_json::from_value(answer)?;
    out.answer(&outcome, text)?;
    Ok(Exit::Ok)
}

fn text(outcome: &WithdrawnOutcome) -> String {
    let mut text = String::new();
    for entry in &outcome.taken_back {
        let _ = writeln!(
            text,
            "entry {}: {} of {}, scope {}, list {}",
            entry.entry, entry.kind, entry.since, entry.scope, entry.list
        );
    }
    let by: Vec<_> = outcome.rows.iter().map(ToString::to_string).collect();
    let _ = writeln!(text, "{} taken back (entry {})", entries(outcome.entries), by.join(", "));
    if outcome.stayed > 0 {
        let _ = writeln!(
            text,
            "of these, {}: a later import had said the same (optgate optout imports)",
            match outcome.stayed {
                1 => "1 was recorded anew and stands".to_owned(),
                count => format!("{count} were recorded anew and stand"),
            }
        );
    }
    text.push_str(match outcome.enforced {
        true => "The running gate goes by it from now on.\n",
        false => "No gate is running; the next one goes by it.\n",
    });
    if !outcome.read_again.is_empty() {
        let when = if outcome.enforced { "at once" } else { "by the next gate" };
        let _ = writeln!(
            text,
            "Read again {when}: {}. Whoever its file still names is recorded again; what is \
             wrong in it has to be corrected there.",
            outcome.read_again.join(", ")
        );
    }
    text
}
