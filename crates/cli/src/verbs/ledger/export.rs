//! `ledger export`: every entry up to the moment it was asked for, after the export was
//! recorded. Read by this process and not by the gate, which goes on with its work.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;

use app::clerk::{Custody, ExportPermit, Request};
use app::control::Reach;
use app::import::Progress;
use ledger::{IfMissing, Ledger};
use serde::Serialize;
use suppression::{Digest, Entry, Subject};

use crate::configuration;
use crate::count::entries;
use crate::exit::Exit;
use crate::files::create;
use crate::out::Out;
use crate::progress::Bar;
use crate::words::{ExportForm, LedgerExport};

const COLUMNS: &str = "entry,kind,scope,list,stated,recorded,expires,import,refers_to,\
                       refers_import,key,exact,person,hash,hashed";
const PLAIN_COLUMNS: &str = ",address,reason,evidence,erased";

/// An entry as it is written out.
#[derive(Debug, Serialize)]
struct Line {
    entry: u64,
    kind: String,
    scope: String,
    list: String,
    stated: Option<String>,
    recorded: String,
    expires: Option<String>,
    import: Option<String>,
    refers_to: Option<u64>,
    refers_import: Option<String>,
    key: String,
    exact: String,
    person: String,
    hash: String,
    /// How the digests of its list are made.
    hashed: Option<String>,
    #[serde(flatten)]
    plain: Option<Plain>,
}

/// What only an export with a purpose holds.
#[derive(Debug, Serialize)]
struct Plain {
    address: Option<String>,
    reason: Option<String>,
    evidence: std::collections::BTreeMap<String, String>,
    erased: bool,
}

pub(super) fn run(words: &LedgerExport, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let form = match words.format {
        Some(form) => form,
        None if out.is_json() => ExportForm::Json,
        None => ExportForm::Csv,
    };
    let file = words.path.as_deref().map(create).transpose()?;
    let asked = Custody::Export {
        by: app::asker::name(),
        plain: words.plain,
        purpose: words.purpose.clone(),
        format: match form {
            ExportForm::Csv => "csv".to_owned(),
            ExportForm::Json => "json".to_owned(),
        },
    };
    let permit = Reach::find(&settings, IfMissing::Refuse)
        .and_then(|mut reach| reach.ask(&Request::Ledger(asked), &mut |_| ()))
        .map_err(anyhow::Error::from)
        .and_then(|answer| Ok(serde_json::from_value::<ExportPermit>(answer)?));
    let permit = match (permit, &words.path) {
        (Err(error), Some(path)) => {
            // Made a moment ago, and empty.
            let _ = std::fs::remove_file(path);
            return Err(error);
        }
        (permit, _) => permit?,
    };
    let ledger = Ledger::open_read_only(&settings.ledger.path).map_err(app::AppError::from)?;
    let bar = Bar::new(out);
    let mut tell = |at| bar.show(Progress { done: at, total: permit.position, rows: at });
    let written = match &file {
        Some(file) => {
            let mut sink = BufWriter::new(file);
            write(&ledger, (form, words.plain), permit.position, &mut sink, &mut tell)
                .and_then(|count| file.sync_all().map(|()| count))
        }
        None => {
            let mut sink = BufWriter::new(std::io::stdout().lock());
            write(&ledger, (form, words.plain), permit.position, &mut sink, &mut tell)
        }
    };
    bar.clear();
    let count = match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Ok),
        written => written?,
    };
    out.note(&format!("{} exported (event {})", entries(count), permit.event));
    Ok(Exit::Ok)
}

fn write(
    ledger: &Ledger,
    (form, plain): (ExportForm, bool),
    last: u64,
    sink: &mut impl Write,
    tell: &mut dyn FnMut(u64),
) -> std::io::Result<u64> {
    if form == ExportForm::Csv {
        writeln!(sink, "{COLUMNS}{}\r", if plain { PLAIN_COLUMNS } else { "" })?;
    }
    let (mut count, mut failed) = (0, None);
    let read = ledger.for_each_entry_since(0, |entry| {
        if entry.position > last {
            return ControlFlow::Break(());
        }
        let line = line(entry, plain);
        let put = match form {
            ExportForm::Csv => csv(sink, &line),
            ExportForm::Json => serde_json::to_writer(&mut *sink, &line)
                .map_err(std::io::Error::from)
                .and_then(|()| sink.write_all(b"\n")),
        };
        if let Err(error) = put {
            failed = Some(error);
            return ControlFlow::Break(());
        }
        count += 1;
        if count % 10_000 == 0 {
            tell(count);
        }
        ControlFlow::Continue(())
    });
    if let Some(error) = failed {
        return Err(error);
    }
    read.map_err(|error| std::io::Error::other(app::AppError::from(error)))?;
    sink.flush()?;
    Ok(count)
}

fn line(entry: Entry, plain: bool) -> Line {
    Line {
        entry: entry.position,
        kind: entry.kind.to_string(),
        scope: entry.scope.to_string(),
        list: entry.source,
        stated: entry.stated.map(|at| at.to_string()),
        recorded: entry.recorded.to_string(),
        expires: entry.expires.map(|at| at.to_string()),
        import: entry.import,
        refers_to: entry.refers_to,
        refers_import: entry.refers_import,
        key: format!("{:08x}", entry.key_id.0),
        exact: hex(&entry.keys.exact),
        person: hex(&entry.keys.person),
        hash: hex(&Digest(entry.hash)),
        hashed: match &entry.subject {
            Subject::Hashed(form) => Some(form.in_words()),
            Subject::Address | Subject::Domain => None,
        },
        plain: plain.then_some(Plain {
            address: entry.plain,
            reason: entry.reason,
            evidence: entry.evidence,
            erased: entry.erased,
        }),
    }
}

fn hex(digest: &Digest) -> String {
    digest.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 4180 s2: CRLF at the end, quotes where they are needed.
fn csv(sink: &mut impl Write, line: &Line) -> std::io::Result<()> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let number = |value: Option<u64>| value.map_or_else(String::new, |n| n.to_string());
    let mut cells = vec![
        line.entry.to_string(),
        line.kind.clone(),
        line.scope.clone(),
        line.list.clone(),
        text(&line.stated),
        line.recorded.clone(),
        text(&line.expires),
        text(&line.import),
        number(line.refers_to),
        text(&line.refers_import),
        line.key.clone(),
        line.exact.clone(),
        line.person.clone(),
        line.hash.clone(),
        text(&line.hashed),
    ];
    if let Some(plain) = &line.plain {
        let evidence = match plain.evidence.is_empty() {
            true => String::new(),
            false => serde_json::to_string(&plain.evidence)?,
        };
        cells.extend([
            text(&plain.address),
            text(&plain.reason),
            evidence,
            plain.erased.to_string(),
        ]);
    }
    let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
    write!(sink, "{}\r\n", cells.join(","))
}

fn quoted(cell: &str) -> std::borrow::Cow<'_, str> {
    // What a spreadsheet would take for a formula comes as text.
    let cell = match cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => std::borrow::Cow::Owned(format!("'{cell}")),
        false => std::borrow::Cow::Borrowed(cell),
    };
    match cell.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")).into(),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(quoted("plain"), "plain");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("say \"no\"\r\n"), "\"say \"\"no\"\"\r\n\"");
        assert_eq!(quoted("=1+1"), "'=1+1");
        assert_eq!(quoted("@example.com"), "'@example.com");
    }
}
