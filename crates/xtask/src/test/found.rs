//! Finding a program and asking for its version.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

/// A program that is here.
pub(crate) struct Found {
    /// What it says of its version.
    pub(crate) version: String,
    /// What the end-to-end tests must know to start it.
    pub(crate) fields: Map<String, Value>,
}

/// String fields of the manifest.
pub(super) fn fields<const N: usize>(pairs: [(&str, &String); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), Value::from(value.as_str()))).collect()
}

/// The full path of a command, by the search path and the folders of root's.
pub(super) fn on_path(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders
        .map(|folder| folder.join(program))
        .find(|file| is_executable(file))
        .and_then(|file| file.to_str().map(str::to_owned))
}

pub(super) fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Writes a program, and the folders above it. The shell writes it: while a child of another
/// test has open what this program wrote, nobody can run it.
#[cfg(test)]
pub(super) fn write_program(file: &Path, text: &str) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    let mut write = Command::new("sh");
    write.args(["-c", "printf %s \"$1\" > \"$0\" && chmod 755 \"$0\""]).arg(file).arg(text);
    assert!(write.status().unwrap().success(), "{} cannot be written", file.display());
}

/// The first line a command prints, when it succeeds and prints one.
pub(super) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(std::process::Stdio::null()).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_cannot_tell_its_version_counts_as_missing() {
        assert_eq!(first_line(Command::new("sh").args(["-c", "echo broken; exit 1"])), None);
    }
}
