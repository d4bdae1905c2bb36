//! The servers that a list can be on, for the benchmark of the readers: found as for the
//! tests, and never installed by it.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;

use super::manifest;
use super::needs::{self, Need};
use super::places::Places;
use crate::workspace::Workspace;

/// Those that are here.
pub(crate) struct ListServers {
    /// For the stage of the end-to-end tests.
    pub(crate) manifest: PathBuf,
    /// The version of each, by the name of its need.
    pub(crate) versions: BTreeMap<&'static str, String>,
}

/// Looks for them.
///
/// # Errors
/// When the manifest cannot be written.
pub(crate) fn list_servers() -> Result<ListServers> {
    let workspace = Workspace::load()?;
    let places = Places::new(&workspace)?;
    fs::create_dir_all(places.running())?;
    let is_one = |need: &Need| need.purpose.starts_with("list ") || need.name == "sqlite3";
    let wanted: Vec<Need> = needs::all().into_iter().filter(is_one).collect();
    let found = wanted.iter().filter_map(|need| Some((need.name, need.find(&places)?.version)));
    let versions = found.collect();
    // Beside the tests' own, which may be at work.
    let manifest = places.peers.join("list-servers.json");
    manifest::write(&manifest, &workspace.target, &places, &wanted)?;
    Ok(ListServers { manifest, versions })
}
