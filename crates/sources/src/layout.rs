//! How one part of a list is laid out, found out or configured, and how it is read so.

use std::ops::ControlFlow;

use crate::access_map;
use crate::csv;
use crate::error::SourceError;
use crate::examine::Examined;
use crate::markup;
use crate::objects;
use crate::part::Part;
use crate::path::FieldPath;
use crate::plan::Plan;
use crate::progress::{Phase, Progress};
use crate::record::{Collector, Fields};
use crate::row::Assembler;
use crate::rows;
use crate::sheet::{self, Sheet};
use crate::sniff::CsvLayout;
use crate::spec::XmlSpec;
use crate::survey::Records;
use crate::table::Table;
use crate::text::Text;

/// Where in a part things are.
#[derive(Debug)]
pub(crate) enum Layout<'a> {
    Csv(Examined, CsvLayout, Table),
    Xml(Examined, &'a XmlSpec, Fields, Plan),
    Json(Examined, Records, Table),
    AccessMap(Examined, Table),
    Xlsx(Sheet, Table),
    Rows(Table),
}

impl Layout<'_> {
    /// What it was recognised as.
    pub(crate) fn recognised(&self) -> Option<&'static str> {
        match self {
            Self::Csv(_, _, table)
            | Self::Json(_, _, table)
            | Self::Xlsx(_, table)
            | Self::AccessMap(_, table)
            | Self::Rows(table) => table.recognised(),
            Self::Xml(_, _, _, plan) => plan.provider.map(|provider| provider.name),
        }
    }

    /// In one line, for people.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Csv(examined, layout, table) => {
                let encoding = examined.encoding.name();
                let (delimiter, columns) = (layout.delimiter, table.describe());
                let header = header(layout.header);
                format!("CSV in {encoding}, delimiter {delimiter}, {header}; {columns}")
            }
            Self::Json(examined, records, table) => {
                let encoding = examined.encoding.name();
                let within = match records.within.as_str() {
                    "" => "one after another".to_owned(),
                    path => format!("in `{}`", path.escape_debug()),
                };
                format!("JSON in {encoding}, records {within}; {}", table.describe())
            }
            Self::Xlsx(sheet, table) => {
                let (name, header) = (sheet.name.escape_debug(), header(sheet.header));
                format!("XLSX, sheet \"{name}\", {header}; {}", table.describe())
            }
            Self::AccessMap(examined, _) => {
                format!("a Postfix access map in {}", examined.encoding.name())
            }
            Self::Rows(table) => format!("rows of a database; {}", table.describe()),
            Self::Xml(examined, xml, fields, plan) => {
                let encoding = examined.encoding.name();
                let name = |paths: &[FieldPath]| {
                    paths.first().map_or_else(|| "none".to_owned(), ToString::to_string)
                };
                let known = match plan.provider {
                    Some(provider) => format!("; recognised as {}", provider.name),
                    None => String::new(),
                };
                format!(
                    "XML in {encoding}, records {}{known}; fields: e-mail {}, date {}, reason {}",
                    xml.record,
                    name(&fields.email),
                    name(&fields.date),
                    name(&fields.reason)
                )
            }
        }
    }

    /// Hands all rows to the assembler, until it breaks.
    pub(crate) fn read(
        &self,
        part: &Part,
        phase: Phase,
        progress: &mut dyn FnMut(Progress),
        assembler: &mut Assembler<'_>,
    ) -> Result<ControlFlow<()>, SourceError> {
        let text = |examined, progress| Text::start(part, examined, phase, progress);
        let io = |error| part.io(error);
        match self {
            Self::Csv(examined, layout, table) => {
                csv::read(text(examined, progress)?, layout, table, assembler).map_err(io)
            }
            Self::Xml(examined, xml, fields, plan) => {
                let mut collector = Collector::new(&xml.record, fields, plan, assembler);
                let flow = markup::walk(text(examined, progress)?, part, &mut collector)?;
                let hint = collector.hint();
                assembler.report.warnings.extend(hint);
                Ok(flow)
            }
            Self::Json(examined, records, table) => {
                let text = text(examined, progress)?;
                let gone_by = |report: &crate::report::Report| report.rows + report.unselected;
                let before = gone_by(&assembler.report);
                let flow = objects::read(text, part, &records.within, table, assembler)?;
                let rows = gone_by(&assembler.report) - before;
                if flow.is_continue() {
                    assembler.report.warnings.extend(records.missing(rows));
                }
                Ok(flow)
            }
            Self::AccessMap(examined, table) => {
                access_map::read(text(examined, progress)?, table, assembler).map_err(io)
            }
            Self::Xlsx(found, table) => sheet::read(part, found, table, phase, progress, assembler),
            Self::Rows(table) => match part.input().table() {
                Some(spool) => rows::read(spool, table, phase, progress, assembler).map_err(io),
                None => Err(not_rows(part)),
            },
        }
    }
}

fn header(is_there: bool) -> &'static str {
    if is_there { "a header" } else { "no header" }
}

/// A table is asked for, and there is a file.
pub(crate) fn not_rows(part: &Part) -> SourceError {
    part.io(std::io::Error::other("a table is read from rows of a database, and this is a file"))
}
