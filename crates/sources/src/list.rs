//! A list, opened: looked at once, then checked, then read.
//!
//! Two passes, because a file is to be judged before any of it counts: the first parses and
//! counts every row and gives the report the guards judge by; the second hands the rows out.
//! Neither holds more than a record in memory. If somebody writes to the file in between, the
//! read ends with an error; the rows handed out until then are true all the same, and the next
//! read brings the rest.

use std::io::Read;
use std::ops::ControlFlow;

use suppression::Timestamp;

use crate::csv;
use crate::declared::declared;
use crate::error::SourceError;
use crate::examine::{Examined, examine};
use crate::input::Input;
use crate::markup;
use crate::progress::{Phase, Progress};
use crate::record::{Collector, Fields};
use crate::report::Report;
use crate::row::{Assembler, Row};
use crate::scout::Scout;
use crate::shape;
use crate::sniff::{CsvLayout, SAMPLE_BYTES, sniff};
use crate::spec::{CsvSpec, Format, Spec, XmlSpec};
use crate::text::Text;

/// A file whose layout is known.
#[derive(Debug)]
pub struct List<'a> {
    input: Input,
    spec: &'a Spec,
    examined: Examined,
    layout: Layout<'a>,
    warnings: Vec<String>,
}

#[derive(Debug)]
enum Layout<'a> {
    Csv(CsvLayout),
    Xml(&'a XmlSpec, Fields),
}

impl<'a> List<'a> {
    /// Looks at the file: encoding, layout, columns.
    ///
    /// # Errors
    /// What makes it impossible to read, with file, line and the setting that helps.
    pub fn open(
        input: Input,
        spec: &'a Spec,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, SourceError> {
        let unread = || SourceError::Io {
            file: input.name().to_owned(),
            source: std::io::Error::other("lists of this format are not read yet"),
        };
        let (setting, xml) = match &spec.format {
            Format::Csv(csv) | Format::Detect(csv) => (csv.encoding, false),
            Format::Xml(xml) => (xml.encoding, true),
            _ => return Err(unread()),
        };
        let declared = |head: &[u8]| declared(head).filter(|_| xml);
        let examined = examine(&input, setting, declared, progress)?;
        let mut warnings = Vec::new();
        let layout = match &spec.format {
            Format::Csv(csv) | Format::Detect(csv) => {
                Layout::Csv(csv_layout(&input, &examined, spec, csv, &mut warnings)?)
            }
            Format::Xml(xml) => Layout::Xml(xml, xml_fields(&input, &examined, xml)?),
            _ => return Err(unread()),
        };
        Ok(Self { input, spec, examined, layout, warnings })
    }

    /// Stands for the content of the file and the settings it is read with: while it stays the
    /// same, reading again brings nothing new.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hex = |bytes: [u8; 32]| {
            bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        format!("{}-{}", hex(self.examined.digest), hex(self.spec.digest()))
    }

    /// How the file was understood, in one line: for `check`, `import` and the log.
    #[must_use]
    pub fn describe(&self) -> String {
        let encoding = self.examined.encoding.name();
        match &self.layout {
            Layout::Csv(layout) => {
                let name = |columns: &[usize]| match columns.first() {
                    None => "none".to_owned(),
                    Some(at) => match layout.sample.header.as_ref().and_then(|h| h.get(*at)) {
                        Some(name) => format!("\"{}\"", name.trim().escape_debug()),
                        None => format!("number {}", at + 1),
                    },
                };
                let header = if layout.sample.header.is_some() { "a header" } else { "no header" };
                format!(
                    "CSV in {encoding}, delimiter {}, {header}; columns: e-mail {}, date {}, reason {}",
                    layout.delimiter,
                    name(&layout.email),
                    name(&layout.date),
                    name(&layout.reason)
                )
            }
            Layout::Xml(xml, fields) => {
                let name = |paths: &[crate::path::FieldPath]| {
                    paths.first().map_or_else(|| "none".to_owned(), ToString::to_string)
                };
                format!(
                    "XML in {encoding}, records {}; fields: e-mail {}, date {}, reason {}",
                    xml.record,
                    name(&fields.email),
                    name(&fields.date),
                    name(&fields.reason)
                )
            }
        }
    }

    /// Goes through all rows and counts them, handing out none.
    ///
    /// # Errors
    /// What makes it impossible to read all of it.
    pub fn check(
        &self,
        now: Timestamp,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Report, SourceError> {
        self.pass(Phase::Check, now, progress, &mut |_| ControlFlow::Continue(()))
    }

    /// Hands out every row, until `each` breaks.
    ///
    /// # Errors
    /// What makes it impossible to read all of it; the rows before were handed out.
    pub fn read(
        &self,
        now: Timestamp,
        progress: &mut dyn FnMut(Progress),
        each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<Report, SourceError> {
        self.pass(Phase::Read, now, progress, each)
    }

    fn pass(
        &self,
        phase: Phase,
        now: Timestamp,
        progress: &mut dyn FnMut(Progress),
        each: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<Report, SourceError> {
        let text = Text::start(&self.input, &self.examined, phase, progress)?;
        let mut assembler = Assembler::new(self.spec, now, each);
        assembler.report.warnings.clone_from(&self.warnings);
        let flow = match &self.layout {
            Layout::Csv(layout) => {
                csv::read(text, layout, &mut assembler).map_err(|error| self.input.io(error))?
            }
            Layout::Xml(xml, fields) => {
                let mut collector = Collector::new(&xml.record, fields, &mut assembler);
                let flow = markup::walk(text, &self.input, &mut collector)?;
                let hint = collector.hint();
                assembler.report.warnings.extend(hint);
                flow
            }
        };
        if flow.is_continue() {
            self.input.check_unchanged()?;
        }
        Ok(assembler.report)
    }
}

fn csv_layout(
    input: &Input,
    examined: &Examined,
    spec: &Spec,
    csv: &CsvSpec,
    warnings: &mut Vec<String>,
) -> Result<CsvLayout, SourceError> {
    let file = || input.name().to_owned();
    let mut tell = |_| ();
    let text = Text::start(input, examined, Phase::Examine, &mut tell)?;
    let mut sample = Vec::new();
    text.take(SAMPLE_BYTES as u64).read_to_end(&mut sample).map_err(|error| input.io(error))?;
    let whole = sample.len() < SAMPLE_BYTES;
    let layout = sniff(&sample, whole, csv).map_err(|(fault, columns)| SourceError::Column {
        file: file(),
        what: fault.what,
        setting: fault.setting,
        columns,
    })?;
    let kind = spec.kind.unwrap_or(suppression::Kind::OptOut);
    let suppresses = kind != suppression::Kind::Consent;
    if let Some(why) = shape::subscribed(&layout.sample).filter(|_| suppresses) {
        if !spec.allow_subscribed {
            return Err(SourceError::Subscribed { file: file(), why });
        }
        warnings.push(format!("{why}; taken because of allow_subscribed = true"));
    }
    if let Some(what) =
        shape::bounces(&layout.sample).filter(|_| kind != suppression::Kind::Undeliverable)
    {
        warnings.push(format!(
            "this looks like {what}: a bounce says that an address does not work, not that the \
             person objected; every row is taken as {}",
            kind
        ));
    }
    Ok(layout)
}

fn xml_fields(input: &Input, examined: &Examined, xml: &XmlSpec) -> Result<Fields, SourceError> {
    let own = |path: &Option<crate::path::FieldPath>| path.clone().into_iter().collect();
    let mut fields =
        Fields { email: own(&xml.email), date: own(&xml.date), reason: own(&xml.reason) };
    if xml.email.is_some() && xml.date.is_some() && xml.reason.is_some() {
        return Ok(fields);
    }
    let mut tell = |_| ();
    let text = Text::start(input, examined, Phase::Examine, &mut tell)?;
    let mut scout = Scout::new(&xml.record);
    // It breaks off when it has seen enough.
    let _enough = markup::walk(text, input, &mut scout)?;
    if fields.email.is_empty() {
        fields.email = scout.email().map_err(|what| SourceError::Xml {
            file: input.name().to_owned(),
            place: crate::error::Place { line: 1, column: 1 },
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
