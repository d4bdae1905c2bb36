//! One part of a list, looked at, and how it is then read.

use std::io::Read;
use std::ops::ControlFlow;

use crate::columns::Sample;
use crate::csv;
use crate::declared::declared;
use crate::error::{Place, SourceError};
use crate::examine::{Examined, examine};
use crate::markup;
use crate::objects;
use crate::part::Part;
use crate::path::FieldPath;
use crate::plan::Plan;
use crate::progress::{Phase, Progress};
use crate::recognise;
use crate::record::{Collector, Fields};
use crate::row::Assembler;
use crate::rows;
use crate::scout::Scout;
use crate::sniff::{CsvLayout, SAMPLE_BYTES, sniff};
use crate::spec::{Columns, CsvSpec, Format, JsonSpec, Spec, XmlSpec};
use crate::survey::{self, Records};
use crate::table::{Look, Table, Verdict};
use crate::text::Text;

/// A part whose layout is known.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    part: Part,
    layout: Layout<'a>,
}

#[derive(Debug)]
enum Layout<'a> {
    Csv(Examined, CsvLayout, Table),
    Xml(Examined, &'a XmlSpec, Fields, Plan),
    Json(Examined, Records, Table),
    Rows(Table),
}

impl<'a> Reader<'a> {
    /// Looks at all bytes of a part. Gives their digest, and no reader where the part turns out
    /// to be none of the list's, which `warnings` then tells.
    pub(crate) fn open(
        part: Part,
        spec: &'a Spec,
        warnings: &mut Vec<String>,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<([u8; 32], Option<Self>), SourceError> {
        let open = Opening { part: &part, spec, warnings, progress };
        let (digest, layout) = match &spec.format {
            Format::Table(columns) => open.rows(columns)?,
            Format::Csv(csv) | Format::Detect(csv) => open.csv(csv)?,
            Format::Xml(xml) => open.xml(xml)?,
            Format::Json(json) => open.json(json)?,
            _ => {
                let what = "lists of this format are not read yet";
                return Err(part.io(std::io::Error::other(what)));
            }
        };
        Ok((digest, layout.map(|layout| Self { part, layout })))
    }

    pub(crate) fn length(&self) -> u64 {
        self.part.length()
    }

    /// The name of the file or member alone.
    pub(crate) fn label(&self) -> String {
        self.part.label()
    }

    /// How it was understood, in one line.
    pub(crate) fn describe(&self) -> String {
        match &self.layout {
            Layout::Csv(examined, layout, table) => {
                let encoding = examined.encoding.name();
                let header = if layout.header { "a header" } else { "no header" };
                let (delimiter, columns) = (layout.delimiter, table.describe());
                format!("CSV in {encoding}, delimiter {delimiter}, {header}; {columns}")
            }
            Layout::Json(examined, records, table) => {
                let encoding = examined.encoding.name();
                let within = match records.within.as_str() {
                    "" => "one after another".to_owned(),
                    path => format!("in `{}`", path.escape_debug()),
                };
                format!("JSON in {encoding}, records {within}; {}", table.describe())
            }
            Layout::Rows(table) => format!("rows of a database; {}", table.describe()),
            Layout::Xml(examined, xml, fields, plan) => {
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
        phase: Phase,
        progress: &mut dyn FnMut(Progress),
        assembler: &mut Assembler<'_>,
    ) -> Result<ControlFlow<()>, SourceError> {
        let text = |examined, progress| Text::start(&self.part, examined, phase, progress);
        let io = |error| self.part.io(error);
        match &self.layout {
            Layout::Csv(examined, layout, table) => {
                csv::read(text(examined, progress)?, layout, table, assembler).map_err(io)
            }
            Layout::Xml(examined, xml, fields, plan) => {
                let mut collector = Collector::new(&xml.record, fields, plan, assembler);
                let flow = markup::walk(text(examined, progress)?, &self.part, &mut collector)?;
                let hint = collector.hint();
                assembler.report.warnings.extend(hint);
                Ok(flow)
            }
            Layout::Json(examined, records, table) => {
                let text = text(examined, progress)?;
                let before = assembler.report.rows;
                let flow = objects::read(text, &self.part, &records.within, table, assembler)?;
                let rows = assembler.report.rows - before;
                if flow.is_continue() {
                    assembler.report.warnings.extend(records.missing(rows));
                }
                Ok(flow)
            }
            Layout::Rows(table) => match self.part.input().table() {
                Some(spool) => rows::read(spool, table, phase, progress, assembler).map_err(io),
                None => Err(not_rows(&self.part)),
            },
        }
    }
}

fn not_rows(part: &Part) -> SourceError {
    part.io(std::io::Error::other("a table is read from rows of a database, and this is a file"))
}

/// A part that is being looked at.
struct Opening<'o> {
    part: &'o Part,
    spec: &'o Spec,
    warnings: &'o mut Vec<String>,
    progress: &'o mut dyn FnMut(Progress),
}

type Opened<'a> = Result<([u8; 32], Option<Layout<'a>>), SourceError>;

impl Opening<'_> {
    /// Finds the columns; none where the part is none of the list's.
    fn table(
        &mut self,
        sample: Sample,
        within: &str,
        columns: &Columns,
    ) -> Result<Option<Table>, SourceError> {
        let path = self.part.name().to_owned();
        let look =
            Look { path, file: &self.part.label(), within, sample, columns, spec: self.spec };
        Ok(match look.judge(self.warnings)? {
            Verdict::Take(table) => Some(*table),
            Verdict::LeaveOut(why) => {
                self.warnings.push(why);
                None
            }
        })
    }

    fn rows<'a>(mut self, columns: &Columns) -> Opened<'a> {
        let spool = self.part.input().table().ok_or_else(|| not_rows(self.part))?;
        let io = |error| self.part.io(error);
        let digest = rows::examine(spool).map_err(io)?;
        let sample = rows::sample(spool).map_err(io)?;
        Ok((digest, self.table(sample, "", columns)?.map(Layout::Rows)))
    }

    fn csv<'a>(mut self, csv: &CsvSpec) -> Opened<'a> {
        let examined = examine(self.part, csv.encoding, |_| None, self.progress)?;
        let text = Text::again(self.part, &examined)?;
        let mut start = Vec::new();
        let read = text.take(SAMPLE_BYTES as u64).read_to_end(&mut start);
        read.map_err(|error| self.part.io(error))?;
        let (layout, sample) = sniff(&start, start.len() < SAMPLE_BYTES, csv);
        let table = self.table(sample, "", &csv.columns)?;
        Ok((examined.digest, table.map(|table| Layout::Csv(examined, layout, table))))
    }

    fn json<'a>(mut self, json: &JsonSpec) -> Opened<'a> {
        let examined = examine(self.part, json.encoding, |_| None, self.progress)?;
        let part = self.part;
        let text = || Text::again(part, &examined);
        let records = match &json.records {
            Some(path) => Records::configured(path),
            None => survey::find(text()?, part)?,
        };
        let within = records.within.as_str();
        let sample = match objects::sample(text()?, part, within)? {
            Some(sample) => sample,
            // A file without anything in it.
            None if within.is_empty() => Sample::default(),
            None => {
                let arrays = survey::arrays(text()?, part)?;
                let what = format!(
                    "nothing is at `{}`, where `records` says that the records are; the arrays in \
                     it are: {arrays}",
                    within.escape_debug()
                );
                let place = Place { line: 1, column: 1 };
                return Err(SourceError::Json { file: part.name().to_owned(), place, what });
            }
        };
        let digest = examined.digest;
        let table = self.table(sample, within, &json.columns)?;
        Ok((digest, table.map(|table| Layout::Json(examined, records, table))))
    }

    fn xml<'a>(self, xml: &'a XmlSpec) -> Opened<'a> {
        let examined = examine(self.part, xml.encoding, declared, self.progress)?;
        let fields = xml_fields(self.part, &examined, xml)?;
        let (label, path) = (self.part.label(), xml.record.to_string());
        let plan = Plan::bare(&recognise::Look::new(&label, &path, &Sample::default()), self.spec);
        let file = || self.part.name().to_owned();
        let mut plan = plan.map_err(|why| SourceError::NotOptOuts { file: file(), why })?;
        self.warnings.append(&mut plan.warnings);
        Ok((examined.digest, Some(Layout::Xml(examined, xml, fields, plan))))
    }
}

fn xml_fields(part: &Part, examined: &Examined, xml: &XmlSpec) -> Result<Fields, SourceError> {
    let own = |path: &Option<FieldPath>| path.clone().into_iter().collect();
    let mut fields = Fields {
        email: own(&xml.email),
        date: own(&xml.date),
        reason: own(&xml.reason),
        kind: own(&xml.kind),
        scope: own(&xml.scope),
        until: own(&xml.until),
    };
    if xml.email.is_some() && xml.date.is_some() && xml.reason.is_some() {
        return Ok(fields);
    }
    let text = Text::again(part, examined)?;
    let mut scout = Scout::new(&xml.record);
    // It breaks off when it has seen enough.
    let _enough = markup::walk(text, part, &mut scout)?;
    if fields.email.is_empty() {
        fields.email = scout.email().map_err(|what| SourceError::Xml {
            file: part.name().to_owned(),
            place: Place { line: 1, column: 1 },
            what,
        })?;
    }
    if fields.date.is_empty() {
        fields.date = scout.date();
    }
    if fields.reason.is_empty() {
        fields.reason = scout.reason();
    }
    Ok(fields)
}
