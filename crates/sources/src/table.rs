//! Everything that has columns, once its records are found: which column is which, and from a
//! record to a row. A line of CSV, an object of JSON, a row of a workbook or of a database are the
//! same from here on.

use std::ops::ControlFlow;
use std::path::PathBuf;

use suppression::Kind;

use crate::columns::{ColumnFault, Sample};
use crate::error::SourceError;
use crate::report::Fault;
use crate::row::{Assembler, Raw};
use crate::shape;
use crate::spec::{Columns, Spec};

/// A record with cells.
pub(crate) trait Cells {
    /// The text of a cell, empty where there is none. `scratch` is room for what must be changed
    /// in it.
    fn cell<'c>(&'c self, at: usize, scratch: &'c mut Vec<u8>) -> &'c [u8];

    /// Whether nothing but white space is in a cell.
    fn is_blank(&self, at: usize) -> bool;
}

/// What is known of a table before its columns are.
pub(crate) struct Look<'a> {
    /// For messages: the file, and the member of an archive.
    pub(crate) path: PathBuf,
    /// The name of the file or member alone, which may say what is in it.
    #[expect(dead_code, reason = "for recognition")]
    pub(crate) file: &'a str,
    /// The path of its records, in JSON; empty elsewhere.
    #[expect(dead_code, reason = "for recognition")]
    pub(crate) within: &'a str,
    pub(crate) sample: Sample,
    /// Which columns are configured.
    pub(crate) columns: &'a Columns,
    pub(crate) spec: &'a Spec,
}

/// What a table turned out to be.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is read so.
    Take(Table),
    /// It is none of the list's, because of this: told, and not read.
    #[expect(dead_code, reason = "recognition of members of archives says it")]
    LeaveOut(String),
}

/// Which column is which.
#[derive(Debug)]
pub(crate) struct Table {
    header: Option<Vec<String>>,
    email: Vec<usize>,
    date: Vec<usize>,
    reason: Vec<usize>,
}

/// Room for the undoubled quotes of one cell each.
#[derive(Default)]
pub(crate) struct Scratch {
    email: Vec<u8>,
    date: Vec<u8>,
    reason: Vec<u8>,
}

impl Look<'_> {
    /// Finds the columns, and looks whether it may be read at all.
    pub(crate) fn judge(self, warnings: &mut Vec<String>) -> Result<Verdict, SourceError> {
        let Self { path, sample, columns, spec, .. } = self;
        let (email, date, reason) = match find(&sample, columns) {
            Ok(found) => found,
            Err(ColumnFault { setting, what }) => {
                let columns = sample.header.unwrap_or_default();
                return Err(SourceError::Column { file: path, what, setting, columns });
            }
        };
        let kind = spec.kind.unwrap_or(Kind::OptOut);
        let suppresses = kind != Kind::Consent;
        if let Some(why) = shape::subscribed(&sample).filter(|_| suppresses) {
            if !spec.allow_subscribed {
                return Err(SourceError::Subscribed { file: path, why });
            }
            warnings.push(format!("{why}; taken because of allow_subscribed = true"));
        }
        if let Some(what) = shape::bounces(&sample).filter(|_| kind != Kind::Undeliverable) {
            warnings.push(format!(
                "this looks like {what}: a bounce says that an address does not work, not that \
                 the person objected; every row is taken as {kind}"
            ));
        }
        Ok(Verdict::Take(Table { header: sample.header, email, date, reason }))
    }
}

type Found = (Vec<usize>, Vec<usize>, Vec<usize>);

fn find(sample: &Sample, columns: &Columns) -> Result<Found, ColumnFault> {
    Ok((
        sample.email(columns.email.as_ref())?,
        sample.date(columns.date.as_ref())?,
        sample.reason(columns.reason.as_ref())?,
    ))
}

impl Table {
    /// Which columns are used, for people.
    pub(crate) fn describe(&self) -> String {
        let name = |columns: &[usize]| match columns.first() {
            None => "none".to_owned(),
            Some(at) => match self.header.as_ref().and_then(|header| header.get(*at)) {
                Some(name) => format!("\"{}\"", name.trim().escape_debug()),
                None => format!("number {}", at + 1),
            },
        };
        format!(
            "columns: e-mail {}, date {}, reason {}",
            name(&self.email),
            name(&self.date),
            name(&self.reason)
        )
    }

    /// The names of the columns, where it has them.
    pub(crate) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The columns of the address.
    pub(crate) fn email(&self) -> &[usize] {
        &self.email
    }

    /// Makes a row of a record that begins in this line.
    pub(crate) fn take(
        &self,
        cells: &impl Cells,
        line: u64,
        scratch: &mut Scratch,
        assembler: &mut Assembler<'_>,
    ) -> ControlFlow<()> {
        let email = last_filled(cells, &self.email, &mut scratch.email);
        let Ok(email) = str::from_utf8(email) else {
            assembler.bad(line, Fault::Encoding, "");
            return ControlFlow::Continue(());
        };
        let date = last_filled(cells, &self.date, &mut scratch.date);
        let reason = last_filled(cells, &self.reason, &mut scratch.reason);
        assembler.take(&Raw {
            line,
            emails: &[email],
            date: str::from_utf8(date).unwrap_or("?"),
            reason: &String::from_utf8_lossy(reason),
        })
    }
}

/// Of columns that share a name, the last that is not empty.
fn last_filled<'b>(cells: &'b impl Cells, columns: &[usize], scratch: &'b mut Vec<u8>) -> &'b [u8] {
    match columns.iter().rev().find(|at| !cells.is_blank(**at)) {
        Some(at) => cells.cell(*at, scratch),
        None => b"",
    }
}
