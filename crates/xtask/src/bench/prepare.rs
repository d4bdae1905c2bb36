//! What must be there before anything is measured: optimised programs, the peers,
//! and enough file descriptors.
//!
//! `cargo xtask` runs a program built for quick building. A load generator of that
//! kind would be the bottleneck, so the verb builds itself again with optimisation
//! and hands over.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::subject::Subject;
use crate::test::{self, Postfix};
use crate::workspace::{Workspace, cargo};

/// Where to measure.
pub(super) struct Place {
    /// The folder for configurations, lists and logs.
    pub(super) folder: PathBuf,
    /// The optgate binary.
    pub(super) gate: PathBuf,
    pub(super) haproxy: Option<PathBuf>,
    pub(super) postfix: Option<Postfix>,
}

/// Whether this process measures.
pub(super) enum Prepared {
    Here(Place),
    /// The optimised program did it, and ended like this.
    RanElsewhere(ExitCode),
}

/// Builds what must be built and looks for the peers.
pub(super) fn place(gate: Option<&Path>, profile: &str, subjects: &[Subject]) -> Result<Prepared> {
    if let Some(code) = hand_over()? {
        return Ok(Prepared::RanElsewhere(code));
    }
    let workspace = Workspace::load()?;
    let wants = |subject| subjects.contains(&subject);
    let haproxy = wants(Subject::Haproxy).then(test::haproxy).transpose()?;
    let postfix = wants(Subject::Postfix).then(|| test::postfix(&workspace)).transpose()?;
    let gate = match gate {
        Some(gate) => std::path::absolute(gate)?,
        None if wants(Subject::Optgate) => {
            build(&["--profile", profile, "--package", "cli"])?;
            workspace.target.join(profile).join("optgate")
        }
        None => PathBuf::new(),
    };
    let folder = workspace.target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(Prepared::Here(Place { folder, gate, haproxy, postfix }))
}

/// Lets the optimised program do the work, unless this is it. Returns how it ended.
pub(super) fn hand_over() -> Result<Option<ExitCode>> {
    if !cfg!(debug_assertions) {
        return Ok(None);
    }
    build(&["--release", "--package", "xtask"])?;
    let status = Command::new(Workspace::load()?.target.join("release/xtask"))
        .args(std::env::args_os().skip(1))
        .status()
        .context("cannot start the optimised program")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Ok(Some(code.into()))
}

/// Where to measure a large list.
pub(super) struct ScalePlace {
    pub(super) folder: PathBuf,
    pub(super) gate: PathBuf,
    /// Where cargo puts what it builds.
    pub(super) target: PathBuf,
}

/// Builds the gate, and the examples of index and ledger.
pub(super) fn scale(gate: Option<&Path>, examples: bool) -> Result<ScalePlace> {
    let target = Workspace::load()?.target;
    let gate = if let Some(gate) = gate {
        std::path::absolute(gate)?
    } else {
        build(&["--release", "--package", "cli"])?;
        target.join("release/optgate")
    };
    if examples {
        build(&["--release", "--package", "suppression", "--example", "probe"])?;
        build(&["--release", "--package", "ledger", "--example", "measure"])?;
    }
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(ScalePlace { folder, gate, target })
}

/// Where to measure the memory of sessions.
pub(super) struct MemoryPlace {
    pub(super) folder: PathBuf,
    pub(super) gate: PathBuf,
}

/// Finds or builds the gate.
pub(super) fn memory(gate: Option<&Path>) -> Result<MemoryPlace> {
    let target = Workspace::load()?.target;
    let gate = if let Some(gate) = gate {
        std::path::absolute(gate)?
    } else {
        build(&["--release", "--package", "cli"])?;
        target.join("release/optgate")
    };
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(MemoryPlace { folder, gate })
}

/// What measures the readers.
pub(super) struct SourcesPlace {
    pub(super) folder: PathBuf,
    /// The program that reads, as the product does.
    pub(super) measure: PathBuf,
    /// The program that puts a list on a server.
    pub(super) list_server: PathBuf,
}

/// Builds what measures the readers. Only what is measured is optimised.
pub(super) fn sources() -> Result<SourcesPlace> {
    build(&["--release", "--package", "sources", "--example", "measure"])?;
    build(&["--package", "e2e", "--example", "list_server"])?;
    let target = Workspace::load()?.target;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(SourcesPlace {
        folder,
        measure: target.join("release/examples/measure"),
        list_server: target.join("debug/examples/list_server"),
    })
}

fn build(words: &[&str]) -> Result<()> {
    let status = Command::new(cargo())
        .arg("build")
        .args(words)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo build {} failed", words.join(" "));
    Ok(())
}

/// Thousands of idle sessions need descriptors, here and in every process started from here.
pub(super) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    // Without it the measurement of idle sessions fails with a clear error.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}
