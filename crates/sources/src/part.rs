//! One readable text of a list: a file as it is, unpacked, or a member of an archive.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::SourceError;
use crate::input::{Input, Raw, io_error};

/// One of the texts a list is made of.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    input: Arc<Input>,
    /// For messages: the file, and behind it the member of an archive.
    name: PathBuf,
}

/// A part that is being read.
pub(crate) struct Reading<'a> {
    pub(crate) reader: Box<dyn Read + Send + 'a>,
    /// Bytes of the file that have been read so far, packed as they are there.
    pub(crate) packed: Arc<AtomicU64>,
}

impl Part {
    /// The whole of an input, as it is.
    pub(crate) fn whole(input: Arc<Input>) -> Self {
        let name = input.name().to_owned();
        Self { input, name }
    }

    /// For messages.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// The name of the file or member alone, which may say what is in it.
    pub(crate) fn label(&self) -> String {
        self.name.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    pub(crate) fn input(&self) -> &Arc<Input> {
        &self.input
    }

    /// Bytes of the file that are read for it.
    pub(crate) fn length(&self) -> u64 {
        self.input.length()
    }

    /// From the first byte.
    pub(crate) fn start(&self) -> Result<Reading<'_>, SourceError> {
        let packed = Arc::new(AtomicU64::new(0));
        let raw = Counted { raw: self.input.raw()?, packed: Arc::clone(&packed) };
        Ok(Reading { reader: Box::new(raw), packed })
    }

    pub(crate) fn io(&self, source: io::Error) -> SourceError {
        io_error(&self.name, source)
    }
}

/// Counts what is read.
struct Counted<'a> {
    raw: Raw<'a>,
    packed: Arc<AtomicU64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(out)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
