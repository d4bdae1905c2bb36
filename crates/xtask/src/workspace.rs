//! What cargo knows of this workspace: packages, their dependencies on each
//! other, and where the build goes. Read from `cargo metadata`, so that a check
//! sees what a build would use and not what a manifest seems to say.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

/// The workspace as `cargo metadata --no-deps` describes it.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    /// Where builds go; honours `CARGO_TARGET_DIR`.
    #[serde(rename = "target_directory")]
    pub(crate) target: PathBuf,
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// Absent for a normal dependency, else `dev` or `build`.
    kind: Option<String>,
    /// Present for a dependency on a folder, which here is always a member.
    path: Option<PathBuf>,
    #[serde(default)]
    optional: bool,
}

impl Workspace {
    /// Asks cargo about the workspace that this program was built in.
    pub(crate) fn load() -> Result<Self> {
        let output = Command::new(cargo())
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .context("cannot run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        Self::parse(&output.stdout)
    }

    /// Reads the JSON text of `cargo metadata`.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        serde_json::from_slice(json).context("cargo metadata printed something unexpected")
    }
}

impl Package {
    /// The folder that holds the package.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }

    /// The members this package depends on in a normal build.
    pub(crate) fn uses(&self) -> impl Iterator<Item = &str> {
        self.members(|kind| kind.is_none())
    }

    /// The members this package's tests depend on besides.
    pub(crate) fn uses_in_tests(&self) -> impl Iterator<Item = &str> {
        self.members(|kind| kind == Some("dev"))
    }

    /// Everything it depends on, for whatever purpose, that is not optional.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter(|d| !d.optional).map(|d| d.name.as_str())
    }

    fn members(&self, wanted: fn(Option<&str>) -> bool) -> impl Iterator<Item = &str> {
        self.dependencies
            .iter()
            .filter(move |d| d.path.is_some() && wanted(d.kind.as_deref()))
            .map(|d| d.name.as_str())
    }
}

/// The cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
