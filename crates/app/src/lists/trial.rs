//! Trying a source: connects, looks at what is there and says how it is understood. Nothing of it
//! counts, nothing is written down, and no gate needs to run.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use sources::{Connection, Inputs, List, RemoteError, Report, Row, Who, judge, mask};
use suppression::{Kind, Scope, Timestamp};

use super::brought::{Brought, Wish};
use super::failed::Failed;
use super::feed::Feed;
use super::puller::until_stopped;
use crate::clock;
use crate::config::{Mode, Place, Settings, SourceSettings};
use crate::error::AppError;

/// Rows that are shown.
const SHOWN: usize = 10;
/// Nobody has this address (RFC 2606): a query that finds it is not about the recipient.
const NOBODY: &str = "nobody-has-this-address@optgate-source-test.invalid";

/// What trying a source came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The source.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// `sync` or `live`.
    pub mode: String,
    /// The names of the columns of a database.
    pub columns: Vec<String>,
    /// How it was understood: what it was recognised as, and which column is taken for what.
    pub layout: String,
    /// Rows of it; of a live source those found for an address that nobody has.
    pub rows: u64,
    /// Rows with an address, a digest or a domain.
    pub usable: u64,
    /// Rows of people without an address.
    pub without_address: u64,
    /// Rows that were left out, because they are about nobody who objected.
    pub left_out: u64,
    /// Rows that could not be used.
    pub bad: u64,
    /// The first of them; their values are masked.
    pub bad_rows: Vec<String>,
    /// What they say, by kind and scope.
    pub entries: Vec<TrialTally>,
    /// The first rows, masked.
    pub sample: Vec<TrialRow>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// Why a reading of it would not be believed.
    pub refused: Option<String>,
    /// How long it took to get there, in milliseconds.
    pub reached: u64,
    /// How long all of it took, in milliseconds.
    pub took: u64,
}

/// Entries of one kind and scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialTally {
    /// Their kind.
    pub kind: Kind,
    /// Their scope.
    pub scope: Scope,
    /// How many.
    pub entries: u64,
}

/// A row, without who it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialRow {
    /// Its line.
    pub line: u64,
    /// The shape of the address: every letter as `x`, every digit as `9`.
    pub who: String,
    /// What it says.
    pub kind: Kind,
    /// What part of the mail it is about.
    pub scope: Scope,
    /// When the person asked, if it says so.
    pub stated: Option<Timestamp>,
    /// When it lapses, if it says so.
    pub until: Option<Timestamp>,
}

/// Tries a source.
///
/// # Errors
/// [`AppError::Unavailable`] when it cannot be reached, [`AppError::List`] when what is there
/// cannot be understood.
pub fn try_source(settings: &Settings, source: &SourceSettings) -> Result<Trial, AppError> {
    let start = clock::instant();
    let mut trial = Trial { name: source.name.clone(), place: source.at(), ..Trial::default() };
    match &source.mode {
        Mode::Live(_) => ask(source, &mut trial, start)?,
        Mode::Sync(_) => read(settings, source, &mut trial, start)?,
    }
    trial.took = millis(start);
    Ok(trial)
}

fn millis(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn unreached(failed: Failed) -> AppError {
    match failed {
        Failed::Wrong(why) => AppError::Unavailable(why),
        Failed::Unsteady => {
            AppError::Unavailable("somebody is writing to it; try again when they are done".into())
        }
        Failed::Stopped => AppError::Stopped,
    }
}

fn ask(source: &SourceSettings, trial: &mut Trial, start: Instant) -> Result<(), AppError> {
    trial.mode = "live".to_owned();
    let Place::Database(access, question) = &source.place else { return Ok(()) };
    let asking = async {
        let mut connection = Connection::open(access, question).await?;
        let reached = millis(start);
        let found = connection.ask(&[NOBODY.to_owned()]).await?;
        Ok((reached, found))
    };
    let asked = until_stopped(&AtomicBool::new(false), asking).map_err(unreached)?;
    let (reached, found) = asked.map_err(|error: RemoteError| unreached(error.into()))?;
    let found: Vec<_> = found.into_iter().flatten().collect();
    trial.reached = reached;
    trial.rows = found.len() as u64;
    trial.layout = "asked about an address that nobody has".to_owned();
    if let Some(first) = found.first() {
        trial.columns = first.columns.to_vec();
        trial.refused = Some(
            "it finds an address that nobody has: everybody would be refused. Is the recipient \
             in the condition of the question?"
                .to_owned(),
        );
    }
    Ok(())
}

fn read(
    settings: &Settings,
    source: &SourceSettings,
    trial: &mut Trial,
    start: Instant,
) -> Result<(), AppError> {
    trial.mode = "sync".to_owned();
    let Mode::Sync(sync) = &source.mode else { return Ok(()) };
    let (never, now) = (AtomicBool::new(false), clock::now());
    let known = ledger::SourceState::default();
    let mut feed = Feed::of(source, sync, &folder(settings));
    let brought = feed.bring(&known, Wish::All, now, &never);
    let content = match brought.map_err(unreached)? {
        Brought::Whole(content) | Brought::Part(content) => content,
        Brought::Untouched | Brought::Same { .. } | Brought::NothingNew(_) => return Ok(()),
    };
    trial.reached = millis(start);
    trial.columns = content.columns;
    understand(source, content.inputs, trial, now)
}

fn understand(
    source: &SourceSettings,
    inputs: Inputs,
    trial: &mut Trial,
    now: Timestamp,
) -> Result<(), AppError> {
    let wrong = |error: sources::SourceError| AppError::List(error.to_string());
    let list = List::open(inputs, &source.spec, &mut |_| ()).map_err(wrong)?;
    trial.layout = list.describe();
    let report = list.check(now, &mut |_| ()).map_err(wrong)?;
    tell(source, &report, trial);
    let mut take = |row: &Row<'_>| {
        trial.sample.push(shown(source, row));
        match trial.sample.len() < SHOWN {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    };
    list.read(now, &mut |_| (), &mut take).map_err(wrong)?;
    Ok(())
}

fn tell(source: &SourceSettings, report: &Report, trial: &mut Trial) {
    trial.rows = report.rows;
    trial.usable = report.accepted;
    trial.without_address = report.without_address;
    trial.left_out = report.unselected;
    trial.bad = report.bad;
    trial.bad_rows = report.bad_rows.iter().map(ToString::to_string).collect();
    trial.warnings.clone_from(&report.warnings);
    let tally = |tally: &sources::Tally| TrialTally {
        kind: tally.kind,
        scope: tally.scope.clone().unwrap_or_else(|| source.scope.clone()),
        entries: tally.entries,
    };
    trial.entries = report.tallies.iter().map(tally).collect();
    // Compared with nothing: how many there were last time, the gate knows.
    trial.refused = judge(report, None, &source.guards).err().map(|refusal| refusal.to_string());
}

fn shown(source: &SourceSettings, row: &Row<'_>) -> TrialRow {
    let who = match row.who {
        Who::Address { mailbox, .. } => mask(&mailbox.to_string()),
        Who::Domain(at) => mask(at.person().rsplit_once('@').map_or("", |(_, domain)| domain)),
        Who::Digest(digest) => format!("a digest of {} bytes", digest.len()),
    };
    TrialRow {
        line: row.line,
        who,
        kind: row.kind,
        scope: row.scope.unwrap_or(&source.scope).clone(),
        stated: row.stated,
        until: row.until,
    }
}

/// Where rows are put down, in a file without a name: beside the ledger, which is as safe as what
/// comes of them; before there is one, where all short-lived files are.
fn folder(settings: &Settings) -> PathBuf {
    let beside = settings.ledger.path.parent().filter(|folder| folder.is_dir());
    beside.map_or_else(std::env::temp_dir, Path::to_path_buf)
}
