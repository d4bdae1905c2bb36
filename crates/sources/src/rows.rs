//! Rows of a database, as they were spooled, to rows of a list. NULL is an empty cell; the line is
//! the number of the row.

use std::io;
use std::ops::ControlFlow;

use crate::columns::Sample;
use crate::progress::{Phase, Progress};
use crate::row::Assembler;
use crate::spool::Spool;
use crate::table::{Cells, Scratch, Table};

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 200;
/// Rows between two steps of progress.
const STEP: u64 = 1000;

/// The names of the columns and the first rows.
pub(crate) fn sample(spool: &Spool) -> io::Result<Sample> {
    let mut reader = spool.reader()?;
    let (mut rows, mut cells) = (Vec::new(), Vec::new());
    while rows.len() < SAMPLE_ROWS && reader.next(&mut cells)? {
        rows.push(cells.iter().map(|cell| cell.clone().unwrap_or_default()).collect());
    }
    Ok(Sample { header: Some(reader.columns().to_vec()), rows })
}

/// Reads all rows into the assembler, until it breaks.
pub(crate) fn read(
    spool: &Spool,
    table: &Table,
    phase: Phase,
    progress: &mut dyn FnMut(Progress),
    assembler: &mut Assembler<'_>,
) -> io::Result<ControlFlow<()>> {
    let mut reader = spool.reader()?;
    let (mut cells, mut scratch) = (Vec::new(), Scratch::default());
    let (mut line, total) = (0, spool.bytes());
    while reader.next(&mut cells)? {
        line += 1;
        if table.take(&Row(&cells), line, &mut scratch, assembler).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if line % STEP == 0 {
            let done = total / spool.rows().max(1) * line;
            progress(Progress { phase, done: done.min(total), total });
        }
    }
    progress(Progress { phase, done: total, total });
    Ok(ControlFlow::Continue(()))
}

struct Row<'a>(&'a [Option<String>]);

impl Cells for Row<'_> {
    fn cell<'c>(&'c self, at: usize, _scratch: &'c mut Vec<u8>) -> &'c [u8] {
        self.0.get(at).and_then(Option::as_deref).unwrap_or_default().as_bytes()
    }

    fn is_blank(&self, at: usize) -> bool {
        self.0.get(at).and_then(Option::as_deref).is_none_or(|cell| cell.trim().is_empty())
    }
}
