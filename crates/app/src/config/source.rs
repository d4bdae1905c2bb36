//! What a `[[source]]` means: one file, one format, and the keys that go with it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::choice::KindWord;
use super::fault::{Fault, Severity};
use super::file::Source;
use super::form::FilePath;
use super::naming::Column;
use super::section::{Maybe, Said, Section};
use super::settings::{ListFile, ListFormat, SourceSettings};

pub(crate) fn settle(
    sources: &[Source],
    folder: &Path,
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
        if source.kind.value != KindWord::OptOut {
            faults.push(
                Fault::maybe_at(
                    source.kind.span(),
                    format!("kind \"{}\" is not supported yet", source.kind.value.as_str()),
                )
                .help("only kind = \"opt-out\" for now"),
            );
        }
        if let Some(settings) = one(source, folder, faults) {
            out.push(settings);
        }
    }
    out
}

fn one(source: &Source, folder: &Path, faults: &mut Vec<Fault>) -> Option<SourceSettings> {
    let list = list(source, folder, faults);
    Some(SourceSettings {
        name: source.name.get()?.0.clone(),
        list: list?,
        kind: source.kind.value,
        scope: source.scope.value,
        max_age: source.max_age.get().map(|s| s.0),
        shrink_limit: source.shrink_limit.value.0,
        bad_rows: source.bad_rows.value.0,
        allow_empty: source.allow_empty.value.0,
    })
}

fn list(source: &Source, folder: &Path, faults: &mut Vec<Fault>) -> Option<ListFile> {
    match (&source.csv, &source.xml) {
        (Maybe::Said(csv), Maybe::Absent) => {
            foreign(faults, "csv", &[("record", source.record.said().and_then(Said::span))]);
            Some(ListFile {
                path: there(csv, folder, faults),
                format: ListFormat::Csv {
                    email: source.email.get().cloned(),
                    date: source.date.get().cloned(),
                    reason: source.reason.get().cloned(),
                    delimiter: source.delimiter.get().map(|d| d.0),
                    header: source.header.get().map(|h| h.0),
                },
                encoding: source.encoding.get().copied(),
            })
        }
        (Maybe::Absent, Maybe::Said(xml)) => {
            let csv_only = [
                ("delimiter", source.delimiter.said().and_then(Said::span)),
                ("header", source.header.said().and_then(Said::span)),
            ];
            foreign(faults, "xml", &csv_only);
            Some(ListFile {
                path: there(xml, folder, faults),
                format: xml_format(source, faults)?,
                encoding: source.encoding.get().copied(),
            })
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

fn xml_format(source: &Source, faults: &mut Vec<Fault>) -> Option<ListFormat> {
    let mut needed = |key: &str, absent: bool, example: &str| {
        if absent {
            faults.push(
                Fault::maybe_at(source.heading(), format!("`{key}` is missing for an XML list"))
                    .help(format!("add: {key} = {example}")),
            );
        }
    };
    needed(
        "record",
        matches!(source.record, Maybe::Absent),
        "\"/customers/customer[@optout='1']\"",
    );
    needed("email", matches!(source.email, Maybe::Absent), "\"contact/email\"");
    let mut path = |column: &Maybe<Column>| {
        let said = column.said()?;
        match &said.value {
            Column::Name(path) => Some(path.clone()),
            Column::Number(_) => {
                faults.push(
                    Fault::maybe_at(said.span(), "an XML list has no columns to count")
                        .help("a path inside the record, for example \"contact/email\""),
                );
                None
            }
        }
    };
    let (email, date, reason) = (path(&source.email), path(&source.date), path(&source.reason));
    Some(ListFormat::Xml { record: source.record.get()?.0.clone(), email: email?, date, reason })
}

/// Keys that mean nothing for this format.
fn foreign(faults: &mut Vec<Fault>, format: &str, keys: &[(&str, Option<Range<usize>>)]) {
    for (key, span) in keys {
        if let Some(span) = span {
            faults.push(
                Fault::at(span.clone(), format!("`{key}` has no meaning for a {format} list"))
                    .help("leave it out"),
            );
        }
    }
}

fn there(said: &Said<FilePath>, folder: &Path, faults: &mut Vec<Fault>) -> std::path::PathBuf {
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
