//! Files that are named on the command line.

use std::fs::OpenOptions;
use std::path::Path;

use crate::exit::{Ended, Exit};

/// The text of a file.
pub(crate) fn read_text(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Data,
        };
        Ended::error(exit, format!("{}: {error}", path.display()))
    })
}

/// A file that was not there before.
pub(crate) fn create(path: &Path) -> anyhow::Result<std::fs::File> {
    OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| {
        let exit = match error.kind() {
            std::io::ErrorKind::PermissionDenied => Exit::Permission,
            _ => Exit::Data,
        };
        Ended::error(exit, format!("{}: {error}; nothing was written", path.display()))
    })
}
