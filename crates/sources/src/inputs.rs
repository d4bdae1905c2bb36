//! All that one list is made of: a file, all files of a folder or of a pattern, or rows.
//!
//! The files of a folder are one list: examined, judged and read together, in the order of their
//! names. What is hidden or is being written (`*.tmp`, `*.part`, `~` at the end) is left out, and
//! told. To look whether anything has changed costs no more than to list the folder.

use std::collections::hash_map::DefaultHasher;
use std::fs::Metadata;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::SourceError;
use crate::input::{Input, io_error};
use crate::spool::Spool;

/// Most files of one list: more are a mail store, not a list.
const FILES_MAX: usize = 10_000;

/// What one list is read from.
#[derive(Debug)]
pub struct Inputs {
    parts: Vec<Input>,
    left_out: Vec<String>,
    /// The folder or pattern, where it is not one file.
    place: Option<PathBuf>,
}

/// What shows that a list's files are others than before. To be compared as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputsStamp {
    /// When the newest of them was written; none without a file.
    pub written: Option<SystemTime>,
    /// When the oldest of them was written; none without a file.
    pub oldest: Option<SystemTime>,
    /// Bytes of all of them.
    pub length: u64,
    /// How many there are.
    pub files: usize,
    /// Over names, lengths, times and numbers of the files.
    mixed: u64,
}

impl Inputs {
    /// One thing: a file, bytes, or rows.
    #[must_use]
    pub fn one(input: Input) -> Self {
        Self { parts: vec![input], left_out: Vec::new(), place: None }
    }

    /// The rows of a database; `name` is for messages.
    #[must_use]
    pub fn spool(name: &str, rows: Spool) -> Self {
        Self::one(Input::rows(name, rows))
    }

    /// A file; all files of a folder; or all files that fit a pattern with `*`, `?`, `[…]` or
    /// `**` in it. A name that exists is never taken for a pattern. No file at all is a list
    /// without rows, about which the guards decide.
    ///
    /// # Errors
    /// What the operating system says, with the name it says it of.
    pub fn at(place: &Path) -> Result<Self, SourceError> {
        match Place::of(place)? {
            Place::File => Ok(Self::one(Input::file(place)?)),
            Place::Several { files, left_out } => Ok(Self {
                parts: files.into_iter().map(|(path, meta)| Input::found(path, &meta)).collect(),
                left_out,
                place: Some(place.to_owned()),
            }),
        }
    }

    /// Looks at the same files as [`Inputs::at`] without opening one.
    ///
    /// # Errors
    /// As for [`Inputs::at`].
    pub fn stamp(place: &Path) -> Result<InputsStamp, SourceError> {
        use std::os::unix::fs::MetadataExt;
        let files = match Place::of(place)? {
            Place::File => {
                let meta = std::fs::metadata(place).map_err(|error| io_error(place, error))?;
                vec![(place.to_owned(), meta)]
            }
            Place::Several { files, .. } => files,
        };
        let mut mixed = DefaultHasher::new();
        for (path, meta) in &files {
            (path, meta.len(), meta.modified().ok(), meta.ino()).hash(&mut mixed);
        }
        let times = || files.iter().filter_map(|(_, meta)| meta.modified().ok());
        Ok(InputsStamp {
            written: times().max(),
            oldest: times().min(),
            length: files.iter().map(|(_, meta)| meta.len()).sum(),
            files: files.len(),
            mixed: mixed.finish(),
        })
    }

    /// The folder whose changes are to be watched for a place: of a file the one it is in, of a
    /// pattern the innermost one that has no `*` in its name; and, of a folder, itself.
    #[must_use]
    pub fn folder(place: &Path) -> &Path {
        if place.is_dir() {
            return place;
        }
        let mut folder = place.parent().unwrap_or(place);
        while is_pattern(folder) && !folder.exists() {
            let Some(parent) = folder.parent() else { break };
            folder = parent;
        }
        if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
    }

    /// The names of its files, in the order they are read in.
    pub fn names(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(Input::name)
    }

    /// Names in the folder that were left out, each with the reason.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Bytes of all of it.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.parts.iter().map(Input::length).sum()
    }

    /// The parts, the names left out, and the folder or pattern if it is one.
    pub(crate) fn into_parts(self) -> (Vec<Input>, Vec<String>, Option<PathBuf>) {
        (self.parts, self.left_out, self.place)
    }
}

impl From<Input> for Inputs {
    fn from(input: Input) -> Self {
        Self::one(input)
    }
}

/// What is at a place.
enum Place {
    File,
    Several { files: Vec<(PathBuf, Metadata)>, left_out: Vec<String> },
}

impl Place {
    fn of(place: &Path) -> Result<Self, SourceError> {
        match std::fs::metadata(place) {
            Ok(meta) if meta.is_dir() => {
                let entries = std::fs::read_dir(place).map_err(|error| io_error(place, error))?;
                let names = entries.map(|entry| entry.map(|entry| entry.path()));
                Self::several(place, names)
            }
            Ok(_) => Ok(Self::File),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_pattern(place) => {
                let wrong = |what: String| {
                    io_error(place, io::Error::new(io::ErrorKind::InvalidInput, what))
                };
                let text = place.to_str();
                let text = text.ok_or_else(|| wrong("the pattern is not UTF-8".to_owned()))?;
                let found = glob::glob(text).map_err(|error| wrong(error.to_string()))?;
                Self::several(place, found.map(|path| path.map_err(Into::into)))
            }
            Err(error) => Err(io_error(place, error)),
        }
    }

    fn several(
        place: &Path,
        names: impl Iterator<Item = io::Result<PathBuf>>,
    ) -> Result<Self, SourceError> {
        let (mut files, mut left_out) = (Vec::new(), Vec::new());
        for path in names {
            let path = path.map_err(|error| io_error(place, error))?;
            if let Some(why) = unfinished(&path) {
                left_out.push(format!("{} ({why})", shown(&path)));
                continue;
            }
            let meta = std::fs::metadata(&path).map_err(|error| io_error(&path, error))?;
            if meta.is_dir() {
                left_out.push(format!("{} (a folder)", shown(&path)));
                continue;
            }
            if !meta.is_file() {
                let what = "it is not a regular file";
                return Err(io_error(&path, io::Error::new(io::ErrorKind::InvalidInput, what)));
            }
            files.push((path, meta));
            if files.len() > FILES_MAX {
                let what = format!("these are more than {FILES_MAX} files, which is no list");
                return Err(io_error(place, io::Error::other(what)));
            }
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        left_out.sort();
        Ok(Self::Several { files, left_out })
    }
}

fn is_pattern(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().iter().any(|byte| b"*?[".contains(byte))
}

/// Why a file of a folder, or a member of an archive, is none of the list.
pub(crate) fn unfinished(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    match () {
        () if name.starts_with('.') => Some("hidden"),
        () if name.ends_with('~') => Some("a backup copy"),
        () if name.ends_with(".tmp") || name.ends_with(".part") => Some("not finished"),
        () => None,
    }
}

fn shown(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().escape_debug().to_string());
    name.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        }
        folder
    }

    fn names(inputs: &Inputs) -> Vec<String> {
        inputs.names().map(|p| p.file_name().unwrap().to_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_files_of_a_folder_in_the_order_of_their_names() {
        let folder = folder(&["b.csv", "a.csv", ".hidden", "c.csv.tmp", "d.PART", "e~", "sub/f"]);
        let inputs = Inputs::at(folder.path()).unwrap();
        assert_eq!(names(&inputs), ["a.csv", "b.csv"]);
        assert_eq!(inputs.length(), 10);
        assert_eq!(
            inputs.left_out(),
            [
                ".hidden (hidden)",
                "c.csv.tmp (not finished)",
                "d.PART (not finished)",
                "e~ (a backup copy)",
                "sub (a folder)"
            ]
        );
    }

    #[test]
    fn a_pattern_and_a_file_that_looks_like_one() {
        let folder = folder(&["a.csv", "b.csv", "b.txt", "x/c.csv", "[d].csv"]);
        let at = |name: &str| Inputs::at(&folder.path().join(name)).map(|found| names(&found));
        assert_eq!(at("*.csv").unwrap(), ["[d].csv", "a.csv", "b.csv"]);
        assert_eq!(at("b.*").unwrap(), ["b.csv", "b.txt"]);
        assert_eq!(at("**/*.csv").unwrap(), ["[d].csv", "a.csv", "b.csv", "c.csv"]);
        assert_eq!(at("[d].csv").unwrap(), ["[d].csv"]);
        assert_eq!(at("*.xml").unwrap(), Vec::<String>::new());
        assert!(at("b.xml").is_err());
        assert!(at("***").unwrap_err().to_string().contains("***: "));
    }

    #[test]
    fn a_stamp_changes_with_every_change() {
        let folder = folder(&["a.csv", "b.csv"]);
        let stamp = || Inputs::stamp(folder.path()).unwrap();
        let first = stamp();
        assert_eq!(first, stamp());
        assert_eq!((first.files, first.length), (2, 10));
        assert!(first.written.is_some());
        std::fs::write(folder.path().join("c.tmp"), "x").unwrap();
        assert_eq!(first, stamp(), "what is left out changes nothing");
        std::fs::rename(folder.path().join("b.csv"), folder.path().join("c.csv")).unwrap();
        let renamed = stamp();
        assert_ne!(first, renamed);
        std::fs::remove_file(folder.path().join("a.csv")).unwrap();
        assert_ne!(renamed, stamp());
        let empty = self::folder(&[]);
        let stamp = Inputs::stamp(empty.path()).unwrap();
        assert_eq!((stamp.files, stamp.written), (0, None));
    }

    #[test]
    fn the_folder_to_be_watched() {
        let folder = folder(&["a.csv"]);
        let at = folder.path();
        assert_eq!(Inputs::folder(at), at);
        for name in ["a.csv", "*.csv", "*/x/b.csv", "**/b.csv"] {
            assert_eq!(Inputs::folder(&at.join(name)), at, "{name}");
        }
        assert_eq!(Inputs::folder(Path::new("a.csv")), Path::new("."));
    }

    #[test]
    fn a_file_of_a_folder_that_is_another_one_meanwhile_is_an_error() {
        let folder = folder(&["a.csv"]);
        let (parts, _, _) = Inputs::at(folder.path()).unwrap().into_parts();
        let mut text = String::new();
        io::Read::read_to_string(&mut parts[0].raw().unwrap(), &mut text).unwrap();
        assert_eq!(text, "a.csv");
        std::fs::write(folder.path().join("a.csv"), "longer than before").unwrap();
        assert!(matches!(parts[0].raw(), Err(SourceError::Changed { .. })));
        assert!(matches!(parts[0].check_unchanged(), Err(SourceError::Changed { .. })));
    }
}
