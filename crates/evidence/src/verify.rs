//! Walking the chain again, from its first file to its last byte: what an auditor does, and
//! what `docs/evidence.md` tells anybody to do without this program.
//!
//! Each file is read twice: once for its seals, once for what they cover. A range that does
//! not fit its seal is told, and the walk goes on from what the seal says, so that one changed
//! byte is one fault and not all that comes after.

use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use suppression::{Digest, Timestamp};

use crate::chain::{ChainId, Hashing, Header, NONE};
use crate::error::EvidenceError;
use crate::fault::Fault;
use crate::files::{Files, Input, name_of};
use crate::head::Head;
use crate::lines::{Lines, records, spans};
use crate::survey::{Mark, PlacedSeal, marks};

const BUFFER: usize = 256 * 1024;
/// Faults that are told; a file of somebody else's would have no end of them.
const FAULTS_MAX: usize = 100;

/// What a walk over the whole chain has found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Walk {
    /// Nothing that was sealed was changed, and no file in between is missing.
    pub intact: bool,
    /// The name of the chain; none if nothing was ever sealed.
    pub chain: Option<ChainId>,
    /// The files, the oldest first.
    pub files: Vec<WalkedFile>,
    /// The first file is not the first of its chain: those before it were taken away.
    pub earlier_removed: bool,
    /// The end of what is sealed. Kept elsewhere, it proves later that nothing before it was
    /// changed since.
    pub head: Option<Head>,
    /// Whether the head that was asked for lies on the chain; none if none was.
    pub holds: Option<bool>,
    /// What came after the last seal: the last second, or what a crash has left.
    pub unsealed: Unsealed,
    /// Records that are not whole: a write was cut short.
    pub torn: u64,
    /// What is wrong, at most a hundred of it.
    pub faults: Vec<Fault>,
}

/// A file of the chain.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WalkedFile {
    /// Its name.
    pub name: String,
    /// Its place in the chain; none without a `file` record.
    pub number: Option<u64>,
    /// When it was begun, or, where older records stand before the chain, when that was.
    pub began: Option<Timestamp>,
    /// Bytes before its `file` record: older than the chain, and sealed as they were found.
    pub older: u64,
    /// Bytes, unpacked.
    pub bytes: u64,
    /// Records, those of the chain not counted.
    pub records: u64,
    /// Seals.
    pub seals: u64,
}

/// What no seal covers yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Unsealed {
    /// Bytes, without the last seal itself.
    pub bytes: u64,
    /// Records.
    pub records: u64,
    /// When the earliest of them was made.
    pub first: Option<Timestamp>,
    /// When the latest was.
    pub last: Option<Timestamp>,
}

impl Unsealed {
    fn add(&mut self, left: &Self) {
        self.bytes += left.bytes;
        self.records += left.records;
        self.first = self.first.into_iter().chain(left.first).min();
        self.last = self.last.into_iter().chain(left.last).max();
    }
}

/// Walks over all files. `head`: one that was kept; whether the chain goes through it.
///
/// # Errors
/// When there is no evidence, or it cannot be read. A packed file that is damaged is a fault
/// of the chain, and no error.
pub fn verify(path: &Path, head: Option<&Head>) -> Result<Walk, EvidenceError> {
    let files = Files::find(path).map_err(|error| EvidenceError::file(path, error))?;
    let mut walker = Walker::new(head);
    for closed in &files.closed {
        let first = open(&closed.path, closed.open())?;
        let second = open(&closed.path, closed.open())?;
        walker.walk(closed.name(), Some(closed.number), first, second)?;
    }
    if let Some(current) = files.current {
        let (first, second) = current.open_twice().map_err(|e| EvidenceError::file(path, e))?;
        walker.walk(name_of(path), None, first, second)?;
    }
    Ok(walker.finish())
}

fn open(path: &Path, input: io::Result<Input>) -> Result<Input, EvidenceError> {
    input.map_err(|error| EvidenceError::file(path, error))
}

struct Walker<'a> {
    wanted: Option<&'a Head>,
    walk: Walk,
    /// The file before: its number, and its final hash if it is known.
    before: Option<(u64, Option<Digest>)>,
}

/// What the first reading of a file has found.
#[derive(Default)]
struct Read1 {
    header: Option<(u64, Header)>,
    seals: Vec<PlacedSeal>,
    records: u64,
    torn: u64,
    length: u64,
    damaged: Option<io::Error>,
}

impl<'a> Walker<'a> {
    fn new(wanted: Option<&'a Head>) -> Self {
        let walk = Walk {
            intact: true,
            chain: None,
            files: Vec::new(),
            earlier_removed: false,
            head: None,
            holds: wanted.map(|_| false),
            unsealed: Unsealed::default(),
            torn: 0,
            faults: Vec::new(),
        };
        Self { wanted, walk, before: None }
    }

    fn fault(&mut self, fault: Fault) {
        self.walk.intact = false;
        if self.walk.faults.len() < FAULTS_MAX {
            self.walk.faults.push(fault);
        }
    }

    fn walk(
        &mut self,
        name: String,
        named: Option<u64>,
        first: Input,
        second: Input,
    ) -> Result<(), EvidenceError> {
        let read = Read1::of(first);
        if let Some(error) = &read.damaged {
            self.fault(Fault::Damaged { file: name.clone(), error: error.to_string() });
        }
        let number = self.place(&name, named, &read);
        let header = read.header.as_ref();
        self.walk.files.push(WalkedFile {
            name: name.clone(),
            number: header.map(|(_, header)| header.number),
            began: header.map(|(_, header)| header.time),
            older: header.map_or(0, |(at, _)| *at),
            bytes: read.length,
            records: read.records,
            seals: read.seals.len() as u64,
        });
        self.walk.torn += read.torn;
        let last = match read.damaged {
            // What it would end with cannot be known.
            Some(_) => None,
            None => self
                .ranges(&name, number, &read, second.take(read.length))
                .map_err(|error| EvidenceError::file(PathBuf::from(&name), error))?,
        };
        self.before = number.map(|number| (number, last));
        Ok(())
    }

    /// Holds the file's place in the chain against the one before.
    fn place(&mut self, name: &str, named: Option<u64>, read: &Read1) -> Option<u64> {
        let header = read.header.as_ref().map(|(_, header)| header);
        let number = header.map(|header| header.number).or(named);
        if let (Some(header), Some(named)) = (header, named)
            && header.number != named
        {
            let file = name.to_owned();
            self.fault(Fault::Renamed { file, is: header.number });
        }
        if header.is_none() && read.damaged.is_none() && (named.is_some() || self.before.is_some())
        {
            self.fault(Fault::NoBeginning { file: name.to_owned() });
        }
        if let Some(header) = header {
            match self.walk.chain {
                None => self.walk.chain = Some(header.chain),
                Some(chain) if chain != header.chain => {
                    let file = name.to_owned();
                    self.fault(Fault::OtherChain { file, chain: header.chain });
                }
                Some(_) => {}
            }
        }
        let number = number?;
        match self.before {
            None => self.walk.earlier_removed = number > 1,
            Some((before, _)) if before + 1 == number => {}
            Some((before, _)) if before < number => {
                self.fault(Fault::Missing { from: before + 1, to: number - 1 });
            }
            Some((before, _)) => {
                let file = name.to_owned();
                self.fault(Fault::Twice { file, number, before });
            }
        }
        Some(number)
    }

    /// Holds each seal against the bytes it covers; returns the file's final hash.
    fn ranges(
        &mut self,
        name: &str,
        number: Option<u64>,
        read: &Read1,
        input: io::Take<Input>,
    ) -> io::Result<Option<Digest>> {
        let mut bytes = Ranges { input, at: 0, lines: 0 };
        let mut hash = self.begin(name, number, read);
        let mut to = 0;
        for placed in &read.seals {
            let seal = &placed.seal;
            if seal.from != to || seal.to < seal.from || seal.to > placed.start {
                let (file, at) = (name.to_owned(), placed.start);
                self.fault(Fault::Misplaced {
                    file,
                    at,
                    from: seal.from,
                    to: seal.to,
                    expected: to,
                });
                if seal.to < to || seal.to > placed.start {
                    continue;
                }
                bytes.skip_to(seal.from.max(to))?;
            }
            let line = bytes.lines + 1;
            if bytes.hash(&hash, seal.to)? != seal.hash {
                let file = name.to_owned();
                self.fault(Fault::Changed { file, from: seal.from, to: seal.to, line });
            }
            (hash, to) = (seal.hash, seal.to);
            if let (Some(chain), Some(number)) = (self.walk.chain, number) {
                let head = Head { chain, number, to, hash, time: seal.time };
                self.walk.holds = match self.wanted {
                    Some(wanted) if wanted.is(&head) => Some(true),
                    _ => self.walk.holds,
                };
                self.walk.head = Some(head);
            }
        }
        let own: u64 =
            read.seals.iter().filter(|s| s.start >= to).map(|seal| seal.end - seal.start).sum();
        let (final_hash, mut left) = bytes.rest(&hash)?;
        left.bytes = left.bytes.saturating_sub(own);
        // The seals of the file after this one would cover this, were it closed.
        self.walk.unsealed.add(&left);
        Ok(Some(final_hash))
    }

    /// The hash before the first seal of a file, which must be the final one of the file
    /// before.
    fn begin(&mut self, name: &str, number: Option<u64>, read: &Read1) -> Digest {
        let Some(first) = read.seals.first() else {
            return self.before.and_then(|(_, hash)| hash).unwrap_or(NONE);
        };
        let follows = match (self.before, number) {
            (Some((before, hash)), Some(number)) if before + 1 == number => hash,
            _ => None,
        };
        let told = first.seal.previous;
        if follows.is_some() && told != follows {
            self.fault(Fault::Unlinked { file: name.to_owned() });
        }
        // What was left behind a file that goes on is covered by this.
        if self.before.is_some() {
            self.walk.unsealed = Unsealed::default();
        }
        told.unwrap_or(NONE)
    }

    fn finish(self) -> Walk {
        self.walk
    }
}

impl Read1 {
    fn of(input: Input) -> Self {
        let mut read = Self::default();
        let mut lines = Lines::new(input, 0);
        loop {
            let line = match lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => return read,
                Err(error) => {
                    read.damaged = Some(error);
                    return read;
                }
            };
            read.length = line.offset + line.length;
            let mut own = 0u64;
            for mark in marks(&line) {
                own += 1;
                match mark {
                    Mark::Header(at, header) if read.header.is_none() => {
                        read.header = Some((at, header));
                    }
                    Mark::Header(..) => {}
                    Mark::Seal(seal) => read.seals.push(seal),
                }
            }
            let (mut whole, mut torn) = (0u64, 0u64);
            for record in records(line.bytes) {
                let fine = serde_json::from_slice::<IgnoredAny>(record).is_ok();
                *if fine { &mut whole } else { &mut torn } += 1;
            }
            // What is before the first one is the end of one.
            let begins = line.bytes.starts_with(b"{\"record\":\"");
            read.records += whole - own;
            read.torn += torn + u64::from(!begins && !line.bytes.is_empty());
        }
    }
}

/// Reads a file once, in the order of its ranges.
struct Ranges {
    input: io::Take<Input>,
    at: u64,
    /// Line ends so far.
    lines: u64,
}

/// What is looked at in a record that no seal covers.
#[derive(Deserialize)]
struct Timed {
    time: Timestamp,
}

impl Ranges {
    fn hash(&mut self, previous: &Digest, to: u64) -> io::Result<Digest> {
        let mut hashing = Hashing::after(previous);
        self.read(to, |bytes| hashing.update(bytes))?;
        Ok(hashing.finish())
    }

    fn skip_to(&mut self, to: u64) -> io::Result<()> {
        self.read(to, |_| ())
    }

    fn read(&mut self, to: u64, mut each: impl FnMut(&[u8])) -> io::Result<()> {
        while self.at < to {
            let have = self.input.fill_buf()?;
            if have.is_empty() {
                return Err(crate::chain::cut_off(to, self.at));
            }
            let room = usize::try_from(to - self.at).unwrap_or(usize::MAX).min(have.len());
            let part = have.get(..room).unwrap_or_default();
            self.lines += memchr::memchr_iter(b'\n', part).count() as u64;
            each(part);
            self.input.consume(room);
            self.at += room as u64;
        }
        Ok(())
    }

    /// Reads to the end, through the eyes of whoever counts its records.
    fn rest(&mut self, previous: &Digest) -> io::Result<(Digest, Unsealed)> {
        let mut hashing = Hashing::after(previous);
        let mut rest = Unsealed::default();
        let tee = Tee { input: &mut self.input, hashing: &mut hashing };
        let mut lines = Lines::new(io::BufReader::with_capacity(BUFFER, tee), self.at);
        while let Some(line) = lines.next()? {
            let own = marks(&line).count();
            let times =
                records(line.bytes).filter(|record| !is_mark(record)).filter_map(|record| {
                    serde_json::from_slice::<Timed>(record).ok().map(|record| record.time)
                });
            let (first, last) = times.fold((None, None), |(first, last), time| {
                (Some(first.map_or(time, |t: Timestamp| t.min(time))), last.max(Some(time)))
            });
            rest.add(&Unsealed {
                bytes: line.length,
                records: spans(line.bytes).count().saturating_sub(own) as u64,
                first,
                last,
            });
        }
        Ok((hashing.finish(), rest))
    }
}

/// Whether a record belongs to the chain.
fn is_mark(record: &[u8]) -> bool {
    [&b"{\"record\":\"file\""[..], b"{\"record\":\"seal\""]
        .iter()
        .any(|mark| record.starts_with(mark))
}

/// Hashes what is read through it.
struct Tee<'a> {
    input: &'a mut io::Take<Input>,
    hashing: &'a mut Hashing,
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.hashing.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
