//! `optout import`: a list file, once.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sources::{Columns, CsvSpec, Format, Guards, Input, List, Phase, Share, Spec, XmlSpec, judge};
use suppression::{Basis, Kind, Scope};

use crate::clock;
use crate::config::SourceName;
use crate::entry::EntryMaker;
use crate::error::AppError;
use crate::keeper::Keeper;
use crate::lists::{Intake, Lasts};
pub use crate::progress::Progress;

/// What is to be imported, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ImportRequest {
    /// The file, with its whole path.
    pub path: PathBuf,
    /// The name of the list.
    pub name: String,
    /// Column or path of the address.
    pub email: Option<String>,
    /// Column or path of the date.
    pub date: Option<String>,
    /// Column or path of the reason.
    pub reason: Option<String>,
    /// Which elements are records; makes it an XML file.
    pub record: Option<String>,
    /// What parts two cells.
    pub delimiter: Option<String>,
    /// The character set.
    pub encoding: Option<String>,
    /// Whether the first line names the columns.
    pub header: Option<bool>,
    /// What is recorded about the addresses.
    #[serde(default = "opt_out")]
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// Days after which bounces lapse.
    #[serde(default)]
    pub expire_after: Option<u16>,
    /// What consents rest on.
    #[serde(default)]
    pub basis: Basis,
    /// Proof, of every row.
    #[serde(default)]
    pub evidence: BTreeMap<String, String>,
    /// Greatest share of bad rows, in percent.
    pub bad_rows: f64,
    /// Take even what looks like a list of people who may be mailed.
    pub allow_subscribed: bool,
}

fn opt_out() -> Kind {
    Kind::OptOut
}

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportOutcome {
    /// The name of the list.
    pub name: String,
    /// What was recorded.
    pub kind: Kind,
    /// How the file was understood.
    pub layout: String,
    /// The import, if it said anything.
    pub import: Option<String>,
    /// Rows of the file.
    pub rows: u64,
    /// Entries that are new.
    pub added: u64,
    /// Entries that stood there already.
    pub seen: u64,
    /// Rows of people without an address.
    pub without_address: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them, with their lines; their values are masked.
    pub bad_rows: Vec<String>,
    /// Rows whose date could not be read, taken as undated.
    pub odd_dates: u64,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// Imports a file.
///
/// # Errors
/// What is wrong with the request or the file; then nothing was recorded, unless the
/// file was written to meanwhile.
pub(crate) fn run(
    keeper: &Keeper,
    maker: &EntryMaker,
    request: &ImportRequest,
    progress: &mut dyn FnMut(Progress),
) -> Result<ImportOutcome, AppError> {
    if !SourceName::is_plain(&request.name) {
        return Err(AppError::Input(format!(
            "`{}` is no name for a list: letters, digits, `.`, `_` and `-`, at most 64; give one with --name",
            request.name
        )));
    }
    let lasts = lasts(request)?;
    let spec = Spec {
        kind: Some(request.kind),
        rules: maker.rules().clone(),
        allow_subscribed: request.allow_subscribed,
        ..Spec::new(&request.name, format(request)?)
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
    let list = List::open(Input::file(&request.path).map_err(wrong)?, &spec, &mut tell);
    let list = list.map_err(wrong)?;
    let now = clock::now();
    let report = list.check(now, &mut tell).map_err(wrong)?;
    judge(&report, None, &guards).map_err(|refusal| {
        AppError::List(format!("{}: {refusal}; nothing was recorded", request.path.display()))
    })?;
    rows.set(report.rows);
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
    let taken = intake.run(&list, now, &mut tell)?;
    let mut warnings = report.warnings;
    warnings.extend(taken.warning());
    Ok(ImportOutcome {
        name: request.name.clone(),
        kind: request.kind,
        layout: list.describe(),
        import: (taken.added + taken.seen > 0).then_some(taken.import),
        rows: report.rows,
        added: taken.added,
        seen: taken.seen,
        without_address: report.without_address,
        bad: report.bad,
        bad_rows: report.bad_rows.iter().map(ToString::to_string).collect(),
        odd_dates: report.odd_dates,
        warnings,
    })
}

fn lasts(request: &ImportRequest) -> Result<Lasts, AppError> {
    match (request.kind, request.expire_after) {
        (Kind::Withdrawn, _) => {
            Err(AppError::Input("entries are taken back by optgate optout withdraw".to_owned()))
        }
        (kind, Some(_)) if kind != Kind::Undeliverable => Err(AppError::Input(format!(
            "entries of kind {kind} never lapse; only undeliverable ones do"
        ))),
        (Kind::Consent, _) if request.evidence.is_empty() && request.reason.is_none() => {
            Err(AppError::Input(
                "consents that nothing proves are none: say with --evidence where and how they \
                 were given, or with --reason which column says so"
                    .to_owned(),
            ))
        }
        (_, days) => Ok(Lasts {
            bounces: days.map(|days| Duration::from_secs(u64::from(days) * 86_400)),
            consents: request.basis,
        }),
    }
}

fn format(request: &ImportRequest) -> Result<Format, AppError> {
    fn read<T: std::str::FromStr<Err = sources::SpecError>>(
        option: &str,
        text: &Option<String>,
    ) -> Result<Option<T>, AppError> {
        let parsed = text.as_deref().map(str::parse).transpose();
        parsed.map_err(|e| AppError::Input(format!("--{option}: {e}")))
    }
    let encoding = read("encoding", &request.encoding)?;
    let named_xml = request.path.extension().is_some_and(|e| e.eq_ignore_ascii_case("xml"));
    if request.record.is_none() && !named_xml {
        return Ok(Format::Csv(CsvSpec {
            columns: Columns {
                email: read("email", &request.email)?,
                date: read("date", &request.date)?,
                reason: read("reason", &request.reason)?,
                ..Columns::default()
            },
            delimiter: read("delimiter", &request.delimiter)?,
            encoding,
            header: request.header,
        }));
    }
    let record = read("record", &request.record)?.ok_or_else(|| {
        AppError::Input("an XML file needs --record: which elements are one person each, such as \"/customers/customer[@optout='1']\"".to_owned())
    })?;
    Ok(Format::Xml(XmlSpec {
        record,
        email: read("email", &request.email)?,
        date: read("date", &request.date)?,
        reason: read("reason", &request.reason)?,
        kind: None,
        scope: None,
        until: None,
        encoding,
    }))
}
