//! Rows that came over a network, put down whole before any of them counts.
//!
//! A database may die in the middle of an answer, and what it has answered is to be judged as a
//! whole. So the rows go into a file first that has no name, which nobody else can open and which
//! is gone with the process; from there they are read like those of any other list.
//!
//! A record is the number of its cells and, of each, its length and bytes; the first record
//! names the columns. Numbers are 32 bits, little-endian; the greatest stands for NULL.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

/// The length that says that there is no value.
const NULL: u32 = u32::MAX;
/// The longest cell that is kept; longer ones are no addresses, and are cut.
const CELL_MAX: usize = 64 * 1024;
/// The most cells of a record.
const CELLS_MAX: u32 = 4096;

/// Puts rows down.
#[derive(Debug)]
pub struct SpoolWriter {
    file: BufWriter<File>,
    rows: u64,
    bytes: u64,
}

/// Rows that were put down.
#[derive(Debug)]
pub struct Spool {
    file: File,
    rows: u64,
    bytes: u64,
}

impl SpoolWriter {
    /// Begins, in a file without a name in this folder.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let file = BufWriter::with_capacity(256 * 1024, tempfile::tempfile_in(folder)?);
        Ok(Self { file, rows: 0, bytes: 0 })
    }

    /// The names of the columns: the first thing that is put down, once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn columns<S: AsRef<str>>(&mut self, names: &[S]) -> io::Result<()> {
        self.record(names.len(), names.iter().map(|name| Some(name.as_ref())))
    }

    /// A row: as many cells as there are columns.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn row<'a>(
        &mut self,
        cells: impl ExactSizeIterator<Item = Option<&'a str>>,
    ) -> io::Result<()> {
        self.rows += 1;
        self.record(cells.len(), cells)
    }

    fn record<'a>(
        &mut self,
        count: usize,
        cells: impl Iterator<Item = Option<&'a str>>,
    ) -> io::Result<()> {
        let too_many = || io::Error::new(io::ErrorKind::InvalidData, "more columns than 4096");
        let count = u32::try_from(count).ok().filter(|count| *count <= CELLS_MAX);
        self.number(count.ok_or_else(too_many)?)?;
        for cell in cells {
            match cell {
                None => self.number(NULL)?,
                Some(text) => {
                    let fits = |end: &usize| text.is_char_boundary(*end);
                    let end = (0..=CELL_MAX.min(text.len())).rev().find(fits).unwrap_or(0);
                    let text = text.get(..end).unwrap_or_default();
                    self.number(u32::try_from(text.len()).unwrap_or(0))?;
                    self.file.write_all(text.as_bytes())?;
                    self.bytes += text.len() as u64;
                }
            }
        }
        Ok(())
    }

    fn number(&mut self, number: u32) -> io::Result<()> {
        self.bytes += 4;
        self.file.write_all(&number.to_le_bytes())
    }

    /// All rows are there.
    ///
    /// # Errors
    /// When the last of them cannot be written.
    pub fn finish(self) -> io::Result<Spool> {
        let Self { file, rows, bytes } = self;
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool { file, rows, bytes })
    }
}

impl Spool {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The bytes as they are, from the first.
    pub(crate) fn raw(&self) -> io::Result<&File> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }

    /// Reads from the first row. One reader at a time: they share the place in the file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reader(&self) -> io::Result<SpoolReader<&File>> {
        SpoolReader::new(self.raw()?)
    }
}

/// Reads rows that were put down.
#[derive(Debug)]
pub struct SpoolReader<R: Read> {
    file: BufReader<R>,
    columns: Vec<String>,
}

impl<R: Read> SpoolReader<R> {
    /// Reads the names of the columns.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn new(file: R) -> io::Result<Self> {
        let mut reader =
            Self { file: BufReader::with_capacity(256 * 1024, file), columns: Vec::new() };
        let mut cells = Vec::new();
        reader.next(&mut cells)?;
        reader.columns = cells.into_iter().map(Option::unwrap_or_default).collect();
        Ok(reader)
    }

    /// The names of the columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The next row, into `cells`; false behind the last one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next(&mut self, cells: &mut Vec<Option<String>>) -> io::Result<bool> {
        let Some(count) = self.number()? else { return Ok(false) };
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the spool is damaged");
        if count > CELLS_MAX {
            return Err(damaged());
        }
        cells.resize_with(usize::try_from(count).unwrap_or(0), || None);
        for cell in cells {
            let length = self.number()?.ok_or_else(damaged)?;
            if length == NULL {
                *cell = None;
                continue;
            }
            let length = usize::try_from(length).ok().filter(|length| *length <= CELL_MAX);
            let mut bytes = std::mem::take(cell).unwrap_or_default().into_bytes();
            bytes.resize(length.ok_or_else(damaged)?, 0);
            self.file.read_exact(&mut bytes)?;
            *cell = Some(String::from_utf8(bytes).map_err(|_| damaged())?);
        }
        Ok(true)
    }

    fn number(&mut self) -> io::Result<Option<u32>> {
        let mut bytes = [0; 4];
        let (first, rest) = bytes.split_at_mut(1);
        if self.file.read(first)? == 0 {
            return Ok(None);
        }
        self.file.read_exact(rest)?;
        Ok(Some(u32::from_le_bytes(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_down_is_read_back_as_often_as_one_likes() {
        let mut writer = SpoolWriter::new(&std::env::temp_dir()).unwrap();
        writer.columns(&["email", "when"]).unwrap();
        for row in [[Some("a@x.example"), None], [Some(""), Some("ü")]] {
            writer.row(row.into_iter()).unwrap();
        }
        let long = "x".repeat(CELL_MAX) + "ü";
        writer.row([Some(long.as_str()), Some("end")].into_iter()).unwrap();
        let spool = writer.finish().unwrap();
        assert_eq!(spool.rows(), 3);
        for _ in 0..2 {
            let mut reader = spool.reader().unwrap();
            assert_eq!(reader.columns(), ["email", "when"]);
            let (mut cells, mut rows) = (Vec::new(), Vec::new());
            while reader.next(&mut cells).unwrap() {
                rows.push(cells.clone());
            }
            assert_eq!(rows[0], [Some("a@x.example".to_owned()), None]);
            assert_eq!(rows[1], [Some(String::new()), Some("ü".to_owned())]);
            assert_eq!(rows[2][0].as_ref().unwrap().len(), CELL_MAX);
            assert_eq!(rows.len(), 3);
        }
    }

    #[test]
    fn a_spool_that_was_cut_is_an_error_and_not_an_end() {
        let whole = {
            let mut bytes = Vec::new();
            for word in [1u32, 1] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.push(b'c');
            for word in [1u32, 3] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(b"abc");
            bytes
        };
        let read = |bytes: &[u8]| {
            let mut reader = SpoolReader::new(bytes)?;
            let mut cells = Vec::new();
            while reader.next(&mut cells)? {}
            io::Result::Ok(())
        };
        assert!(read(&whole).is_ok());
        for cut in 10..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
