//! Whether files are there that the configuration names. What is not there may come back, so
//! none of it stops a start.

use std::ops::Range;
use std::path::Path;

use crate::config::fault::{Fault, Severity};

/// Characters of a pattern (glob(7)).
const PATTERN: [char; 3] = ['*', '?', '['];

/// A file.
pub(crate) fn of_file(path: &Path, span: Option<Range<usize>>, faults: &mut Vec<Fault>) {
    let message = match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => format!("{} is a folder, not a file", path.display()),
        Ok(_) => match std::fs::File::open(path) {
            Ok(_) => return,
            Err(error) => format!("{} cannot be read: {error}", path.display()),
        },
        Err(error) => absent(path, &error),
    };
    faults.push(Fault::maybe_at(span, message).severity(Severity::Missing));
}

/// A file, a folder, or what fits a pattern.
pub(crate) fn of_list(path: &Path, span: Option<Range<usize>>, faults: &mut Vec<Fault>) {
    if path.is_dir() {
        if let Err(error) = std::fs::read_dir(path) {
            let message = format!("{} cannot be read: {error}", path.display());
            faults.push(Fault::maybe_at(span, message).severity(Severity::Missing));
        }
        return;
    }
    if path.exists() || !is_pattern(path) {
        return of_file(path, span, faults);
    }
    // The folder above the first star; what fits may come later.
    let folder = path.ancestors().find(|above| !is_pattern(above)).unwrap_or(Path::new(""));
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    if let Err(error) = std::fs::read_dir(folder) {
        let message = absent(folder, &error);
        faults.push(Fault::maybe_at(span, message).severity(Severity::Missing));
    }
}

fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(PATTERN)
}

fn absent(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => format!("{} is not there", path.display()),
        _ => format!("{}: {error}", path.display()),
    }
}
