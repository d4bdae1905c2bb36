use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::path::Path;

use super::*;
use crate::record::Record;
use crate::record::tests::{line, outcome};
use crate::reference::Reference;

fn open(path: &Path) -> Journal {
    let file = OpenOptions::new().create(true).append(true).read(true).open(path).unwrap();
    Journal::page(Page::new(file, false))
}

fn outcome_line(number: u32) -> Vec<u8> {
    line(&Record::Outcome(&outcome(Reference::new(1_772_446_500_123, number))))
}

#[test]
fn only_whole_lines_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    let journal = open(&path);
    for bad in [b"".as_slice(), b"a", b"a\nb"] {
        assert_eq!(journal.append(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    journal.append(b"\n").unwrap();
    journal.append(b"a\nb\n").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"\na\nb\n");
}

#[test]
fn a_full_disk_is_reported() {
    let journal = open(Path::new("/dev/full"));
    for _ in 0..2 {
        let error = journal.append(&outcome_line(1)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}

/// Takes from each write as many bytes as planned: a disk that fills up and is emptied.
struct Filling {
    plan: VecDeque<Result<usize, io::ErrorKind>>,
    content: Vec<u8>,
    calls: usize,
}

impl Filling {
    fn new(plan: impl IntoIterator<Item = Result<usize, io::ErrorKind>>) -> Self {
        Self { plan: plan.into_iter().collect(), content: Vec::new(), calls: 0 }
    }
}

impl Write for Filling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.calls += 1;
        let taken = self.plan.pop_front().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
        self.content.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        self.write(&bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_one_write_and_a_torn_one_ends_before_the_next() {
    let full = io::ErrorKind::StorageFull;
    for cut in 1..4 {
        let mut disk = Filling::new([Ok(9), Ok(cut), Err(full), Ok(0), Ok(9), Ok(9)]);
        let torn = AtomicBool::new(false);
        let mut append = |line: &[u8]| append_once(&mut disk, &torn, line).map_err(|e| e.kind());
        assert_eq!(append(b"one\n"), Ok(()));
        assert_eq!(append(b"two\n"), Err(full));
        assert_eq!(append(b"three\n"), Err(full));
        assert_eq!(append(b"four\n"), Err(full));
        assert_eq!(append(b"five\n"), Ok(()));
        assert_eq!(append(b"six\n"), Ok(()));
        let part = std::str::from_utf8(&b"two"[..cut]).unwrap();
        assert_eq!(disk.calls, 6);
        assert_eq!(String::from_utf8(disk.content).unwrap(), format!("one\n{part}\nfive\nsix\n"));
    }
}

#[test]
fn a_mending_write_that_is_itself_cut_short_leaves_the_line_to_the_next() {
    for cut in 1..4 {
        let mut disk = Filling::new([Ok(2), Ok(cut)]);
        let torn = AtomicBool::new(false);
        for (line, fine) in [("one\n", false), ("two\n", false), ("three\n", true)] {
            assert_eq!(append_once(&mut disk, &torn, line.as_bytes()).is_ok(), fine);
        }
        let part = std::str::from_utf8(&b"\ntw"[..cut]).unwrap();
        assert_eq!(String::from_utf8(disk.content).unwrap(), format!("on{part}\nthree\n"));
    }
}

#[test]
fn an_interrupted_write_is_made_again() {
    let interrupted = io::ErrorKind::Interrupted;
    let mut disk = Filling::new([Err(interrupted), Err(interrupted)]);
    append_once(&mut disk, &AtomicBool::new(true), b"one\n").unwrap();
    assert_eq!(disk.content, b"\none\n");
}

#[test]
fn a_pipe_takes_a_line_in_several_writes() {
    let full = io::ErrorKind::StorageFull;
    let mut pipe = Filling::new([Ok(1), Ok(1), Err(full)]);
    let torn = AtomicBool::new(false);
    assert_eq!(append_all(&mut pipe, &torn, b"one\n").unwrap_err().kind(), full);
    append_all(&mut pipe, &torn, b"two\n").unwrap();
    append_all(&mut pipe, &torn, b"three\n").unwrap();
    assert_eq!(pipe.content, b"on\ntwo\nthree\n");
}
