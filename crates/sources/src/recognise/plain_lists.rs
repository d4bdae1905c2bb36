//! Lists without a header that hold more than addresses: whole domains, patterns.

use super::provider::{ANY, Clues, Provider, Said};
use crate::cell::{Domains, is_domain, looks_like_address};

pub(super) const ALL: [Provider; 2] = [
    Provider {
        name: "a list of domains",
        fits: |look| {
            let rows = &look.sample.rows;
            let cells = || rows.iter().flatten().filter(|cell| !is_comment(cell));
            let domains = cells().filter(|cell| is_domain(cell)).count();
            let named = look.is(&["domain"]) || look.is(&["domains"]);
            (named || look.unnamed().is_some())
                && rows.iter().all(|row| row.len() <= 1)
                && domains > 0
                && domains * 10 >= cells().count() * 9
        },
        email: &["domain", "domains", "#1"],
        asks: &["#1"],
        says,
        domains: Domains::Bare,
        warning: Some("every row is a whole domain: nobody there is mailed any more"),
        ..ANY
    },
    Provider {
        name: "a list of addresses and domains",
        fits: |look| {
            let Some(rows) = look.unnamed() else { return false };
            rows.iter().all(|row| row.len() <= 1)
                && rows.iter().flatten().any(|cell| cell.trim().starts_with('@'))
                && rows.iter().flatten().any(|cell| is_pattern(cell) || looks_like_address(cell))
        },
        email: &["#1"],
        asks: &["#1"],
        says,
        domains: Domains::WithAt,
        warning: Some(
            "rows such as @example.com are whole domains: nobody there is mailed any more",
        ),
        ..ANY
    },
];

/// What Halon's plug-in file has besides: comments, `local@`, `/expression/`, `@domain`.
fn is_pattern(cell: &str) -> bool {
    let cell = cell.trim();
    cell.starts_with(['#', '/', '@']) || cell.ends_with('@')
}

fn is_comment(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || cell.starts_with("# ") || (cell.starts_with('#') && !cell.contains('@'))
}

fn says(clues: &Clues<'_>, said: &mut Vec<Said>) -> Result<(), &'static str> {
    if clues.at(0).starts_with('#') && is_comment(clues.at(0)) {
        return Err("is a comment");
    }
    said.push(Said::nothing());
    Ok(())
}
