//! Finding and reading the configuration for a verb.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use app::config::{Loaded, Settings, Surroundings, load};

use crate::exit::{Ended, Exit};
use crate::out::Out;
use crate::words::ConfigFile;

const HERE: &str = "optgate.toml";
const SYSTEM: &str = "/etc/optgate/optgate.toml";

/// The file that is meant.
pub(crate) fn path(file: &ConfigFile) -> anyhow::Result<PathBuf> {
    if let Some(path) = &file.config {
        return Ok(path.clone());
    }
    for place in [HERE, SYSTEM] {
        if Path::new(place).exists() {
            return Ok(PathBuf::from(place));
        }
    }
    Err(Ended::error(
        Exit::Configuration,
        format!(
            "no configuration: neither {HERE} nor {SYSTEM} is there; write one with `optgate init`, or name it with --config FILE"
        ),
    ))
}

/// Reads the file, whatever is wrong with what it says.
pub(crate) fn read(file: &ConfigFile) -> anyhow::Result<Loaded> {
    let path = path(file)?;
    load(&path, &Surroundings::of_this_process()).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Configuration,
        };
        Ended::error(exit, format!("{}: {error}", path.display()))
    })
}

/// The settings; every fault of the file is told when there are none.
pub(crate) fn settings(file: &ConfigFile, out: &Out) -> anyhow::Result<Arc<Settings>> {
    let loaded = read(file)?;
    match loaded.settings {
        Some(settings) => Ok(Arc::new(settings)),
        None => {
            out.tell(&loaded.report.render(app::logs::colour()));
            Err(Ended::error(Exit::Configuration, "the configuration has errors; nothing was done"))
        }
    }
}
