//! A list, opened: looked at once, then checked, then read.
//!
//! Two passes, because a list is to be judged before any of it counts: the first parses and
//! counts every row and gives the report the guards judge by; the second hands the rows out.
//! Neither holds more than a record in memory. If somebody writes to a file in between, the
//! read ends with an error; the rows handed out until then are true all the same, and the next
//! read brings the rest.
//!
//! A list may have several parts: the files of a folder, the members of an archive. They are
//! judged together, and one that cannot be read refuses all of it.

use std::ops::ControlFlow;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use suppression::{HashedForm, Timestamp};

use crate::error::SourceError;
use crate::input::Input;
use crate::inputs::Inputs;
use crate::part::Part;
use crate::progress::{Phase, Progress};
use crate::reader::Reader;
use crate::report::Report;
use crate::row::{Assembler, Row};
use crate::spec::Spec;

/// A list whose layout is known.
#[derive(Debug)]
pub struct List<'a> {
    inputs: Vec<Arc<Input>>,
    spec: &'a Spec,
    readers: Vec<Reader<'a>>,
    digest: [u8; 32],
    warnings: Vec<String>,
}

impl<'a> List<'a> {
    /// Looks at all of it: encoding, layout, columns. `inputs` is an [`Input`] or [`Inputs`].
    ///
    /// # Errors
    /// What makes it impossible to read, with file, line and the setting that helps.
    pub fn open(
        inputs: impl Into<Inputs>,
        spec: &'a Spec,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, SourceError> {
        let (inputs, mut left_out, place) = inputs.into().into_parts();
        let inputs: Vec<_> = inputs.into_iter().map(Arc::new).collect();
        let mut parts = Vec::new();
        for input in &inputs {
            parts.extend(Part::of(Arc::clone(input), &mut left_out)?);
        }
        let mut warnings = Vec::new();
        match (&place, inputs.as_slice()) {
            (Some(place), []) => warnings.push(format!("{}: there is no file", place.display())),
            (_, [archive]) if parts.is_empty() => {
                let name = archive.name().display();
                warnings.push(format!("{name}: there is no file in it"));
            }
            _ => {}
        }
        if !left_out.is_empty() {
            warnings.push(format!("left out: {}", some(&left_out)));
        }
        let mut digest = Sha256::new();
        let mut readers = Vec::new();
        let total = parts.iter().map(Part::length).sum();
        let (mut done, several) = (0, parts.len() > 1);
        for part in parts {
            let length = part.length();
            let mut tell = |at: Progress| progress(Progress { done: done + at.done, total, ..at });
            let mut told = Vec::new();
            let label = part.label();
            let (part_digest, reader) = Reader::open(part, spec, &mut told, &mut tell)?;
            digest.update(part_digest);
            readers.extend(reader);
            warnings.extend(told.into_iter().map(|warning| match several {
                true => format!("{}: {warning}", label.escape_debug()),
                false => warning,
            }));
            done += length;
        }
        Ok(Self { inputs, spec, readers, digest: digest.finalize().into(), warnings })
    }

    /// Stands for the content of all files and the settings they are read with: while it stays
    /// the same, reading again brings nothing new.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let hex = |bytes: [u8; 32]| {
            bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        format!("{}-{}", hex(self.digest), hex(self.spec.digest()))
    }

    /// How the list was understood, in one line: for `check`, `import` and the log.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut ways: Vec<(String, usize)> = Vec::new();
        for reader in &self.readers {
            let way = reader.describe();
            match ways.iter_mut().find(|(known, _)| *known == way) {
                Some((_, times)) => *times += 1,
                None => ways.push((way, 1)),
            }
        }
        let several = self.readers.len() > 1;
        let texts = ways.into_iter().map(|(way, times)| match times {
            1 if several => format!("1 file: {way}"),
            1 => way,
            _ => format!("{times} files: {way}"),
        });
        let texts: Vec<_> = texts.collect();
        if texts.is_empty() { "no file".to_owned() } else { texts.join("; ") }
    }

    /// What its files are recognised as, each once.
    #[must_use]
    pub fn recognised(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.readers.iter().filter_map(Reader::recognised).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The form of its digests, if it is a list of digests.
    #[must_use]
    pub fn hashed(&self) -> Option<&Arc<HashedForm>> {
        self.spec.hashed.as_ref()
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
        let mut assembler = Assembler::new(self.spec, now, each);
        assembler.report.warnings.clone_from(&self.warnings);
        let total = self.readers.iter().map(Reader::length).sum();
        let (mut done, several) = (0, self.readers.len() > 1);
        for reader in &self.readers {
            let mut tell = |at: Progress| progress(Progress { done: done + at.done, total, ..at });
            let (known, rows) = (assembler.report.bad_rows.len(), assembler.report.rows);
            let bad = assembler.report.bad;
            let flow = reader.read(phase, &mut tell, &mut assembler)?;
            let new = assembler.report.bad_rows.iter_mut().skip(known);
            new.filter(|_| several).for_each(|row| row.file = Some(reader.label()));
            if several && assembler.report.rows == rows {
                assembler.report.empty.push(reader.label());
            }
            if several {
                let report = &mut assembler.report;
                report.file(reader.label(), report.rows - rows, report.bad - bad);
            }
            if let Some(why) = assembler.take_refused() {
                return Err(SourceError::Subscribed { file: reader.name().to_owned(), why });
            }
            if flow.is_break() {
                return Ok(assembler.report);
            }
            done += reader.length();
        }
        self.inputs.iter().try_for_each(|input| input.check_unchanged())?;
        Ok(assembler.report)
    }
}

/// The first ten, as there may be thousands.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text = names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
