//! The rows of a sheet, as a table: cells as their texts, dates as dates, numbers in full.

use std::ops::ControlFlow;

use calamine::{DataRef, ExcelDateTime};

use crate::columns::{Sample, has_known_name};
use crate::error::SourceError;
use crate::part::Part;
use crate::progress::{Phase, Progress};
use crate::records::CELLS_MAX;
use crate::report::Fault;
use crate::row::Assembler;
use crate::sniff::is_header;
use crate::spec::XlsxSpec;
use crate::table::{Cells, Scratch, Table};
use crate::workbook::{self, guarded};

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 220;
/// Rows above the names of the columns: a title, a date, a logo.
const TITLES_MAX: usize = 20;
/// Bytes of a cell; a spreadsheet program takes 32767 characters.
const CELL_MAX: usize = 64 * 1024;
/// Rows between two steps of progress.
const STEP: u64 = 1000;

/// Which sheet is read, and from where on.
#[derive(Debug)]
pub(crate) struct Sheet {
    pub(crate) name: String,
    /// The first row with an entry, counted from 1.
    first: u64,
    pub(crate) header: bool,
    /// The last row, as far as is known.
    rows: u64,
}

/// One row.
#[derive(Default)]
struct Row {
    line: u64,
    cells: Vec<String>,
    too_long: bool,
}

impl Row {
    fn begin(&mut self, line: u64) {
        self.line = line;
        self.cells.iter_mut().for_each(String::clear);
        self.too_long = false;
    }

    fn is_empty(&self) -> bool {
        self.cells.iter().all(|cell| cell.trim().is_empty()) && !self.too_long
    }

    fn put(&mut self, column: u32, value: &DataRef<'_>) {
        let at = usize::try_from(column).unwrap_or(usize::MAX);
        if at >= CELLS_MAX {
            self.too_long |= !matches!(value, DataRef::Empty);
            return;
        }
        if self.cells.len() <= at {
            self.cells.resize_with(at + 1, String::new);
        }
        if let Some(cell) = self.cells.get_mut(at) {
            write(value, cell);
            let end = (0..=CELL_MAX.min(cell.len())).rev().find(|end| cell.is_char_boundary(*end));
            cell.truncate(end.unwrap_or(0));
        }
    }
}

impl Cells for Row {
    fn cell<'c>(&'c self, at: usize, _scratch: &'c mut Vec<u8>) -> &'c [u8] {
        self.cells.get(at).map_or(b"", |cell| cell.as_bytes())
    }

    fn is_blank(&self, at: usize) -> bool {
        self.cells.get(at).is_none_or(|cell| cell.trim().is_empty())
    }
}

/// Finds the sheet, and in it the names of the columns.
pub(crate) fn look(
    part: &Part,
    spec: &XlsxSpec,
    warnings: &mut Vec<String>,
) -> Result<(Sheet, Sample), SourceError> {
    let workbook = workbook::open(part)?;
    let (name, others) = workbook::choose(part, &workbook, spec.sheet.as_deref())?;
    drop(workbook);
    if !others.is_empty() && spec.sheet.is_none() {
        let name = name.escape_debug();
        warnings.push(format!(
            "only the sheet \"{name}\" is read, not {}; set `sheet` to say which",
            others.join(", ")
        ));
    }
    let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
    let _enough = walk(part, &name, &mut |row| {
        rows.push((row.line, row.cells.clone()));
        match rows.len() < SAMPLE_ROWS {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    })?;
    let header = find_header(&rows, spec.header);
    let above = header.map_or(0, |at| at + 1);
    let first = match header.and_then(|at| rows.get(at)) {
        Some((line, _)) => line + 1,
        None => 1,
    };
    let names = header.and_then(|at| rows.get(at)).map(|(_, cells)| cells.clone());
    let last = rows.last().map_or(0, |(line, _)| *line);
    let rows = rows.into_iter().skip(above).map(|(_, cells)| cells).collect();
    let sheet = Sheet { name, first, header: names.is_some(), rows: last };
    Ok((sheet, Sample { header: names, rows }))
}

/// Which of the first rows names the columns: the first with a name that is known, unless
/// addresses come before it; else the first row, where it looks like names.
fn find_header(rows: &[(u64, Vec<String>)], setting: Option<bool>) -> Option<usize> {
    match (setting, rows) {
        (Some(false), _) | (_, []) => None,
        (Some(true), _) => Some(0),
        (None, [(_, first), ..]) => {
            let has_address = |cells: &[String]| cells.iter().any(|cell| cell.contains('@'));
            let titles = rows.iter().take(TITLES_MAX).take_while(|(_, cells)| !has_address(cells));
            let known = titles.enumerate().find(|(_, (_, cells))| has_known_name(cells));
            known.map(|(at, _)| at).or_else(|| {
                let below: Vec<_> = rows.iter().skip(1).map(|(_, cells)| cells.clone()).collect();
                is_header(first, &below).then_some(0)
            })
        }
    }
}

/// Reads all rows into the assembler, until it breaks.
pub(crate) fn read(
    part: &Part,
    sheet: &Sheet,
    table: &Table,
    phase: Phase,
    progress: &mut dyn FnMut(Progress),
    assembler: &mut Assembler<'_>,
) -> Result<ControlFlow<()>, SourceError> {
    let mut scratch = Scratch::default();
    let total = part.length();
    let flow = walk(part, &sheet.name, &mut |row| {
        if row.line < sheet.first {
            return ControlFlow::Continue(());
        }
        if row.line % STEP == 0 {
            // How many rows there are is not known: so it goes on, ever more slowly.
            let rows = sheet.rows.max(1) * 16;
            let done = u128::from(total) * u128::from(row.line) / u128::from(row.line + rows);
            progress(Progress { phase, done: u64::try_from(done).unwrap_or(total), total });
        }
        if row.too_long {
            assembler.bad(row.line, Fault::TooLong, "");
            return ControlFlow::Continue(());
        }
        table.take(row, row.line, &mut scratch, assembler)
    })?;
    progress(Progress { phase, done: total, total });
    Ok(flow)
}

/// Every row that is not empty.
fn walk(
    part: &Part,
    sheet: &str,
    each: &mut dyn FnMut(&Row) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, SourceError> {
    let mut workbook = workbook::open(part)?;
    let mut cells = guarded(part, || workbook.worksheet_cells_reader(sheet))?;
    let mut row = Row::default();
    while let Some(cell) = guarded(part, || cells.next_cell())? {
        let (line, column) = cell.get_position();
        let line = u64::from(line) + 1;
        if line != row.line {
            if !row.is_empty() && each(&row).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            row.begin(line);
        }
        row.put(column, cell.get_value());
    }
    Ok(match row.is_empty() {
        true => ControlFlow::Continue(()),
        false => each(&row),
    })
}

/// A value as text.
fn write(value: &DataRef<'_>, text: &mut String) {
    use std::fmt::Write as _;
    text.clear();
    // Writing into a text does not fail.
    let _ = match value {
        DataRef::Int(number) => write!(text, "{number}"),
        // In full, never as 1.44E+09.
        DataRef::Float(number) => write!(text, "{number}"),
        DataRef::String(string) => text.write_str(string),
        DataRef::SharedString(string) => text.write_str(string),
        DataRef::Bool(yes) => write!(text, "{yes}"),
        DataRef::DateTime(time) => moment(time, text),
        DataRef::DateTimeIso(string) | DataRef::DurationIso(string) => text.write_str(string),
        DataRef::Error(_) | DataRef::Empty => Ok(()),
    };
}

fn moment(time: &ExcelDateTime, text: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    // A time of day or a length of time, without a date.
    if !time.is_datetime() || time.as_f64() < 1.0 {
        return write!(text, "{}", time.as_f64());
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    write!(text, "{year:04}-{month:02}-{day:02}")?;
    if (hour, minute, second, milli) != (0, 0, 0, 0) {
        write!(text, " {hour:02}:{minute:02}:{second:02}")?;
        if milli != 0 {
            write!(text, ".{milli:03}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    fn text(value: &DataRef<'_>) -> String {
        let mut text = "before".to_owned();
        write(value, &mut text);
        text
    }

    #[test]
    fn numbers_are_written_in_full_and_dates_as_dates() {
        for (value, expected) in [
            (DataRef::Float(1_443_651_125.0), "1443651125"),
            (DataRef::Float(1e15), "1000000000000000"),
            (DataRef::Float(42277.5), "42277.5"),
            (DataRef::Int(-7), "-7"),
            (DataRef::Bool(true), "true"),
            (DataRef::Empty, ""),
            (DataRef::SharedString("a@x.example"), "a@x.example"),
        ] {
            assert_eq!(text(&value), expected);
        }
        let time = |value, kind| DataRef::DateTime(ExcelDateTime::new(value, kind, false));
        let date = ExcelDateTimeType::DateTime;
        assert_eq!(text(&time(42277.0, date)), "2015-09-30");
        assert_eq!(text(&time(42277.5, date)), "2015-09-30 12:00:00");
        assert_eq!(text(&time(45943.541, date)), "2025-10-13 12:59:02.400");
        assert_eq!(text(&time(0.5, date)), "0.5");
        assert_eq!(text(&time(2.5, ExcelDateTimeType::TimeDelta)), "2.5");
    }

    #[test]
    fn the_names_of_the_columns_may_be_below_a_title() {
        let rows = |text: &str| -> Vec<(u64, Vec<String>)> {
            let cells = |line: &str| line.split(',').map(str::to_owned).collect();
            (1..).zip(text.lines().map(cells)).collect()
        };
        for (text, header) in [
            ("email,created\na@x.example,1", Some(0)),
            ("Opt-outs of 2024\nas of May,2024\nE-Mail,Date\na@x.example,1", Some(2)),
            ("a@x.example,1\nemail,created", None),
            ("Kontakt,Nr\na@x.example,1", Some(0)),
            ("7,8\na@x.example,1", None),
        ] {
            assert_eq!(find_header(&rows(text), None), header, "{text}");
        }
        assert_eq!(find_header(&rows("email\na@x.example"), Some(false)), None);
        assert_eq!(find_header(&rows("7\na@x.example"), Some(true)), Some(0));
        assert_eq!(find_header(&[], Some(true)), None);
    }
}
