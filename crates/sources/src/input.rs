//! Where the bytes come from: a file, bytes in memory, or the rows a database gave. They are read
//! from the start as often as needed.
//!
//! A single file is opened once, so one that is replaced by a rename in the meantime is still read
//! as it was. Of a folder's files, which may be thousands, only the one that is read is open; it
//! must then still be the one that was found.

use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::SourceError;
use crate::spool::Spool;

/// One thing to be read: a file, bytes, or rows.
#[derive(Debug)]
pub struct Input {
    name: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    /// Opened once.
    File {
        file: File,
        opened: Stamp,
    },
    /// One of many, opened when it is its turn.
    Found(Stamp),
    Memory(Arc<[u8]>),
    Rows(Spool),
}

/// What changes when somebody writes to a file, or puts another in its place.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    number: u64,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        Self { length: metadata.len(), modified, number: metadata.ino() }
    }
}

/// The bytes, to be read and gone about in.
pub(crate) enum Raw<'a> {
    Shared(&'a File),
    Own(File),
    Memory(Cursor<Arc<[u8]>>),
}

impl Read for Raw<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Shared(file) => file.read(out),
            Self::Own(file) => file.read(out),
            Self::Memory(bytes) => bytes.read(out),
        }
    }
}

impl Seek for Raw<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match self {
            Self::Shared(file) => file.seek(to),
            Self::Own(file) => file.seek(to),
            Self::Memory(bytes) => bytes.seek(to),
        }
    }
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// What the operating system says; a folder is an error too.
    pub fn file(path: &Path) -> Result<Self, SourceError> {
        let file = open(path).map_err(|error| io_error(path, error))?;
        Self::opened(path, file)
    }

    /// Takes a file that is open already and may have no name, such as one that was downloaded;
    /// `name` is for messages, and its last part for recognition.
    ///
    /// # Errors
    /// When its length cannot be asked.
    pub fn opened(name: &Path, file: File) -> Result<Self, SourceError> {
        let metadata = file.metadata().map_err(|error| io_error(name, error))?;
        let opened = Stamp::of(&metadata);
        Ok(Self { name: name.to_owned(), bytes: Bytes::File { file, opened } })
    }

    /// One file of many: looked at now, opened when it is read.
    pub(crate) fn found(path: PathBuf, metadata: &Metadata) -> Self {
        Self { name: path, bytes: Bytes::Found(Stamp::of(metadata)) }
    }

    /// Takes bytes as they are; `name` is for messages.
    #[must_use]
    pub fn bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: PathBuf::from(name), bytes: Bytes::Memory(bytes.into()) }
    }

    /// Takes the rows of a database; `name` is for messages. To be read with
    /// [`Format::Table`](crate::Format::Table).
    #[must_use]
    pub fn rows(name: &str, rows: Spool) -> Self {
        Self { name: PathBuf::from(name), bytes: Bytes::Rows(rows) }
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Bytes it had when it was opened or found.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.bytes {
            Bytes::File { opened, .. } => opened.length,
            Bytes::Found(found) => found.length,
            Bytes::Memory(bytes) => bytes.len() as u64,
            Bytes::Rows(rows) => rows.bytes(),
        }
    }

    /// The rows of a database, where it is such.
    pub(crate) fn table(&self) -> Option<&Spool> {
        match &self.bytes {
            Bytes::Rows(rows) => Some(rows),
            _ => None,
        }
    }

    /// From the first byte. One reader at a time: two would share the place in the file.
    pub(crate) fn raw(&self) -> Result<Raw<'_>, SourceError> {
        let from_start = || -> io::Result<Raw<'_>> {
            match &self.bytes {
                Bytes::File { file, .. } => {
                    let mut at: &File = file;
                    at.seek(SeekFrom::Start(0))?;
                    Ok(Raw::Shared(file))
                }
                Bytes::Found(_) => Ok(Raw::Own(open(&self.name)?)),
                Bytes::Memory(bytes) => Ok(Raw::Memory(Cursor::new(Arc::clone(bytes)))),
                Bytes::Rows(rows) => Ok(Raw::Shared(rows.raw()?)),
            }
        };
        let raw = from_start().map_err(|error| self.io(error))?;
        if let (Bytes::Found(found), Raw::Own(file)) = (&self.bytes, &raw) {
            let now = file.metadata().map_err(|error| self.io(error))?;
            self.must_be(&Stamp::of(&now), found)?;
        }
        Ok(raw)
    }

    /// An error when somebody has written to the file since it was opened or found.
    pub(crate) fn check_unchanged(&self) -> Result<(), SourceError> {
        let (now, before) = match &self.bytes {
            Bytes::File { file, opened } => (file.metadata(), opened),
            Bytes::Found(found) => (std::fs::metadata(&self.name), found),
            Bytes::Memory(_) | Bytes::Rows(_) => return Ok(()),
        };
        self.must_be(&Stamp::of(&now.map_err(|error| self.io(error))?), before)
    }

    fn must_be(&self, now: &Stamp, before: &Stamp) -> Result<(), SourceError> {
        match now == before {
            true => Ok(()),
            false => Err(SourceError::Changed { file: self.name.clone() }),
        }
    }

    fn io(&self, source: io::Error) -> SourceError {
        io_error(&self.name, source)
    }
}

pub(crate) fn io_error(file: &Path, source: io::Error) -> SourceError {
    SourceError::Io { file: file.to_owned(), source }
}

fn open(path: &Path) -> io::Result<File> {
    // A pipe cannot be read twice and to open one may take for ever; a device has no end.
    if !std::fs::metadata(path)?.is_file() {
        let what = "it is not a regular file";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    File::open(path)
}
