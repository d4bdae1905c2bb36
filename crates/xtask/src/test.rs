//! `cargo xtask test`: everything the tests need, then all tests.
//!
//! One command from a bare Debian with Rust to a line `N passed, N failed`. It
//! says what the end-to-end tests need, installs what is missing, builds, runs
//! the tests of every crate, and then the real mail servers and clients of
//! `tests/e2e` against the built gate.
//!
//! Three promises. No mail server is ever installed over one that is there (see
//! [`mta`]). No other server is installed at all, so that none listens on this
//! machine because of a test (see [`unpacked`]). And nothing is skipped in silence: a program that cannot be had
//! fails the run, unless `--without NAME` names it, which the last line repeats.

mod apt;
mod found;
mod install;
mod list_servers;
mod manifest;
mod mta;
mod needs;
mod places;
mod proxies;
mod tally;
mod unpacked;

use std::fs;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::processes;
use crate::workspace::{Workspace, cargo};
pub(crate) use list_servers::list_servers;
use needs::Need;
use places::Places;
pub(crate) use proxies::{Postfix, haproxy, postfix};
use tally::Tally;

/// From nothing, on two cores. The rest of `.ci/run` has to fit beside it.
const BUILD_LIMIT: Duration = Duration::from_secs(30 * 60);
/// The tests of all crates, the simulation among them.
const CRATES_LIMIT: Duration = Duration::from_secs(20 * 60);
/// The tests against real programs.
const PEERS_LIMIT: Duration = Duration::from_secs(20 * 60);
/// `EX_UNAVAILABLE`: something the tests need is not here.
const UNAVAILABLE: u8 = 69;

/// What was typed behind `test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out the tests that need this program; may be given several times
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let places = Places::new(&workspace)?;
    let wanted = wanted(&options.without)?;

    print_needs(&wanted, &places, &options.without);
    let missing: Vec<&Need> = wanted.iter().filter(|n| n.find(&places).is_none()).collect();
    if !missing.is_empty() {
        if !rustix::process::geteuid().is_root() {
            name_missing(&missing);
            return Ok(ExitCode::from(UNAVAILABLE));
        }
        install::install(&missing, &places)?;
        let missing: Vec<&Need> = wanted.iter().filter(|n| n.find(&places).is_none()).collect();
        if !missing.is_empty() {
            name_missing(&missing);
            return Ok(ExitCode::from(UNAVAILABLE));
        }
    }
    if let Some(name) = needs_root(&wanted) {
        eprintln!(
            "error: {name} can only be started by root; run this as root, or leave the mail \
             servers out with --without postfix --without exim"
        );
        return Ok(ExitCode::from(UNAVAILABLE));
    }

    let mut tally = Tally::default();
    build(&workspace)?;
    test_crates(&workspace, &mut tally)?;
    test_peers(&workspace, &places, &wanted, &options.without, &mut tally)?;

    println!();
    println!("versions: {}", versions(&wanted, &places));
    println!("{}", tally.summary(&options.without));
    Ok(if tally.good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The needs that were not left out. A name nobody knows is a mistake, not a wish.
fn wanted(without: &[String]) -> Result<Vec<Need>> {
    let all = needs::all();
    if let Some(unknown) = without.iter().find(|name| all.iter().all(|n| n.name != **name)) {
        let names: Vec<&str> = all.iter().map(|n| n.name).collect();
        bail!("--without {unknown}: no such program; there are {}", names.join(", "));
    }
    Ok(all.into_iter().filter(|n| without.iter().all(|name| n.name != name)).collect())
}

fn print_needs(wanted: &[Need], places: &Places, without: &[String]) {
    println!("The end-to-end tests need:");
    for need in wanted {
        let state = match need.find(places) {
            Some(found) => found.version,
            None => format!("missing; comes {}", need.origin()),
        };
        println!("  {:<11} {:<42} {state}", need.name, need.purpose);
    }
    for name in without {
        println!("  {name:<11} left out (--without {name})");
    }
    println!();
}

fn name_missing(missing: &[&Need]) {
    eprintln!("error: the tests cannot run, because these programs are missing:");
    for need in missing {
        eprintln!("  {:<11} {} (comes {})", need.name, need.purpose, need.origin());
    }
    eprintln!(
        "help: run `cargo xtask test` as root, which installs them; or leave one out with \
         --without NAME"
    );
}

/// A mail server among the needs that a normal user cannot start.
fn needs_root(wanted: &[Need]) -> Option<&'static str> {
    if rustix::process::geteuid().is_root() {
        return None;
    }
    wanted.iter().find(|n| n.is_mta()).map(|n| n.name)
}

/// Builds everything once, so that the tests after it only run.
fn build(workspace: &Workspace) -> Result<()> {
    let started = Instant::now();
    println!("Building the workspace and its tests ...");
    let mut command = Command::new(cargo());
    command.args(["build", "--workspace", "--bins", "--tests"]).current_dir(&workspace.root);
    if !processes::run(&mut command, BUILD_LIMIT)?.success() {
        bail!("the build failed");
    }
    println!("Built in {} s.\n", started.elapsed().as_secs());
    Ok(())
}

/// The tests of all crates: beside the code, transcripts, simulation, corpora.
fn test_crates(workspace: &Workspace, tally: &mut Tally) -> Result<()> {
    let mut command = Command::new(cargo());
    command
        .args(["test", "--workspace", "--exclude", "e2e", "--no-fail-fast"])
        .current_dir(&workspace.root);
    tally.stage("crates", &mut command, CRATES_LIMIT)
}

/// Real mail servers and clients around the built gate.
fn test_peers(
    workspace: &Workspace,
    places: &Places,
    wanted: &[Need],
    without: &[String],
    tally: &mut Tally,
) -> Result<()> {
    let running = places.running();
    processes::sweep(&running);
    fs::create_dir_all(&running)?;
    let manifest = places.peers.join("peers.json");
    manifest::write(&manifest, &workspace.target, places, wanted)?;
    let mut command = Command::new(cargo());
    command
        .args(["test", "--package", "e2e", "--no-fail-fast", "--"])
        .current_dir(&workspace.root)
        .env("OPTGATE_E2E_PEERS", &manifest);
    // A test carries the names of the programs it needs, so that leaving a
    // program out leaves out its tests. One that is wrongly named fails.
    for name in without {
        command.args(["--skip", &name.replace('-', "_")]);
    }
    let outcome = tally.stage("end to end", &mut command, PEERS_LIMIT);
    let left = processes::sweep(&running);
    if left > 0 {
        eprintln!("error: the end-to-end tests left {left} servers running; they were ended");
        tally.note_failure();
    }
    outcome
}

fn versions(wanted: &[Need], places: &Places) -> String {
    let each = wanted.iter().filter_map(|need| {
        let found = need.find(places)?;
        Some(format!("{} {}", need.name, found.version))
    });
    each.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaving_out_an_unknown_program_is_an_error_that_names_the_known_ones() {
        let Err(error) = wanted(&["sendmail".to_owned()]) else { panic!("accepted") };
        assert!(error.to_string().contains("postfix, exim"), "{error}");
    }

    #[test]
    fn what_is_left_out_is_not_wanted() {
        let all = wanted(&[]).unwrap();
        let fewer = wanted(&["exim".to_owned()]).unwrap();
        assert_eq!(all.len(), fewer.len() + 1);
        assert!(fewer.iter().all(|need| need.name != "exim"));
    }
}
