//! `optout`: opt-outs, complaints, blocks and bounces, and taking them back.

use std::fmt::Write as _;

use app::clerk::{Addition, ImportedLine, Request, Withdrawn};
use app::control::Reach;
use ledger::IfMissing;
use suppression::Basis;

use super::import::{self, Meaning};
use super::intake::{self, usage};
use super::withdraw;
use crate::configuration;
use crate::exit::Exit;
use crate::out::Out;
use crate::table::columns;
use crate::words::{ConfigOnly, Optout, OptoutAdd, OptoutImport, OptoutVerb, Withdraw};

pub(crate) fn run(words: Optout, out: &Out) -> anyhow::Result<Exit> {
    match words.what {
        OptoutVerb::Add(add) => run_add(add, out),
        OptoutVerb::Import(import) => run_import(*import, out),
        OptoutVerb::Imports(words) => run_imports(&words, out),
        OptoutVerb::Withdraw(words) => run_withdraw(words, out),
    }
}

fn run_add(words: OptoutAdd, out: &Out) -> anyhow::Result<Exit> {
    let scope = words.class.unwrap_or(words.scope).parse().map_err(usage)?;
    let addition = Addition {
        kind: words.kind.parse().map_err(usage)?,
        scope,
        domains: words.domain,
        stated: intake::time(words.date.as_deref())?,
        expires: intake::time(words.expires.as_deref())?,
        basis: Basis::Express,
        addresses: words.addresses,
        source: words.source,
        reason: words.reason,
        evidence: intake::evidence(words.evidence)?,
    };
    intake::add(&words.file, addition, out)
}

fn run_import(words: OptoutImport, out: &Out) -> anyhow::Result<Exit> {
    if let Some(import) = words.list.undo {
        let reason = words.list.reason.unwrap_or_default();
        return withdraw::run(&words.file, Withdrawn::Import(import), None, reason, out);
    }
    let kind = words.kind.as_deref().map(str::parse).transpose().map_err(usage)?;
    let meaning = Meaning { kind, expire_after: words.expire_after, basis: Basis::Express };
    import::import(&words.file, words.list, meaning, out)
}

fn run_withdraw(words: Withdraw, out: &Out) -> anyhow::Result<Exit> {
    let what = match (words.entry, words.address.unwrap_or_default()) {
        (Some(entry), _) => Withdrawn::Entry(entry),
        (None, domain) if words.domain => Withdrawn::Domain(domain),
        (None, address) => Withdrawn::Objections(address),
    };
    let class = words.class.as_deref().map(str::parse).transpose().map_err(usage)?;
    withdraw::run(&words.file, what, class, words.reason, out)
}

fn run_imports(words: &ConfigOnly, out: &Out) -> anyhow::Result<Exit> {
    let settings = configuration::settings(&words.file, out)?;
    let answer = Reach::find(&settings, IfMissing::Refuse)?.ask(&Request::Imports, &mut |_| ())?;
    let lines: Vec<ImportedLine> = serde_json::from_value(answer)?;
    out.answer(&lines, |lines| imports(lines))?;
    Ok(Exit::Ok)
}

fn imports(lines: &[ImportedLine]) -> String {
    if lines.is_empty() {
        return "no import has brought anything\n".to_owned();
    }
    let head = ["import", "list", "rows", "began", "state"].map(str::to_owned).to_vec();
    let rows: Vec<_> = std::iter::once(head)
        .chain(lines.iter().map(|line| {
            let mut state = String::new();
            let _ = match line.undone {
                Some(row) => write!(state, "undone by entry {row}"),
                None => write!(state, "stands"),
            };
            vec![
                line.import.clone(),
                line.list.clone(),
                line.rows.to_string(),
                line.started.to_string(),
                state,
            ]
        }))
        .collect();
    columns(&rows)
}
