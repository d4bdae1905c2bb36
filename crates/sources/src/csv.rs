//! CSV to rows, once the layout is known.

use std::io::{self, Read};
use std::ops::ControlFlow;

use crate::records::{Next, Record, Records};
use crate::report::Fault;
use crate::row::Assembler;
use crate::sniff::CsvLayout;
use crate::table::{Cells, Scratch, Table};

/// Reads all records into the assembler, until it breaks.
pub(crate) fn read(
    text: impl Read,
    layout: &CsvLayout,
    table: &Table,
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
            Next::Record(record) if layout.is_comment(&record) => {
                assembler.report.leave_out("is a comment");
                continue;
            }
            Next::Record(_) if skip > 0 => {
                skip -= 1;
                continue;
            }
            Next::Record(record) => {
                assembler.report.broken_quotes += u64::from(record.broken_quote);
                table.take(&record, record.line, &mut scratch, assembler)
            }
        };
        if flow.is_break() {
            return Ok(flow);
        }
    }
}

impl Cells for Record<'_> {
    fn cell<'c>(&'c self, at: usize, scratch: &'c mut Vec<u8>) -> &'c [u8] {
        Record::cell(self, at, scratch).unwrap_or_default()
    }

    fn is_blank(&self, at: usize) -> bool {
        self.raw(at).is_none_or(|cell| cell.trim_ascii().is_empty())
    }
}
