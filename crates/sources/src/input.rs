//! Where the bytes come from: a file, opened once and read from its start as often as needed, or
//! bytes in memory. Because it is opened once, a file that is replaced by a rename in the
//! meantime is still read as it was.

use std::fs::{File, Metadata};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::SourceError;

/// A list to be read.
#[derive(Debug)]
pub struct Input {
    name: PathBuf,
    bytes: Bytes,
}

#[derive(Debug)]
enum Bytes {
    File { file: File, opened: Stamp },
    Memory(Arc<[u8]>),
}

/// What changes when somebody writes to a file.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { length: metadata.len(), modified: metadata.modified().ok() }
    }
}

impl Input {
    /// Opens a file.
    ///
    /// # Errors
    /// What the operating system says; a folder is an error too.
    pub fn file(path: &Path) -> Result<Self, SourceError> {
        let io = |source| SourceError::Io { file: path.to_owned(), source };
        // A pipe cannot be read twice and to open one may take for ever; a device has no end.
        if !std::fs::metadata(path).map_err(io)?.is_file() {
            let what = "it is not a regular file";
            return Err(io(io::Error::new(io::ErrorKind::InvalidInput, what)));
        }
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        let opened = Stamp::of(&metadata);
        Ok(Self { name: path.to_owned(), bytes: Bytes::File { file, opened } })
    }

    /// Takes bytes as they are; `name` is for messages.
    #[must_use]
    pub fn bytes(name: &str, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: PathBuf::from(name), bytes: Bytes::Memory(bytes.into()) }
    }

    /// The file's name, for messages.
    #[must_use]
    pub fn name(&self) -> &Path {
        &self.name
    }

    /// Bytes it had when it was opened.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.bytes {
            Bytes::File { opened, .. } => opened.length,
            Bytes::Memory(bytes) => bytes.len() as u64,
        }
    }

    /// From the first byte.
    pub(crate) fn start(&self) -> Result<Box<dyn Read + Send + '_>, SourceError> {
        match &self.bytes {
            Bytes::File { file, .. } => {
                let mut file: &File = file;
                file.seek(SeekFrom::Start(0)).map_err(|error| self.io(error))?;
                Ok(Box::new(file))
            }
            Bytes::Memory(bytes) => Ok(Box::new(Cursor::new(Arc::clone(bytes)))),
        }
    }

    /// An error when somebody has written to the file since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), SourceError> {
        let Bytes::File { file, opened } = &self.bytes else { return Ok(()) };
        let now = file.metadata().map_err(|error| self.io(error))?;
        if Stamp::of(&now) == *opened {
            return Ok(());
        }
        Err(SourceError::Changed { file: self.name.clone() })
    }

    pub(crate) fn io(&self, source: io::Error) -> SourceError {
        SourceError::Io { file: self.name.clone(), source }
    }
}
