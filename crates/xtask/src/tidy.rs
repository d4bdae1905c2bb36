//! `cargo xtask tidy`: what STYLE forbids and no compiler sees.
//!
//! Every rule is a function from source files to faults, so that each has a test
//! on a made-up tree in which it must fail. The rules read Rust text with
//! comments and literals blanked (see [`source`]), so that a word in a sentence
//! is not taken for code.

mod circles;
mod clauses;
mod rules;
mod source;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::workspace::Workspace;
use source::Source;

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut all = Vec::new();
    let mut faults = Vec::new();
    for package in &workspace.packages {
        let sources = read(package.folder(), &workspace.root)?;
        faults.extend(check(&sources));
        faults.extend(rules::unused(&package.name, package.dependencies(), &sources));
        all.extend(sources);
    }
    faults.extend(clauses::check_folder(&workspace.root, &all)?);
    let relay = read(&workspace.root.join("crates/relay"), &workspace.root)?;
    let session = read(&workspace.root.join("crates/smtp-session"), &workspace.root)?;
    match session.iter().find(|source| source.name.ends_with("/src/lib.rs")) {
        Some(door) => faults.extend(rules::only_upstream_names(&relay, door)),
        None => faults.push("smtp-session has no src/lib.rs".to_owned()),
    }
    for fault in &faults {
        eprintln!("error: {fault}");
    }
    if faults.is_empty() {
        println!("tidy: {} files", all.len());
        return Ok(ExitCode::SUCCESS);
    }
    Ok(ExitCode::FAILURE)
}

/// All rules that hold for the files of any crate.
fn check(sources: &[Source]) -> Vec<String> {
    let mut faults: Vec<String> = sources.iter().flat_map(rules::check).collect();
    faults.extend(circles::check(sources));
    faults
}

/// The Rust files of one package, named as seen from the root of the workspace.
fn read(folder: &Path, root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder)
            .with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                // A build inside a package's folder is not its source.
                if path.file_name().is_none_or(|name| name != "target") {
                    folders.push(path);
                }
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
                sources.push(Source::new(name, text));
            }
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(sources)
}

#[cfg(test)]
mod tests;
