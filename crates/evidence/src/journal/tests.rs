use std::collections::{BTreeMap, VecDeque};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::record::tests::{decision, intent, line, outcome};
use crate::reference::Reference;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    (folder, path)
}

fn open(path: &Path) -> Journal {
    Journal::open(path, Timestamp::EPOCH).unwrap()
}

fn name(number: u32) -> Reference {
    Reference::new(1_772_446_500_123, number)
}

fn intent_line(number: u32) -> Vec<u8> {
    line(&Record::Intent(&intent(name(number))))
}

fn outcome_line(number: u32) -> Vec<u8> {
    line(&Record::Outcome(&outcome(name(number))))
}

/// Transactions and how they ended, for each outcome in the file; lines that are no JSON count
/// as torn.
fn endings(path: &Path) -> (BTreeMap<String, Vec<String>>, usize) {
    let mut endings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut torn = 0;
    for line in std::fs::read(path).unwrap().split(|byte| *byte == b'\n') {
        match serde_json::from_slice::<serde_json::Value>(line) {
            Ok(record) if record["record"] == "outcome" => {
                let text = |field: &str| record[field].as_str().unwrap().to_owned();
                endings.entry(text("transaction")).or_default().push(text("ending"));
            }
            Ok(_) => {}
            Err(_) => torn += usize::from(!line.is_empty()),
        }
    }
    (endings, torn)
}

#[test]
fn many_threads_write_and_every_line_is_whole() {
    const THREADS: u32 = 8;
    const EACH: u32 = 500;
    let (_folder, path) = place();
    let journal = open(&path);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let journal = &journal;
            scope.spawn(move || {
                for count in 0..EACH {
                    let mut decision = decision(name(thread * EACH + count), name(0));
                    // Lines of up to 24 KB: larger than a page and than a pipe's promise.
                    let length = (count as usize * 97) % 4096;
                    decision.reply.text = "\u{1}".repeat(length);
                    journal.append(&line(&Record::Decision(&decision))).unwrap();
                }
            });
        }
    });
    let text = std::fs::read_to_string(&path).unwrap();
    let mut seen: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["ref"].to_string())
        .collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), (THREADS * EACH) as usize);
}

#[test]
fn only_the_owner_can_read_a_new_file() {
    let (_folder, path) = place();
    let _journal = open(&path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_second_gate_does_not_get_the_file_until_the_first_is_gone() {
    let (_folder, path) = place();
    let first = open(&path);
    let error = Journal::open(&path, Timestamp::EPOCH).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    drop(first);
    open(&path);
}

#[test]
fn what_was_there_stays() {
    let (_folder, path) = place();
    open(&path).append(&outcome_line(1)).unwrap();
    open(&path).append(&outcome_line(2)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), [outcome_line(1), outcome_line(2)].concat());
}

#[test]
fn an_intent_without_outcome_becomes_unknown_once() {
    let (_folder, path) = place();
    let journal = open(&path);
    for line in [intent_line(1), intent_line(2), outcome_line(1), intent_line(3)] {
        journal.append(&line).unwrap();
    }
    drop(journal);
    let now: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
    let journal = Journal::open(&path, now).unwrap();
    assert_eq!(journal.recovery(), Recovery { unknown: 2, torn: 0 });
    drop(journal);
    let last = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        last.lines().last().unwrap(),
        concat!(
            r#"{"record":"outcome","time":"2026-03-03T00:00:00Z","session":"s1","#,
            r#""client":"2001:db8::7","login":"shop","transaction":"1KJQ0PH8V0003","#,
            r#""stream":"receipts","class":"transactional","recipients":2,"dropped":0,"#,
            r#""message_id":"<1@corp.example>","bytes":2048,"duration_ms":0,"#,
            r#""ending":"unknown","why":"restart"}"#
        )
    );
    assert_eq!(open(&path).recovery(), Recovery::default());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), last);
}

/// What kill -9, or the end of the power, leaves: the file up to any byte.
#[test]
fn a_file_cut_anywhere_opens_and_loses_only_the_line_that_was_cut() {
    let (_folder, path) = place();
    let whole =
        [intent_line(1), outcome_line(1), intent_line(2), intent_line(3), outcome_line(2)].concat();
    for length in 0..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        // The line that was cut may have lost only its end.
        let intact = whole[..length]
            .split(|byte| *byte == b'\n')
            .skip(lines)
            .any(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok());
        let known = lines + usize::from(intact);

        let journal = open(&path);
        journal.append(&outcome_line(9)).unwrap();
        let torn = usize::from(length > 0 && whole[length - 1] != b'\n');
        assert_eq!(journal.recovery().torn, torn, "cut at {length}");
        drop(journal);

        let (endings, garbage) = endings(&path);
        assert_eq!(garbage, torn.saturating_sub(usize::from(intact)), "cut at {length}");
        let ending = |number| endings.get(name(number).as_str()).map(Vec::as_slice);
        let expected = |intent, outcome: usize| match known {
            known if known >= outcome => Some(["accepted".to_owned()]),
            known if known >= intent => Some(["unknown".to_owned()]),
            _ => None,
        };
        assert_eq!(ending(1), expected(1, 2).as_ref().map(<[_; 1]>::as_slice), "cut at {length}");
        assert_eq!(ending(2), expected(3, 5).as_ref().map(<[_; 1]>::as_slice), "cut at {length}");
        assert_eq!(ending(3), expected(4, 99).as_ref().map(<[_; 1]>::as_slice), "cut at {length}");
        assert_eq!(ending(9), Some(["accepted".to_owned()].as_slice()), "cut at {length}");
    }
}

#[test]
fn a_file_of_anything_opens() {
    let (_folder, path) = place();
    let nul = vec![0; 5000];
    for content in [b"\xff\xfe\n{\"record\":\"intent\"}\n".as_slice(), &nul, b"\n\n\n", b"{}"] {
        std::fs::write(&path, content).unwrap();
        let journal = open(&path);
        journal.append(&outcome_line(1)).unwrap();
        drop(journal);
        let after = std::fs::read(&path).unwrap();
        assert!(after.starts_with(content));
        assert!(after.ends_with(&[b"\n", outcome_line(1).as_slice()].concat()));
    }
}

#[test]
fn only_whole_lines_are_taken() {
    let (_folder, path) = place();
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

#[test]
fn a_missing_folder_is_reported() {
    let (folder, _) = place();
    let error = Journal::open(&folder.path().join("no/evidence"), Timestamp::EPOCH).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
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
