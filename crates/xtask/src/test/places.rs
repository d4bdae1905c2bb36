//! Where the programs of the end-to-end tests live: `target/peers`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::workspace::Workspace;

/// The folders of the programs that are not the system's own.
pub(crate) struct Places {
    /// `target/peers`, one folder in it for each program.
    pub(crate) peers: PathBuf,
}

impl Places {
    pub(super) fn new(workspace: &Workspace) -> Result<Self> {
        let peers = workspace.target.join("peers");
        fs::create_dir_all(&peers).with_context(|| format!("cannot make {}", peers.display()))?;
        Ok(Self { peers })
    }

    /// Where the end-to-end tests note the servers they have started.
    pub(super) fn running(&self) -> PathBuf {
        self.peers.join("running")
    }
}
