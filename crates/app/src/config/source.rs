//! What a `[[source]]` means: one file, one format, and the keys that go with it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use address::PersonRules;
use sources::{Column, Columns, CsvSpec, FieldPath, Format, Guards, Share, Spec, XmlSpec};

use super::choice::KindWord;
use super::fault::{Fault, Severity};
use super::file::Source;
use super::form::FilePath;
use super::naming::ColumnSaid;
use super::section::{Maybe, Said, Section};
use super::settings::{Mode, Place, SourceSettings, SyncSettings};

pub(crate) fn settle(
    sources: &[Source],
    folder: &Path,
    rules: &PersonRules,
    faults: &mut Vec<Fault>,
) -> Vec<SourceSettings> {
    let mut names: BTreeMap<String, Range<usize>> = BTreeMap::new();
    let mut out = Vec::new();
    for source in sources {
        if let Some(said) = source.name.said() {
            let span = said.span().unwrap_or(0..0);
            // Names that differ in case only would be one list in many eyes.
            let folded = said.value.0.to_ascii_lowercase();
            match names.get(&folded) {
                Some(first) => faults.push(
                    Fault::at(span, format!("two sources are named \"{}\"", said.value.0))
                        .related(first.clone(), "the first is here")
                        .help("a name says in every refusal which list it was; give each its own"),
                ),
                None => {
                    names.insert(folded, span);
                }
            }
        }
        goes_with_kind(source, faults);
        if let Some(settings) = one(source, folder, rules, faults) {
            out.push(settings);
        }
    }
    out
}

/// Keys that mean something for one kind of entry only.
fn goes_with_kind(source: &Source, faults: &mut Vec<Fault>) {
    let kind = source.kind.value;
    let word = kind.as_str();
    if let Some(said) = source.basis.said().filter(|_| kind != KindWord::Consent) {
        faults.push(
            Fault::maybe_at(said.span(), format!("`basis` has no meaning for kind \"{word}\""))
                .help("only consents rest on something: kind = \"consent\""),
        );
    }
    if let Some(said) = source.expire_after.said().filter(|_| kind != KindWord::Undeliverable) {
        let why = match kind {
            KindWord::Consent => "how long a consent lasts is said by basis",
            _ => "an opt-out, a complaint and a block never expire; only bounces do",
        };
        faults.push(
            Fault::maybe_at(said.span(), format!("kind \"{word}\" does not expire")).help(why),
        );
    }
    let allowed = source.allow_subscribed.span().filter(|_| kind == KindWord::Consent);
    if let Some(span) = allowed {
        faults.push(
            Fault::at(span, "`allow_subscribed` has no meaning for kind \"consent\"")
                .help("leave it out: consents are lists of people who may be mailed"),
        );
    }
}

/// What is forgotten of a bounce, unless said otherwise: a mailbox that was full or away is
/// tried again each quarter, one that is gone bounces again.
const LOOK: Duration = Duration::from_secs(2);
const FULL: Duration = Duration::from_secs(86_400);
const OVERLAP: Duration = Duration::from_secs(600);
const BOUNCE_EXPIRES: Duration = Duration::from_secs(90 * 86_400);

fn one(
    source: &Source,
    folder: &Path,
    rules: &PersonRules,
    faults: &mut Vec<Fault>,
) -> Option<SourceSettings> {
    let list = list(source, folder, faults);
    let share = |said: &Said<super::quantity::Share>| Share::percent(said.value.0);
    let guards = Guards {
        allow_empty: source.allow_empty.value.0,
        shrink_limit: share(&source.shrink_limit)?,
        bad_rows: share(&source.bad_rows)?,
    };
    let name = source.name.get()?.0.clone();
    let (path, format) = list?;
    let kind = source.kind.value;
    let spec = Spec {
        kind: Some(kind.into()),
        rules: rules.clone(),
        allow_subscribed: source.allow_subscribed.value.0,
        ..Spec::new(&name, format)
    };
    let max_age = source.max_age.get().map(|s| s.0);
    let expire_after = match source.expire_after.get() {
        _ if kind != KindWord::Undeliverable => None,
        Some(said) => said.0.map(|span| span.0),
        None => Some(BOUNCE_EXPIRES),
    };
    let basis = source.basis.get().copied().map(Into::into).unwrap_or_default();
    let scope = source.scope.value.0.clone();
    Some(SourceSettings {
        name,
        place: Place::Files(path),
        spec,
        scope,
        carries: Vec::new(),
        mode: Mode::Sync(SyncSettings {
            every: LOOK,
            watermark: None,
            full_every: FULL,
            overlap: OVERLAP,
            notify: None,
        }),
        mirror: false,
        basis,
        expire_after,
        max_age,
        guards,
    })
}

fn list(source: &Source, folder: &Path, faults: &mut Vec<Fault>) -> Option<(PathBuf, Format)> {
    match (&source.csv, &source.xml) {
        (Maybe::Said(csv), Maybe::Absent) => {
            foreign(faults, "a CSV", &[("record", source.record.said().and_then(Said::span))]);
            let column = |maybe: &Maybe<ColumnSaid>| {
                maybe.get().map(|column| match column {
                    ColumnSaid::Name(name) => Column::Name(name.clone()),
                    ColumnSaid::Number(n) => Column::Number(*n),
                })
            };
            let format = Format::Csv(CsvSpec {
                columns: Columns {
                    email: column(&source.email),
                    date: column(&source.date),
                    reason: column(&source.reason),
                    ..Columns::default()
                },
                delimiter: source.delimiter.get().map(|d| d.0),
                encoding: source.encoding.get().map(|e| e.0),
                header: source.header.get().map(|h| h.0),
            });
            Some((there(csv, folder, faults), format))
        }
        (Maybe::Absent, Maybe::Said(xml)) => {
            let csv_only = [
                ("delimiter", source.delimiter.said().and_then(Said::span)),
                ("header", source.header.said().and_then(Said::span)),
            ];
            foreign(faults, "an XML", &csv_only);
            let path = there(xml, folder, faults);
            Some((path, Format::Xml(xml_spec(source, faults)?)))
        }
        (Maybe::Said(csv), Maybe::Said(xml)) => {
            let fault = Fault::maybe_at(xml.span(), "a source is either csv or xml")
                .related(csv.span().unwrap_or(0..0), "and this")
                .help("write two [[source]] sections, each with a name of its own");
            faults.push(fault);
            None
        }
        (Maybe::Absent, Maybe::Absent) => {
            faults.push(
                Fault::maybe_at(source.heading(), "this source has no list")
                    .help("add: csv = \"/srv/lists/optouts.csv\", or xml = \"...\""),
            );
            None
        }
        (Maybe::Bad, _) | (_, Maybe::Bad) => None,
    }
}

fn xml_spec(source: &Source, faults: &mut Vec<Fault>) -> Option<XmlSpec> {
    if matches!(source.record, Maybe::Absent) {
        faults.push(Fault::maybe_at(source.heading(), "`record` is missing for an XML list").help(
            "which elements are one person each: record = \"/customers/customer[@optout='1']\"",
        ));
    }
    let mut path = |column: &Maybe<ColumnSaid>| {
        let said = column.said()?;
        let wrong = |words: String| {
            Fault::maybe_at(said.span(), words)
                .help("a path inside the record, for example \"contact/email\" or \"@email\"")
        };
        match &said.value {
            ColumnSaid::Name(path) => match path.parse::<FieldPath>() {
                Ok(path) => return Some(path),
                Err(error) => faults.push(wrong(error.to_string())),
            },
            ColumnSaid::Number(_) => {
                faults.push(wrong("an XML list has no columns to count".to_owned()));
            }
        }
        None
    };
    let (email, date, reason) = (path(&source.email), path(&source.date), path(&source.reason));
    Some(XmlSpec {
        record: source.record.get()?.0.clone(),
        email,
        date,
        reason,
        encoding: source.encoding.get().map(|e| e.0),
    })
}

/// Keys that mean nothing for this format.
fn foreign(faults: &mut Vec<Fault>, format: &str, keys: &[(&str, Option<Range<usize>>)]) {
    for (key, span) in keys {
        if let Some(span) = span {
            faults.push(
                Fault::at(span.clone(), format!("`{key}` has no meaning for {format} list"))
                    .help("leave it out"),
            );
        }
    }
}

fn there(said: &Said<FilePath>, folder: &Path, faults: &mut Vec<Fault>) -> PathBuf {
    let path = folder.join(&said.value.0);
    let message = match std::fs::metadata(&path) {
        Ok(meta) if meta.is_dir() => format!("{} is a folder, not a file", path.display()),
        Ok(_) => match std::fs::File::open(&path) {
            Ok(_) => return path,
            Err(e) => format!("{} cannot be read: {e}", path.display()),
        },
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            format!("{} is not there", path.display())
        }
        Err(e) => format!("{}: {e}", path.display()),
    };
    faults.push(Fault::maybe_at(said.span(), message).severity(Severity::Missing));
    path
}
