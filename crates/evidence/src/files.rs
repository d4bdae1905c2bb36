//! The files of the evidence: the current one, to which records are appended, and the closed
//! ones beside it, packed or about to be.
//!
//! `evidence.jsonl` is the current one, `evidence.jsonl.000007-20260302T101500Z` the seventh
//! file of the chain, closed at that moment, and with `.gz` behind it the same, packed. The
//! number gives the order; the time is for people, and for searches that can leave out what
//! was closed before their time.
//!
//! Whoever reads opens the current file first and looks for closed ones after: what is turned
//! in between is then seen twice, as the same file under two names, and never missed.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use suppression::Timestamp;

const BUFFER: usize = 256 * 1024;
/// Behind the name of a packed file.
pub(crate) const PACKED: &str = ".gz";
/// Behind the name of a file that is being made, and is nothing yet.
pub(crate) const UNFINISHED: &str = ".new";

/// A closed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Closed {
    /// Its place in the chain.
    pub(crate) number: u64,
    /// When it was closed.
    pub(crate) time: Timestamp,
    /// Where it is, or was, before it was packed.
    pub(crate) path: PathBuf,
    /// It is there as it was written.
    pub(crate) plain: bool,
}

impl Closed {
    /// The name under which a file that ends now is kept.
    pub(crate) fn path(current: &Path, number: u64, time: Timestamp) -> PathBuf {
        let compact = |text: &str| text.replace(['-', ':'], "");
        let time = time.to_string();
        let seconds = time.split(['.', 'Z']).next().unwrap_or_default();
        with_suffix(current, &format!(".{number:06}-{}Z", compact(seconds)))
    }

    /// Its name as it was written, without its folder.
    pub(crate) fn name(&self) -> String {
        name_of(&self.path)
    }

    /// Where it is once it is packed.
    pub(crate) fn packed(&self) -> PathBuf {
        with_suffix(&self.path, PACKED)
    }

    /// Opens it, packed or not: it may be packed at this very moment.
    pub(crate) fn open(&self) -> io::Result<Input> {
        match File::open(&self.path) {
            Ok(file) => Ok(plain(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(unpack(File::open(self.packed())?))
            }
            Err(error) => Err(error),
        }
    }
}

/// The bytes of a file, as they were written.
pub(crate) type Input = Box<dyn BufRead + Send>;

fn plain(file: impl Read + Send + 'static) -> Input {
    Box::new(BufReader::with_capacity(BUFFER, file))
}

pub(crate) fn unpack(file: File) -> Input {
    plain(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file)))
}

/// The current file, opened.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) path: PathBuf,
    file: File,
    /// How long it was then. What comes after is not looked at: it may rest on what was
    /// appended to the file before it after that one was read.
    pub(crate) length: u64,
}

impl Current {
    pub(crate) fn open(self) -> Input {
        plain(self.file.take(self.length))
    }

    /// For two readings.
    pub(crate) fn open_twice(self) -> io::Result<(Input, Input)> {
        let again = Again { file: self.file.try_clone()?, at: 0 };
        Ok((plain(self.file.take(self.length)), plain(again.take(self.length))))
    }
}

/// Reads a file that somebody else reads too, from a place of its own.
struct Again {
    file: File,
    at: u64,
}

impl Read for Again {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// All files, in the order of the chain.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) closed: Vec<Closed>,
    /// None where only closed ones are left.
    pub(crate) current: Option<Current>,
}

impl Files {
    /// Looks what there is.
    ///
    /// # Errors
    /// When there is nothing at all, or it cannot be read.
    pub(crate) fn find(path: &Path) -> io::Result<Self> {
        let current = match File::open(path) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Some(Current { path: path.to_owned(), file, length })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let closed = closed(path)?;
                if closed.is_empty() {
                    return Err(error);
                }
                return Ok(Self { closed, current: None });
            }
            Err(error) => return Err(error),
        };
        let mut closed = closed(path)?;
        if let Some(current) = &current {
            let metadata = current.file.metadata()?;
            let same = |closed: &Closed| closed.plain && is(&closed.path, &metadata);
            if let Some(at) = closed.iter().position(same) {
                closed.truncate(at);
            }
        }
        Ok(Self { closed, current })
    }
}

/// Whether a path names that file.
pub(crate) fn is(path: &Path, file: &fs::Metadata) -> bool {
    fs::metadata(path).is_ok_and(|there| (there.dev(), there.ino()) == (file.dev(), file.ino()))
}

/// The closed files of a current one, by their numbers; those that are there both packed and
/// as they were count as the latter.
pub(crate) fn closed(current: &Path) -> io::Result<Vec<Closed>> {
    let mut found: Vec<Closed> = Vec::new();
    for entry in fs::read_dir(folder(current))? {
        let name = entry?.file_name();
        let Some((number, time, plain)) = parse(current, &name) else { continue };
        let text = name.to_string_lossy();
        let name = text.strip_suffix(PACKED).unwrap_or(&text);
        found.push(Closed { number, time, path: folder(current).join(name), plain });
    }
    found.sort_by(|a, b| (a.number, a.time, b.plain).cmp(&(b.number, b.time, a.plain)));
    found.dedup_by(|later, kept| later.path == kept.path);
    Ok(found)
}

/// Number, time, and whether it is not packed.
fn parse(current: &Path, name: &OsStr) -> Option<(u64, Timestamp, bool)> {
    let rest = name.as_bytes().strip_prefix(current.file_name()?.as_bytes())?.strip_prefix(b".")?;
    let rest = std::str::from_utf8(rest).ok()?;
    let (rest, plain) = match rest.strip_suffix(PACKED) {
        Some(rest) => (rest, false),
        None => (rest, true),
    };
    let (number, time) = rest.split_once('-')?;
    if number.len() < 6 || !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (day, second) = time.strip_suffix('Z')?.split_once('T')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(day, 8) || !digits(second, 6) {
        return None;
    }
    Some((number.parse().ok()?, time.parse().ok()?, plain))
}

/// The folder of a file.
pub(crate) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Makes names that were given or taken away in the folder of `path` last.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_name_is_read_as_it_was_made() {
        let current = Path::new("/var/log/evidence.jsonl");
        let path = Closed::path(current, 7, time("2026-03-02T10:15:00.123456Z"));
        assert_eq!(path, Path::new("/var/log/evidence.jsonl.000007-20260302T101500Z"));
        let found = parse(current, path.file_name().unwrap()).unwrap();
        assert_eq!(found, (7, time("2026-03-02T10:15:00Z"), true));
        let far = Closed::path(current, 12_345_678, Timestamp::EPOCH);
        assert_eq!(parse(current, far.file_name().unwrap()).unwrap().0, 12_345_678);
    }

    #[test]
    fn other_names_are_somebody_elses() {
        let current = Path::new("evidence.jsonl");
        for name in [
            "evidence.jsonl",
            "evidence.jsonl.new",
            "evidence.jsonl.1",
            "evidence.jsonl.1.gz",
            "evidence.jsonl.000001-20260302T101500Z.gz.new",
            "evidence.jsonl.000001-20260302T101500Z.new",
            "evidence.jsonl.000001-2026-03-02.gz",
            "evidence.jsonl.000001-20261302T101500Z",
            "evidence.jsonl.00001-20260302T101500Z",
            "other.jsonl.000001-20260302T101500Z",
        ] {
            assert_eq!(parse(current, OsStr::new(name)), None, "{name}");
        }
    }

    #[test]
    fn a_file_that_is_turned_right_now_is_seen_once_and_one_being_packed_too() {
        let folder = tempfile::tempdir().unwrap();
        let current = folder.path().join("evidence.jsonl");
        assert_eq!(Files::find(&current).unwrap_err().kind(), io::ErrorKind::NotFound);
        let name = |number| Closed::path(&current, number, Timestamp::EPOCH);
        fs::write(name(1), "one").unwrap();
        fs::write(with_suffix(&name(1), PACKED), "packed").unwrap();
        fs::write(with_suffix(&name(2), PACKED), "packed").unwrap();
        let found = Files::find(&current).unwrap();
        assert!(found.current.is_none());
        assert_eq!(found.closed.len(), 2);
        assert!(found.closed[0].plain && !found.closed[1].plain);

        fs::write(&current, "three").unwrap();
        fs::hard_link(&current, name(3)).unwrap();
        fs::write(name(4), "four").unwrap();
        let found = Files::find(&current).unwrap();
        assert_eq!(found.closed.iter().map(|closed| closed.number).collect::<Vec<_>>(), [1, 2]);
        let mut text = String::new();
        fs::write(&current, "three and more").unwrap();
        found.current.unwrap().open().read_to_string(&mut text).unwrap();
        assert_eq!(text, "three", "as long as it was when it was found");
    }
}
