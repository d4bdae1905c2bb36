//! `cargo xtask layers`: the crate table of ARCHITECTURE.md, held against cargo.
//!
//! The table says for each crate its floor, the members it may use, and whether
//! an async runtime may be in its graph. The checks:
//!
//! - every member of the workspace has a row, and every row a member;
//! - a crate's members are within its row, and all of them on lower floors, so
//!   that there can be no circle;
//! - `testkit` is used by tests only, and tests too use only lower floors;
//! - where the table says no, tokio is absent from everything the crate is
//!   built from, also three dependencies down.

mod table;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::workspace::{Package, Workspace, cargo};
use table::{Row, Tokio, Uses};

/// The one crate that only tests may use.
const FOR_TESTS: &str = "testkit";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let file = workspace.root.join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&file)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let rows = table::parse(&text)?;
    let mut faults = check(&rows, &workspace.packages);
    for row in rows.iter().filter(|row| row.tokio == Tokio::No) {
        if let Some(fault) = check_tokio(&row.name, &normal_graph(&row.name, &workspace)?) {
            faults.push(fault);
        }
    }
    for fault in &faults {
        eprintln!("error: {fault}");
    }
    if faults.is_empty() {
        println!("layers: {} crates as ARCHITECTURE.md says", rows.len());
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// Everything but tokio: rows against packages.
fn check(rows: &[Row], packages: &[Package]) -> Vec<String> {
    let mut faults = Vec::new();
    for package in packages {
        let name = &package.name;
        let Some(row) = table::find(rows, name) else {
            faults.push(format!("{name} has no row in the crate table"));
            continue;
        };
        for used in package.uses() {
            if used == FOR_TESTS && !row.only_for_tests() {
                faults.push(format!("{name} uses {used} outside its tests"));
            } else if !row.allows(used) {
                faults.push(format!("{name} uses {used}, which its row does not list"));
            }
            faults.extend(not_below(rows, row, used));
        }
        for used in package.uses_in_tests().filter(|used| *used != FOR_TESTS) {
            faults.extend(not_below(rows, row, used));
        }
    }
    for row in rows {
        if !packages.iter().any(|package| package.name == row.name) {
            faults.push(format!("the crate table lists {}, which is no crate", row.name));
        }
        if let Uses::Listed(listed) = &row.uses {
            let unknown = listed.iter().filter(|name| table::find(rows, name).is_none());
            faults.extend(
                unknown
                    .map(|name| format!("the row of {} lists {name}, which has no row", row.name)),
            );
        }
    }
    faults
}

/// An arrow that does not point down. A row without a floor stands beside the
/// house: it may look at every floor, and nothing but tests looks at it.
fn not_below(rows: &[Row], user: &Row, used: &str) -> Option<String> {
    let floor = user.floor?;
    match table::find(rows, used)?.floor {
        Some(below) if below < floor => None,
        Some(level) => Some(format!(
            "{} (floor {floor}) uses {used} (floor {level}): arrows run downward only",
            user.name
        )),
        None => Some(format!("{} (floor {floor}) uses {used}, which has no floor", user.name)),
    }
}

/// `graph` is what `cargo tree` prints: one package a line, name first.
fn check_tokio(name: &str, graph: &str) -> Option<String> {
    let tokio =
        graph.lines().filter_map(|line| line.split_whitespace().next()).any(|p| p == "tokio");
    tokio.then(|| {
        format!(
            "{name} must not have tokio in its graph; see `cargo tree -p {name} -e normal -i tokio`"
        )
    })
}

/// All packages that a crate is built from, with the features that it asks for.
fn normal_graph(name: &str, workspace: &Workspace) -> Result<String> {
    let output = Command::new(cargo())
        .args(["tree", "--offline", "--package", name, "--edges", "normal", "--prefix", "none"])
        .current_dir(&workspace.root)
        .output()
        .context("cannot run cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests;
