//! What is in a ZIP archive: its members as parts of a list, without what operating systems put
//! in, or the archive itself where it is a workbook.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::Crc;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::inputs::unfinished;

/// Most members of one archive.
const MEMBERS_MAX: usize = 10_000;

/// What an archive is.
#[derive(Debug)]
pub(crate) enum Archive {
    /// An Office Open XML file, to be read as a whole.
    Workbook(Vec<Member>),
    Members {
        members: Vec<Member>,
        left_out: Vec<String>,
    },
}

/// One file of an archive.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// With its folders.
    pub(crate) name: String,
    /// Bytes it takes in the archive.
    pub(crate) packed: u64,
    start: u64,
    deflated: bool,
    /// Bytes it unfolds into, as the archive says and reading checks.
    pub(crate) size: u64,
    crc: u32,
}

impl Archive {
    /// Reads what the archive says of itself.
    pub(crate) fn look(raw: impl Read + Seek, length: u64) -> io::Result<Self> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        let damaged = |error: zip::result::ZipError| {
            wrong(format!("the ZIP archive is damaged or cut off: {error}"))
        };
        let mut archive = ZipArchive::new(BufReader::new(raw)).map_err(damaged)?;
        let workbook = archive.index_for_name("[Content_Types].xml").is_some();
        if archive.index_for_name("content.xml").is_some()
            && archive.index_for_name("mimetype").is_some()
        {
            let what = "this is an OpenDocument file; save the list as .xlsx or CSV";
            return Err(wrong(what.to_owned()));
        }
        if archive.has_duplicate_names() {
            return Err(wrong("two members of the archive have the same name".to_owned()));
        }
        if archive.len() > MEMBERS_MAX {
            return Err(wrong(format!("the archive has more than {MEMBERS_MAX} members")));
        }
        let (mut members, mut left_out) = (Vec::new(), Vec::new());
        for at in 0..archive.len() {
            let file = archive.by_index_raw(at).map_err(damaged)?;
            let name = file.name().map_err(damaged)?.into_owned();
            if file.is_dir() {
                continue;
            }
            if let Some(why) = none_of_it(&name).filter(|_| !workbook) {
                left_out.push(format!("{} ({why})", name.escape_debug()));
                continue;
            }
            let of_member = |what: &str| wrong(format!("{}: {what}", name.escape_debug()));
            if file.encrypted() {
                return Err(of_member("it is encrypted; unpack it first"));
            }
            let deflated = match file.compression() {
                CompressionMethod::Stored => false,
                CompressionMethod::Deflated => true,
                other => {
                    return Err(of_member(&format!(
                        "it is packed by {other}, which is not understood; pack it with the usual method"
                    )));
                }
            };
            let start =
                file.data_start().ok_or_else(|| of_member("it is not where it should be"))?;
            let (packed, size, crc) = (file.compressed_size(), file.size(), file.crc32());
            members.push(Member { name, packed, start, deflated, size, crc });
        }
        // Members that share their bytes unfold into far more than the archive.
        let sum = members.iter().try_fold(0_u64, |sum, member| sum.checked_add(member.packed));
        if sum.is_none_or(|sum| sum > length) {
            return Err(wrong("members of the archive overlap".to_owned()));
        }
        if workbook {
            return Ok(Self::Workbook(members));
        }
        members.sort_by(|one, other| one.name.cmp(&other.name));
        left_out.sort();
        Ok(Self::Members { members, left_out })
    }
}

/// Why a member is none of the list.
fn none_of_it(name: &str) -> Option<&'static str> {
    if name.split('/').any(|folder| folder == "__MACOSX") {
        return Some("of macOS");
    }
    unfinished(Path::new(name))
}

impl Member {
    /// Its bytes in the archive.
    pub(crate) fn find<R: Read + Seek>(&self, mut raw: R) -> io::Result<io::Take<R>> {
        raw.seek(SeekFrom::Start(self.start))?;
        Ok(raw.take(self.packed))
    }

    /// What they unfold into.
    pub(crate) fn unpack<'a>(
        &self,
        packed: impl Read + Send + 'a,
    ) -> Checked<Box<dyn Read + Send + 'a>> {
        let reader: Box<dyn Read + Send + 'a> = match self.deflated {
            true => Box::new(DeflateDecoder::new(packed)),
            false => Box::new(packed),
        };
        Checked { reader, crc: Crc::new(), size: self.size, stated: self.crc }
    }
}

/// Holds a member against its size and checksum.
pub(crate) struct Checked<R> {
    reader: R,
    crc: Crc,
    size: u64,
    stated: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(out)?;
        self.size = match self.size.checked_sub(read as u64) {
            Some(rest) => rest,
            None => return Err(io::Error::other("it is larger than the archive says")),
        };
        self.crc.update(out.get(..read).unwrap_or_default());
        match read == 0 && !out.is_empty() {
            true if self.size > 0 => Err(io::ErrorKind::UnexpectedEof.into()),
            true if self.crc.sum() != self.stated => {
                Err(io::Error::other("its checksum is another one"))
            }
            _ => Ok(read),
        }
    }
}
