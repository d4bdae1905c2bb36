//! Everything that has columns, once its records are found: which column is which, and from a
//! record to a row. A line of CSV, an object of JSON, a row of a workbook or of a database are the
//! same from here on.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::cell::Domains;
use crate::columns::{ColumnFault, Sample};
use crate::error::SourceError;
use crate::plan::{Plan, PlanFault};
pub(crate) use crate::raw::Cells;
use crate::raw::Texts;
use crate::recognise::{self, Seen};
use crate::report::{Fault, word};
use crate::row::Assembler;
use crate::shown::shown;
use crate::spec::{Columns, Spec};

/// What is known of a table before its columns are.
pub(crate) struct Look<'a> {
    /// For messages: the file, and the member of an archive.
    pub(crate) path: PathBuf,
    /// The name of the file or member alone, which may say what is in it.
    pub(crate) file: &'a str,
    /// It is a member of an archive.
    pub(crate) is_member: bool,
    /// The path of its records, in JSON; empty elsewhere.
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
    Take(Box<Table>),
    /// It is none of the list's, because of this: told, and not read.
    LeaveOut(String),
}

/// Which column is which, and what rows mean.
#[derive(Debug)]
pub(crate) struct Table {
    header: Option<Vec<String>>,
    plan: Plan,
}

/// Room for the cells of one record.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    texts: Texts,
    seen: Seen,
    room: Vec<u8>,
}

impl Look<'_> {
    /// Finds the columns, and looks whether it may be read at all.
    pub(crate) fn judge(self, warnings: &mut Vec<String>) -> Result<Verdict, SourceError> {
        let Self { path, file, is_member, within, sample, columns, spec } = self;
        let plan = Plan::new(spec, columns, &recognise::Look::new(file, within, &sample));
        let header = sample.header;
        // Mailchimp's archive has one file for each state of its people.
        let of_mailchimp =
            ["subscribed_", "nonsubscribed_"].iter().any(|start| file.starts_with(start));
        if let (Err(PlanFault::Subscribed(why)), true) = (&plan, is_member && of_mailchimp) {
            return Ok(Verdict::LeaveOut(format!("left out: {why}")));
        }
        let mut plan = plan.map_err(|fault| match fault {
            PlanFault::Column(ColumnFault { setting, what }) => {
                let columns = header.clone().unwrap_or_default();
                SourceError::Column { file: path, what, setting, columns }
            }
            PlanFault::Subscribed(why) => SourceError::Subscribed { file: path, why },
            PlanFault::Never(why) => SourceError::NotOptOuts { file: path, why },
            PlanFault::Digests(algorithm) => {
                SourceError::Digests { file: path, algorithm: word(algorithm) }
            }
        })?;
        warnings.append(&mut plan.warnings);
        Ok(Verdict::Take(Box::new(Table { header, plan })))
    }
}

impl Table {
    /// For formats that say themselves whom a row is about: the first cell is an address or a
    /// domain with an `@`, the second the reason.
    pub(crate) fn of_recipients() -> Self {
        let plan =
            Plan { email: vec![0], reason: vec![1], domains: Domains::WithAt, ..Plan::default() };
        Self { header: None, plan }
    }

    /// What it was recognised as.
    pub(crate) fn recognised(&self) -> Option<&'static str> {
        self.plan.provider.map(|provider| provider.name)
    }

    /// Which columns are used, for people.
    pub(crate) fn describe(&self) -> String {
        let plan = &self.plan;
        let name = |columns: &[usize]| {
            let first = columns.first()?;
            Some(match self.header.as_ref().and_then(|header| header.get(*first)) {
                Some(name) => shown(name),
                None => format!("number {}", first + 1),
            })
        };
        let always = |columns| name(columns).unwrap_or_else(|| "none".to_owned());
        let mut text = match self.recognised() {
            Some(what) => format!("recognised as {what}; "),
            None => String::new(),
        };
        text.push_str(&format!(
            "columns: e-mail {}, date {}, reason {}",
            always(&plan.email),
            always(&plan.date),
            always(&plan.reason)
        ));
        let more = [("kind", &plan.kind), ("scope", &plan.scope), ("until", &plan.until)];
        for (what, columns) in more {
            if let Some(column) = name(columns) {
                text.push_str(&format!(", {what} {column}"));
            }
        }
        let asked: Vec<_> = plan.asked.iter().filter_map(|columns| name(columns)).collect();
        if !asked.is_empty() {
            text.push_str(&format!(", and what a row means by {}", asked.join(", ")));
        }
        if !plan.others.is_empty() {
            let names = plan.others.iter().map(|(name, _)| shown(name));
            text.push_str(&format!(", each of {}", names.collect::<Vec<_>>().join(", ")));
        }
        if let Some(times) = plan.times {
            text.push_str(&format!("; times: {times}"));
        }
        text
    }

    /// The names of the columns, where it has them.
    pub(crate) fn header(&self) -> Option<&[String]> {
        self.header.as_deref()
    }

    /// The columns of the address.
    pub(crate) fn email(&self) -> &[usize] {
        &self.plan.email
    }

    /// Makes a row of a record that begins in this line.
    pub(crate) fn take(
        &self,
        cells: &impl Cells,
        line: u64,
        scratch: &mut Scratch,
        assembler: &mut Assembler<'_>,
    ) -> ControlFlow<()> {
        if !scratch.texts.fill(&self.plan, cells) {
            assembler.bad(line, Fault::Encoding, "");
            return ControlFlow::Continue(());
        }
        if scratch.texts.has_email() {
            let (seen, room) = (&mut scratch.seen, &mut scratch.room);
            let text = |at| String::from_utf8_lossy(cells.cell(at, room)).into_owned();
            if let Some(why) = self.plan.signs.row(seen, text) {
                return assembler.refuse(line, &why);
            }
        }
        scratch.texts.with_raw(line, &self.plan, |raw| assembler.take(&self.plan, raw))
    }
}
