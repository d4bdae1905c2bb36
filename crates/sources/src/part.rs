//! One readable text of a list: a file as it is, unpacked, or a member of an archive.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::archive::{Archive, Member};
use crate::error::SourceError;
use crate::input::{Input, io_error};
use crate::unpack::{Limited, Packed, Zstd};

/// One of the texts a list is made of.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    input: Arc<Input>,
    /// For messages: the file, and behind it the member of an archive.
    name: PathBuf,
    packing: Packing,
}

#[derive(Debug, Clone)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Member(Member),
}

/// A part that is being read.
pub(crate) struct Reading<'a> {
    pub(crate) reader: Box<dyn Read + Send + 'a>,
    /// Bytes of the file that have been read so far, packed as they are there.
    pub(crate) packed: Arc<AtomicU64>,
}

impl Part {
    /// The parts of an input: itself, or the members of an archive. `left_out` is told which
    /// members are none.
    pub(crate) fn of(
        input: Arc<Input>,
        left_out: &mut Vec<String>,
    ) -> Result<Vec<Self>, SourceError> {
        if input.table().is_some() {
            return Ok(vec![Self::whole(input)]);
        }
        let mut head = Vec::with_capacity(4);
        let read = input.raw()?.take(4).read_to_end(&mut head);
        read.map_err(|error| io_error(input.name(), error))?;
        let packing = match Packed::of(&head) {
            None => Packing::Plain,
            Some(Packed::Gzip) => Packing::Gzip,
            Some(Packed::Zstd) => Packing::Zstd,
            Some(Packed::Zip) => {
                let archive = Archive::look(input.raw()?, input.length());
                match archive.map_err(|error| io_error(input.name(), error))? {
                    Archive::Workbook(_) => Packing::Plain,
                    Archive::Members { members, left_out: none } => {
                        left_out.extend(none);
                        let whole = Self::whole(input);
                        let part = |member| whole.member(member);
                        return Ok(members.into_iter().map(part).collect());
                    }
                }
            }
        };
        Ok(vec![Self { packing, ..Self::whole(input) }])
    }

    /// The whole of an input, as it is.
    pub(crate) fn whole(input: Arc<Input>) -> Self {
        let name = input.name().to_owned();
        Self { input, name, packing: Packing::Plain }
    }

    /// A member of the archive that it is.
    pub(crate) fn member(&self, member: Member) -> Self {
        let name = self.input.name().join(shown(&member.name));
        Self { input: Arc::clone(&self.input), name, packing: Packing::Member(member) }
    }

    /// Whether it is a file of an archive.
    pub(crate) fn is_member(&self) -> bool {
        matches!(self.packing, Packing::Member(_))
    }

    /// Whether it is a workbook, or at least such an archive.
    pub(crate) fn is_workbook(&self) -> Result<bool, SourceError> {
        let mut head = Vec::with_capacity(4);
        let read = self.start()?.reader.take(4).read_to_end(&mut head);
        read.map_err(|error| self.io(error))?;
        Ok(!self.is_unpacked() && Packed::of(&head) == Some(Packed::Zip))
    }

    /// Whether its bytes are not those of the file.
    pub(crate) fn is_unpacked(&self) -> bool {
        !matches!(self.packing, Packing::Plain)
    }

    /// For messages.
    pub(crate) fn name(&self) -> &Path {
        &self.name
    }

    /// The name of the file or member alone, without what says how it is packed: it may say what
    /// is in it.
    pub(crate) fn label(&self) -> String {
        let name = self.name.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let plain = match self.packing {
            Packing::Gzip => name.strip_suffix(".gz"),
            Packing::Zstd => name.strip_suffix(".zst"),
            _ => None,
        };
        plain.unwrap_or(&name).to_owned()
    }

    pub(crate) fn input(&self) -> &Arc<Input> {
        &self.input
    }

    /// Bytes of the file that are read for it.
    pub(crate) fn length(&self) -> u64 {
        match &self.packing {
            Packing::Member(member) => member.packed,
            _ => self.input.length(),
        }
    }

    /// From the first byte.
    pub(crate) fn start(&self) -> Result<Reading<'_>, SourceError> {
        let packed = Arc::new(AtomicU64::new(0));
        let raw = self.input.raw()?;
        let limited = |reader| -> Box<dyn Read + Send + '_> {
            Box::new(Limited::new(reader, Arc::clone(&packed)))
        };
        let counted = |raw| Counted { raw, packed: Arc::clone(&packed) };
        let reader: Box<dyn Read + Send> = match &self.packing {
            Packing::Plain => Box::new(counted(raw)),
            Packing::Gzip => limited(boxed(MultiGzDecoder::new(counted(raw)))),
            Packing::Zstd => limited(boxed(Zstd::new(counted(raw)))),
            Packing::Member(member) => {
                let found = member.find(raw).map_err(|error| self.io(error))?;
                let counted = Counted { raw: found, packed: Arc::clone(&packed) };
                limited(boxed(member.unpack(counted)))
            }
        };
        Ok(Reading { reader, packed })
    }

    pub(crate) fn io(&self, source: io::Error) -> SourceError {
        io_error(&self.name, source)
    }
}

fn boxed<'a>(reader: impl Read + Send + 'a) -> Box<dyn Read + Send + 'a> {
    Box::new(reader)
}

/// The name of a member, which anybody may have written, for messages.
fn shown(name: &str) -> String {
    const SHOWN: usize = 200;
    let name = name.trim_start_matches('/').escape_debug().take(SHOWN);
    name.collect::<String>().replace("..", "__")
}

/// Counts what is read.
struct Counted<R> {
    raw: R,
    packed: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(out)?;
        self.packed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
