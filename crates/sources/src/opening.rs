//! The first look at a part of a list: what is it, and where in it are things?

use std::io::Read;

use crate::columns::Sample;
use crate::declared::declared;
use crate::detect::{self, Kind};
use crate::error::{Place, SourceError};
use crate::examine::{Examined, digest, examine};
use crate::layout::{Layout, not_rows};
use crate::markup;
use crate::objects;
use crate::part::Part;
use crate::path::FieldPath;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::recognise;
use crate::record::Fields;
use crate::rows;
use crate::scout::Scout;
use crate::sheet;
use crate::sniff::{SAMPLE_BYTES, sniff};
use crate::spec::{Charset, Columns, CsvSpec, Format, JsonSpec, Spec, XlsxSpec, XmlSpec};
use crate::survey::{self, Records};
use crate::table::{Look, Table, Verdict};
use crate::text::Text;
use crate::workbook;

/// A part that is being looked at.
pub(crate) struct Opening<'o, 'a> {
    pub(crate) part: &'o Part,
    pub(crate) spec: &'a Spec,
    pub(crate) warnings: &'o mut Vec<String>,
    pub(crate) progress: &'o mut dyn FnMut(Progress),
}

/// A digest of all bytes, and no layout where the part is none of the list's.
type Opened<'a> = Result<([u8; 32], Option<Layout<'a>>), SourceError>;

impl<'a> Opening<'_, 'a> {
    /// Looks at all of it.
    pub(crate) fn look(mut self) -> Opened<'a> {
        match &self.spec.format {
            Format::Table(columns) => self.rows(columns),
            Format::Xlsx(xlsx) => self.xlsx(xlsx),
            Format::Detect(csv) => self.whatever(csv),
            Format::Csv(csv) => {
                let examined = self.examine(csv.encoding)?;
                self.csv(examined, csv)
            }
            Format::Xml(xml) => {
                let examined = examine(self.part, xml.encoding, declared, self.progress)?;
                self.xml(examined, xml)
            }
            Format::Json(json) => {
                let examined = self.examine(json.encoding)?;
                self.json(examined, json)
            }
            Format::AccessMap(map) => {
                let examined = self.examine(map.encoding)?;
                Ok(Self::access_map(examined))
            }
        }
    }

    fn examine(&mut self, encoding: Option<Charset>) -> Result<Examined, SourceError> {
        examine(self.part, encoding, |_| None, self.progress)
    }

    /// Finds the columns; none where the part is none of the list's.
    fn table(
        &mut self,
        sample: Sample,
        within: &str,
        columns: &Columns,
    ) -> Result<Option<Table>, SourceError> {
        let look = Look {
            path: self.part.name().to_owned(),
            file: &self.part.label(),
            is_member: self.part.is_member(),
            within,
            sample,
            columns,
            spec: self.spec,
        };
        Ok(match look.judge(self.warnings)? {
            Verdict::Take(table) => Some(*table),
            Verdict::LeaveOut(why) => {
                self.warnings.push(why);
                None
            }
        })
    }

    fn rows(mut self, columns: &Columns) -> Opened<'a> {
        let spool = self.part.input().table().ok_or_else(|| not_rows(self.part))?;
        let digest = digest(self.part, self.progress)?;
        let sample = rows::sample(spool).map_err(|error| self.part.io(error))?;
        Ok((digest, self.table(sample, "", columns)?.map(Layout::Rows)))
    }

    fn xlsx(mut self, xlsx: &XlsxSpec) -> Opened<'a> {
        workbook::check(self.part)?;
        let digest = digest(self.part, self.progress)?;
        let (sheet, sample) = sheet::look(self.part, xlsx, self.warnings)?;
        let table = self.table(sample, "", &xlsx.columns)?;
        Ok((digest, table.map(|table| Layout::Xlsx(sheet, table))))
    }

    /// By what is in it.
    fn whatever(self, csv: &CsvSpec) -> Opened<'a> {
        let CsvSpec { columns, encoding, header, .. } = csv.clone();
        if self.part.is_workbook()? {
            return self.xlsx(&XlsxSpec { sheet: None, columns, header });
        }
        let examined = examine(self.part, encoding, declared, self.progress)?;
        let (start, whole) = self.start(&examined)?;
        match detect::kind(&String::from_utf8_lossy(&start), whole) {
            Kind::Xml => Err(SourceError::Xml {
                file: self.part.name().to_owned(),
                place: Place { line: 1, column: 1 },
                what: "this is XML: name it with `xml` instead, and say with `record` which \
                       elements are one person each"
                    .to_owned(),
            }),
            Kind::Json => self.json(examined, &JsonSpec { records: None, columns, encoding }),
            Kind::AccessMap => Ok(Self::access_map(examined)),
            Kind::Csv => self.csv(examined, csv),
        }
    }

    /// The beginning of a text, and whether it is all of it.
    fn start(&self, examined: &Examined) -> Result<(Vec<u8>, bool), SourceError> {
        let text = Text::again(self.part, examined)?;
        let mut start = Vec::new();
        let read = text.take(SAMPLE_BYTES as u64).read_to_end(&mut start);
        read.map_err(|error| self.part.io(error))?;
        let whole = start.len() < SAMPLE_BYTES;
        Ok((start, whole))
    }

    fn csv(mut self, examined: Examined, csv: &CsvSpec) -> Opened<'a> {
        let (start, whole) = self.start(&examined)?;
        let (layout, sample) = sniff(&start, whole, csv);
        let table = self.table(sample, "", &csv.columns)?;
        Ok((examined.digest, table.map(|table| Layout::Csv(examined, layout, table))))
    }

    fn access_map(examined: Examined) -> ([u8; 32], Option<Layout<'a>>) {
        (examined.digest, Some(Layout::AccessMap(examined, Table::of_recipients())))
    }

    fn json(mut self, examined: Examined, json: &JsonSpec) -> Opened<'a> {
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

    fn xml(self, examined: Examined, xml: &'a XmlSpec) -> Opened<'a> {
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
