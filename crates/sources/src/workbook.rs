//! A workbook (Office Open XML, ECMA-376), looked through before it is opened.
//!
//! What reads it holds the table of its texts in memory, and every piece of markup, and makes room
//! for as many as the file announces. So all of it is gone through first, as any XML list is: no
//! piece without end, no definitions, and nothing announced that is not there.

use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;

use calamine::{Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::archive::{Archive, Member};
use crate::error::SourceError;
use crate::input::Raw;
use crate::markup::{self, Element, Value, Visitor};
use crate::part::Part;

/// Bytes of everything but the worksheets: mostly the table of texts, which is kept in memory.
const TEXTS_MAX: u64 = 256 << 20;
/// Bytes of all worksheets: a full one of three columns has about 200 MiB.
const SHEETS_MAX: u64 = 8 << 30;
/// Bytes of a member that is no XML, such as an image.
const OTHER_MAX: u64 = 64 << 20;

/// An open workbook.
pub(crate) type Workbook<'a> = Xlsx<BufReader<Raw<'a>>>;

/// Goes through all of it.
pub(crate) fn check(part: &Part) -> Result<(), SourceError> {
    let refused = |what: String| part.io(io::Error::new(io::ErrorKind::InvalidData, what));
    let archive = match part.is_unpacked() {
        true => {
            let what = "a workbook inside of an archive is not unpacked; name the workbook itself";
            return Err(refused(what.to_owned()));
        }
        false => Archive::look(part.input().raw()?, part.input().length()),
    };
    let members = match archive {
        Ok(Archive::Workbook(members)) => members,
        Ok(Archive::Members { .. }) | Err(_) => {
            let what = "this is no workbook (.xlsx); save older ones and encrypted ones anew, or \
                        export the list as CSV";
            return Err(refused(what.to_owned()));
        }
    };
    let of_sheet = |member: &&Member| member.name.to_lowercase().contains("worksheets/");
    let sheets: u64 = members.iter().filter(of_sheet).map(|member| member.size).sum();
    let others: u64 = members.iter().filter(|m| !of_sheet(m)).map(|member| member.size).sum();
    if sheets > SHEETS_MAX || others > TEXTS_MAX {
        let (texts, sheets) = (TEXTS_MAX >> 20, SHEETS_MAX >> 30);
        return Err(refused(format!(
            "the workbook is too large: at most {sheets} GiB of sheets and {texts} MiB of texts \
             are read; export the list as CSV"
        )));
    }
    for member in members {
        let inner = part.member(member);
        let mut look = Announced::default();
        let walked = markup::walk(inner.start()?.reader, &inner, &mut look);
        if let Some(what) = look.fault() {
            return Err(inner.io(io::Error::new(io::ErrorKind::InvalidData, what)));
        }
        if walked.is_err() {
            let mut rest = inner.start()?.reader.take(OTHER_MAX + 1);
            let length = io::copy(&mut rest, &mut io::sink()).map_err(|error| inner.io(error))?;
            if length > OTHER_MAX {
                let what = "a part of the workbook is too large and no sound XML";
                return Err(inner.io(io::Error::new(io::ErrorKind::InvalidData, what)));
            }
        }
    }
    Ok(())
}

/// What the markup announces.
#[derive(Default)]
struct Announced {
    texts: Option<u64>,
    found: u64,
    odd: Option<&'static str>,
}

impl Announced {
    fn fault(&self) -> Option<&'static str> {
        let more = self.texts.is_some_and(|announced| announced > self.found + 1000);
        self.odd.or(more.then_some("it announces more texts than it has"))
    }
}

impl Visitor for Announced {
    fn start(&mut self, element: &Element<'_>, _line: u64) -> Result<(), String> {
        let name = element.name().rsplit(':').next().unwrap_or_default();
        match name {
            "si" => self.found += 1,
            "sst" | "dimension" => element.attributes(|attribute, value| {
                let (Value::Text(value) | Value::Unreadable(value)) = value();
                match attribute {
                    "uniqueCount" => self.texts = self.texts.max(value.trim().parse().ok()),
                    "ref" if !is_range(&value) => {
                        self.odd = Some("the size of a sheet cannot be understood");
                    }
                    _ => {}
                }
                ControlFlow::Continue(())
            })?,
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, _text: &str) {}

    fn unknown_entity(&mut self, _name: &str) {}

    fn end(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

/// `A1` or `A1:C7`, the first not behind the second.
fn is_range(text: &str) -> bool {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    match (place(first), place(last)) {
        (Some((column, row)), Some((to_column, to_row))) => column <= to_column && row <= to_row,
        _ => false,
    }
}

fn place(text: &str) -> Option<(u64, u64)> {
    let letters = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (letters, digits) = text.split_at_checked(letters)?;
    if !(1..=3).contains(&letters.len()) || !(1..=7).contains(&digits.len()) {
        return None;
    }
    let column = letters.bytes().fold(0, |column, byte| column * 26 + u64::from(byte - b'A') + 1);
    Some((column, digits.parse().ok().filter(|row| *row > 0)?))
}

/// Opens it.
pub(crate) fn open(part: &Part) -> Result<Workbook<'_>, SourceError> {
    let raw = BufReader::new(part.input().raw()?);
    guarded(part, || Xlsx::new(raw))
}

/// Does something with a workbook. Whatever there is in a file, it is an error and no more.
pub(crate) fn guarded<T>(
    part: &Part,
    work: impl FnOnce() -> Result<T, XlsxError>,
) -> Result<T, SourceError> {
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    let what = match done {
        Ok(Ok(done)) => return Ok(done),
        // It would show what is in a cell.
        Ok(Err(XlsxError::CellError(_))) | Err(_) => "the workbook is damaged".to_owned(),
        Ok(Err(XlsxError::Io(error))) => return Err(part.io(error)),
        Ok(Err(error)) => format!("the workbook is damaged: {error}"),
    };
    Err(part.io(io::Error::new(io::ErrorKind::InvalidData, what)))
}

/// The name of the sheet to be read, and those that are not.
pub(crate) fn choose(
    part: &Part,
    workbook: &Workbook<'_>,
    wanted: Option<&str>,
) -> Result<(String, Vec<String>), SourceError> {
    let sheets = workbook.sheets_metadata().iter();
    let mut sheets: Vec<_> = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names = |sheets: &[&calamine::Sheet]| {
        let names = sheets.iter().map(|sheet| format!("\"{}\"", sheet.name.escape_debug()));
        names.collect::<Vec<_>>()
    };
    let folded = |name: &str| name.trim().to_lowercase();
    let at = match wanted {
        None => sheets.iter().position(|sheet| sheet.visible == SheetVisible::Visible),
        Some(wanted) => sheets
            .iter()
            .position(|sheet| sheet.name == wanted)
            .or_else(|| sheets.iter().position(|sheet| folded(&sheet.name) == folded(wanted))),
    };
    let Some(at) = at.or_else(|| (wanted.is_none() && !sheets.is_empty()).then_some(0)) else {
        let there = names(&sheets).join(", ");
        let what = match wanted {
            Some(wanted) if !sheets.is_empty() => {
                format!("there is no sheet \"{}\"; the sheets are {there}", wanted.escape_debug())
            }
            _ => "the workbook has no sheet with rows".to_owned(),
        };
        return Err(part.io(io::Error::new(io::ErrorKind::InvalidInput, what)));
    };
    let name = sheets.remove(at).name.clone();
    sheets.retain(|sheet| sheet.visible == SheetVisible::Visible);
    Ok((name, names(&sheets)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_could_be_understood_otherwise_are_none() {
        for good in ["A1", "A1:A1", "A1:XFD1048576", "B2:AA10"] {
            assert!(is_range(good), "{good}");
        }
        for bad in
            ["", "A", "1", "A0", "B1:A1", "A2:A1", "A1:", "AAAA1", "A12345678", "a1", "A1:B2:C3"]
        {
            assert!(!is_range(bad), "{bad}");
        }
    }
}
