//! The two proxies that the benchmark compares with, found and installed in the same
//! ways and with the same promises as the programs of the tests.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::found::{Found, on_path};
use super::places::Places;
use super::{apt, mta};
use crate::workspace::Workspace;

/// The folders of Postfix, wherever it was found.
#[derive(Clone, Debug)]
pub(crate) struct Postfix {
    pub(crate) version: String,
    pub(crate) daemons: PathBuf,
    pub(crate) commands: PathBuf,
    /// `shlib_directory` and, of a Postfix that was only unpacked, the library path.
    pub(crate) shared: PathBuf,
    pub(crate) libraries: Option<PathBuf>,
}

/// The HAProxy of this machine; root installs it when it is missing.
pub(crate) fn haproxy() -> Result<PathBuf> {
    if on_path("haproxy").is_none() {
        need_root("haproxy", "apt-get install haproxy")?;
        apt::update()?;
        apt::install(&["haproxy".to_owned()])?;
    }
    on_path("haproxy").map(PathBuf::from).context("haproxy is not on the path")
}

/// The Postfix of this machine or of `target/peers`; root gets it when it is missing.
/// Starting it takes root in any case.
pub(crate) fn postfix(workspace: &Workspace) -> Result<Postfix> {
    let places = Places::new(workspace)?;
    need_root("postfix", "root, who alone can start it")?;
    if mta::find_postfix(&places).is_none() {
        apt::update()?;
        mta::install_postfix(&places)?;
    }
    let found = mta::find_postfix(&places).context("postfix was installed but does not run")?;
    let folder = |name: &str| optional(&found, name).with_context(|| format!("postfix: no {name}"));
    Ok(Postfix {
        version: found.version.clone(),
        daemons: folder("daemons")?,
        commands: folder("commands")?,
        shared: folder("shared")?,
        libraries: optional(&found, "libraries"),
    })
}

fn optional(found: &Found, name: &str) -> Option<PathBuf> {
    found.fields.get(name)?.as_str().map(PathBuf::from)
}

fn need_root(name: &str, takes: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("{name} takes {takes}; or leave it out with --only");
    }
    Ok(())
}
