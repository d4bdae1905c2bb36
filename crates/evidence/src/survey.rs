//! What one reading of a file tells about its chain: where its `file` record is, and its last
//! seal.

use std::io;

use crate::chain::{Header, Seal};
use crate::files::Input;
use crate::lines::{Line, Lines, spans};

/// What a file tells about its chain.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// Its `file` record, and where that begins: behind what was written before there were
    /// chains.
    pub(crate) header: Option<(u64, Header)>,
    pub(crate) seal: Option<PlacedSeal>,
    /// How long the file is.
    pub(crate) length: u64,
    /// It ends within a line.
    pub(crate) unended: bool,
}

/// A seal, and where its line is.
#[derive(Debug, Clone)]
pub(crate) struct PlacedSeal {
    pub(crate) seal: Seal,
    /// The first byte of the record.
    pub(crate) start: u64,
    /// The first byte behind its line.
    pub(crate) end: u64,
}

/// A record of the chain itself.
pub(crate) enum Mark {
    Header(u64, Header),
    Seal(PlacedSeal),
}

/// The records of the chain on a line. One that lacks only its line end is whole: no part of
/// it would be JSON.
pub(crate) fn marks(line: &Line<'_>) -> impl Iterator<Item = Mark> {
    let end = line.offset + line.length;
    spans(line.bytes).filter_map(move |span| {
        let record = line.bytes.get(span.clone())?;
        let start = line.offset + span.start as u64;
        if record.starts_with(Seal::BEGIN) {
            let seal = serde_json::from_slice(record).ok()?;
            Some(Mark::Seal(PlacedSeal { seal, start, end }))
        } else if record.starts_with(Header::BEGIN) {
            Some(Mark::Header(start, serde_json::from_slice(record).ok()?))
        } else {
            None
        }
    })
}

impl Survey {
    /// Takes a line into account.
    pub(crate) fn see(&mut self, line: &Line<'_>) {
        for mark in marks(line) {
            match mark {
                Mark::Header(at, header) if self.header.is_none() => {
                    self.header = Some((at, header));
                }
                Mark::Header(..) => {}
                Mark::Seal(seal) => self.seal = Some(seal),
            }
        }
        self.unended = !line.ended;
        self.length = line.offset + line.length;
    }

    /// Reads a file.
    pub(crate) fn of(input: Input) -> io::Result<Self> {
        let mut survey = Self::default();
        let mut lines = Lines::new(input, 0);
        while let Some(line) = lines.next()? {
            survey.see(&line);
        }
        Ok(survey)
    }

    /// Whether the file was closed as files are.
    pub(crate) fn is_closed(&self) -> bool {
        self.seal.as_ref().is_some_and(|seal| seal.seal.last && seal.end == self.length)
    }
}
