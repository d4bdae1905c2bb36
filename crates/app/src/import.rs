//! `optout import`: a list, once; and the look at it that writes nothing.

mod foresee;
mod reading;
mod request;

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use address::PersonRules;
use sources::{Guards, Inputs, List, Phase, Report, Share, Spec, judge};
use suppression::{Kind, Timestamp};

use crate::clock;
use crate::config::{Settings, SourceName};
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::Keeper;
use crate::lists::{Intake, Lasts};
pub use crate::progress::Progress;
pub use request::{ImportOutcome, ImportRequest, LeftOut, Recorded};

/// Days after which bounces are forgotten that nobody has set, as for a `[[source]]`.
const BOUNCES_LAST: u16 = 90;

/// Imports a list, or says what that would do.
///
/// # Errors
/// What is wrong with the request or the list; then nothing was recorded, unless a file was
/// written to meanwhile.
pub(crate) fn run(
    keeper: &Keeper,
    maker: &EntryMaker,
    request: &ImportRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportOutcome, AppError> {
    let lasts = lasts(request)?;
    with_list(request, maker.rules(), progress, |list, now, tell| {
        let intake = Intake {
            keeper,
            maker,
            source: &request.name,
            lasts,
            evidence: &request.evidence,
            scope: request.scope.clone(),
            once: true,
            stop: &AtomicBool::new(false),
        };
        if request.dry_run {
            let (added, seen) = foresee::against(&intake, list, now, tell)?;
            return Ok(Came { added, seen, ..Came::default() });
        }
        let taken = intake.run(list, now, tell)?;
        let import = (taken.added + taken.seen > 0).then(|| taken.import.clone());
        Ok(Came {
            import,
            added: taken.added,
            seen: taken.seen,
            warning: taken.warning(),
            refused: None,
        })
    })
}

/// What an import would do where there is no ledger yet, and none is made.
///
/// # Errors
/// As for an import.
pub fn foresee(
    settings: &Settings,
    request: &ImportRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportOutcome, AppError> {
    lasts(request)?;
    with_list(request, &settings.ledger.person, progress, |list, now, tell| {
        let (added, seen) = foresee::alone(list, now, tell)?;
        Ok(Came { added, seen, ..Came::default() })
    })
}

/// What became of the rows.
#[derive(Default)]
struct Came {
    import: Option<String>,
    added: u64,
    seen: u64,
    warning: Option<String>,
    refused: Option<String>,
}

/// Opens the list, judges it, and gives it on.
fn with_list(
    request: &ImportRequest,
    rules: &PersonRules,
    progress: &mut dyn FnMut(Progress),
    then: impl FnOnce(&List<'_>, Timestamp, &mut dyn FnMut(sources::Progress)) -> Result<Came, AppError>,
) -> Result<ImportOutcome, AppError> {
    if !SourceName::is_plain(&request.name) {
        return Err(AppError::Input(format!(
            "`{}` is no name for a list: letters, digits, `.`, `_` and `-`, at most 64; give one with --name",
            request.name
        )));
    }
    let spec = Spec {
        kind: request.kind,
        hashed: reading::hashed(request)?,
        rules: rules.clone(),
        allow_subscribed: request.allow_subscribed,
        ..Spec::new(&request.name, reading::format(request)?)
    };
    let guards = Guards {
        bad_rows: Share::percent(request.bad_rows)
            .ok_or_else(|| AppError::Input("--bad-rows is from 0 to 100".to_owned()))?,
        ..Guards::default()
    };
    let rows = std::cell::Cell::new(0);
    let mut tell = |at: sources::Progress| {
        // Of 25 parts of the time, as measured: to look takes 1, to check 4, to record 20.
        let (before, weight) = match at.phase {
            Phase::Examine => (0, 1),
            Phase::Check => (1, 4),
            Phase::Read => (5, 20),
        };
        let part = |weight: u64, bytes: u64| bytes.saturating_mul(weight);
        let done = part(before, at.total).saturating_add(part(weight, at.done));
        let total = part(25, at.total);
        progress(Progress { done, total, rows: rows.get() });
    };
    let wrong = |error: sources::SourceError| AppError::List(error.to_string());
    let list = List::open(Inputs::at(&request.path).map_err(wrong)?, &spec, &mut tell);
    let list = list.map_err(wrong)?;
    let now = clock::now();
    let report = list.check(now, &mut tell).map_err(wrong)?;
    let came = match judge(&report, None, &guards) {
        Ok(()) => {
            proven(request, &report)?;
            rows.set(report.rows);
            then(&list, now, &mut tell)?
        }
        // Whoever looks wants to see what is wrong with it.
        Err(refusal) if request.dry_run => {
            Came { refused: Some(refusal.to_string()), ..Came::default() }
        }
        Err(refusal) => {
            let told = told(&report);
            let file = request.path.display();
            return Err(AppError::List(format!("{file}: {refusal}; nothing was recorded{told}")));
        }
    };
    Ok(outcome(request, &list, report, came))
}

/// Why rows were left out, behind a refusal.
fn told(report: &Report) -> String {
    let reasons = report.unselected_because.iter();
    let told: Vec<_> = reasons.map(|(why, count)| format!("{count} rows: {why}")).collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) }
}

fn outcome(request: &ImportRequest, list: &List<'_>, report: Report, came: Came) -> ImportOutcome {
    let mut warnings = report.warnings.clone();
    if report.odd_kinds > 0 {
        warnings.push(format!(
            "{} rows have a word for the kind that is not known, the first in line {}; they count \
             as {}",
            report.odd_kinds,
            report.first_odd_kind.unwrap_or_default(),
            request.kind.unwrap_or(Kind::OptOut)
        ));
    }
    if report.dropped_ends > 0 {
        warnings.push(format!(
            "{} rows say when they end; opt-outs, complaints and blocks never do, so that is left \
             out",
            report.dropped_ends
        ));
    }
    warnings.extend(came.warning);
    let recorded = report.tallies.into_iter().map(|tally| Recorded {
        kind: tally.kind,
        scope: tally.scope.unwrap_or_else(|| request.scope.clone()),
        entries: tally.entries,
    });
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for Recorded { kind, scope, entries } in recorded {
        *counts.entry((kind, scope)).or_default() += entries;
    }
    let reasons = report.unselected_because.iter();
    ImportOutcome {
        name: request.name.clone(),
        kind: request.kind,
        dry_run: request.dry_run,
        refused: came.refused,
        layout: list.describe(),
        recognised: list.recognised().into_iter().map(str::to_owned).collect(),
        import: came.import,
        rows: report.rows,
        said: counts
            .into_iter()
            .map(|((kind, scope), entries)| Recorded { kind, scope, entries })
            .collect(),
        added: came.added,
        seen: came.seen,
        domains: report.domains,
        digests: report.digests,
        without_address: report.without_address,
        left_out: reasons
            .map(|(why, rows)| LeftOut { why: (*why).to_owned(), rows: *rows })
            .collect(),
        bad: report.bad,
        bad_rows: report.bad_rows.iter().map(ToString::to_string).collect(),
        odd_dates: report.odd_dates,
        future_dates: report.future_dates,
        warnings,
    }
}

const UNPROVEN: &str = "consents that nothing proves are none: say with --evidence where and how \
    they were given, or with --reason which column says so";

/// Rows may be consents although nobody said so of the list.
fn proven(request: &ImportRequest, report: &Report) -> Result<(), AppError> {
    let consents = report.tallies.iter().any(|tally| tally.kind == Kind::Consent);
    match consents && request.evidence.is_empty() && request.reason.is_none() {
        true => Err(AppError::Input(UNPROVEN.to_owned())),
        false => Ok(()),
    }
}

fn lasts(request: &ImportRequest) -> Result<Lasts, AppError> {
    match (request.kind, request.expire_after) {
        (Some(Kind::Withdrawn), _) => {
            Err(AppError::Input("entries are taken back by optgate optout withdraw".to_owned()))
        }
        (Some(kind), Some(_)) if kind != Kind::Undeliverable => Err(AppError::Input(format!(
            "entries of kind {kind} never lapse; only undeliverable ones do"
        ))),
        (Some(Kind::Consent), _) if request.evidence.is_empty() && request.reason.is_none() => {
            Err(AppError::Input(UNPROVEN.to_owned()))
        }
        (kind, days) => {
            // What was said to be bounces counts for as long as was said.
            let days = days.or(kind.is_none().then_some(BOUNCES_LAST));
            Ok(Lasts {
                bounces: days.map(|days| Duration::from_secs(u64::from(days) * 86_400)),
                consents: request.basis,
            })
        }
    }
}
