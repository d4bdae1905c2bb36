//! CSV to rows, once the layout is known.

use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::records::{Next, Record, Records};
use crate::report::Fault;
use crate::row::{Assembler, Raw};
use crate::sniff::CsvLayout;

/// Room for the undoubled quotes of one cell each.
#[derive(Default)]
struct Scratch {
    email: Vec<u8>,
    date: Vec<u8>,
    reason: Vec<u8>,
}

/// Reads all records into the assembler, until it breaks.
pub(crate) fn read(
    text: impl Read,
    layout: &CsvLayout,
    assembler: &mut Assembler<'_>,
) -> io::Result<ControlFlow<()>> {
    let mut records = Records::new(text, layout.delimiter);
    let mut scratch = Scratch::default();
    let mut skip = layout.skip;
    loop {
        let flow = match records.next()? {
            Next::End => return Ok(ControlFlow::Continue(())),
            Next::TooLong { line } => {
                assembler.bad(line, Fault::TooLong, "");
                ControlFlow::Continue(())
            }
            Next::Record(record) if record.is_blank() => continue,
            Next::Record(_) if skip > 0 => {
                skip -= 1;
                continue;
            }
            Next::Record(record) => row(&record, layout, &mut scratch, assembler),
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
}

fn row(
    record: &Record<'_>,
    layout: &CsvLayout,
    scratch: &mut Scratch,
    assembler: &mut Assembler<'_>,
) -> ControlFlow<()> {
    assembler.report.broken_quotes += u64::from(record.broken_quote);
    let email = last_filled(record, &layout.email, &mut scratch.email);
    let Ok(email) = str::from_utf8(email) else {
        assembler.bad(record.line, Fault::Encoding, "");
        return ControlFlow::Continue(());
    };
    let date = last_filled(record, &layout.date, &mut scratch.date);
    let reason = last_filled(record, &layout.reason, &mut scratch.reason);
    assembler.take(&Raw {
        line: record.line,
        emails: &[email],
        date: str::from_utf8(date).unwrap_or("?"),
        reason: &String::from_utf8_lossy(reason),
    })
}

/// Of columns that share a name, the last that is not empty.
fn last_filled<'b>(record: &Record<'b>, columns: &[usize], scratch: &'b mut Vec<u8>) -> &'b [u8] {
    let filled = |at: &&usize| record.raw(**at).is_some_and(|cell| !cell.trim_ascii().is_empty());
    match columns.iter().rev().find(filled) {
        Some(at) => record.cell(*at, scratch).unwrap_or_default(),
        None => b"",
    }
}
