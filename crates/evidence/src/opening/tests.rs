use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use super::*;
use crate::record::Ending;
use crate::record::tests::{decision, intent, line, outcome};
use crate::reference::Reference;

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    (folder, path)
}

fn opened_at(path: &Path, now: Timestamp) -> io::Result<Opened> {
    open(path, &Opening { now, chain: ChainId(7), reach: Duration::from_secs(600) })
}

fn opened(path: &Path) -> Opened {
    // A child of another test may hold a copy of the lock until it becomes another program.
    for _ in 0..1_000_000 {
        match opened_at(path, Timestamp::EPOCH) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
    panic!("the file stays locked");
}

fn journal(path: &Path) -> Arc<Journal> {
    opened(path).journal
}

/// What is in the file but the records of the chain.
fn content(path: &Path) -> Vec<u8> {
    let all = fs::read(path).unwrap();
    let lines = all.split_inclusive(|byte| *byte == b'\n');
    let own =
        |line: &[u8]| line.starts_with(Header::BEGIN) || line.starts_with(b"{\"record\":\"seal\"");
    lines.filter(|line| !own(line)).flatten().copied().collect()
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
    for line in fs::read(path).unwrap().split(|byte| *byte == b'\n') {
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
    let journal = journal(&path);
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
    let text = String::from_utf8(content(&path)).unwrap();
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
    let _journal = journal(&path);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_second_gate_does_not_get_the_file_until_the_first_is_gone() {
    let (_folder, path) = place();
    let first = opened(&path);
    let error = opened_at(&path, Timestamp::EPOCH).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    drop(first);
    opened(&path);
}

#[test]
fn what_was_there_stays() {
    let (_folder, path) = place();
    journal(&path).append(&outcome_line(1)).unwrap();
    journal(&path).append(&outcome_line(2)).unwrap();
    assert_eq!(content(&path), [outcome_line(1), outcome_line(2)].concat());
}

#[test]
fn an_intent_without_outcome_becomes_unknown_once() {
    let (_folder, path) = place();
    let journal = journal(&path);
    for line in [intent_line(1), intent_line(2), outcome_line(1), intent_line(3)] {
        journal.append(&line).unwrap();
    }
    drop(journal);
    let now: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
    let again = (0..1_000_000).find_map(|_| opened_at(&path, now).ok()).unwrap();
    assert_eq!(again.recovery, Recovery { unknown: 2, torn: 0 });
    drop(again);
    let last = fs::read_to_string(&path).unwrap();
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
    assert_eq!(opened(&path).recovery, Recovery::default());
    assert_eq!(fs::read_to_string(&path).unwrap(), last);
}

#[test]
fn messages_whose_fate_is_unknown_are_told_of_this_run_and_of_those_before() {
    let (_folder, path) = place();
    let written = |number: u32, ending, id: Option<&str>| {
        let mut outcome = outcome(name(number));
        (outcome.ending, outcome.message_id) = (ending, id.map(str::to_owned));
        line(&Record::Outcome(&outcome))
    };
    let journal = journal(&path);
    for line in [
        written(1, Ending::Unknown, Some("<a \"ending\":\"accepted\"@corp.example>")),
        written(2, Ending::Accepted, Some("<b \"ending\":\"unknown\"@corp.example>")),
        written(3, Ending::Unknown, None),
        intent_line(4),
    ] {
        journal.append(&line).unwrap();
    }
    drop(journal);
    let now: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
    let told = || {
        let opened = (0..1_000_000).find_map(|_| opened_at(&path, now).ok()).unwrap();
        opened.unsettled.into_iter().map(|one| (one.message_id, one.transaction, one.time))
    };
    let first = outcome(name(1)).time;
    let expected = [
        ("<a \"ending\":\"accepted\"@corp.example>".to_owned(), name(1), first),
        ("<1@corp.example>".to_owned(), name(4), now),
    ];
    assert!(told().eq(expected.clone()), "one was known, one is found now");
    assert!(told().eq(expected), "both are known at the next start");
}

#[test]
fn of_very_many_messages_of_unknown_fate_the_last_are_told() {
    let (_folder, path) = place();
    let many = u32::try_from(UNSETTLED_MAX).unwrap() + 5;
    let journal = journal(&path);
    for number in 0..many {
        let mut outcome = outcome(name(number));
        (outcome.ending, outcome.message_id) = (Ending::Unknown, Some(number.to_string()));
        journal.append(&line(&Record::Outcome(&outcome))).unwrap();
    }
    drop(journal);
    let told = opened(&path).unsettled;
    assert_eq!(told.len(), UNSETTLED_MAX);
    assert_eq!((&*told[0].message_id, told.last().unwrap().transaction), ("5", name(many - 1)));
}

/// What kill -9, or the end of the power, leaves: the file up to any byte.
#[test]
fn a_file_cut_anywhere_opens_and_loses_only_the_line_that_was_cut() {
    let (_folder, path) = place();
    let whole =
        [intent_line(1), outcome_line(1), intent_line(2), intent_line(3), outcome_line(2)].concat();
    for length in 0..=whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let lines = whole[..length].iter().filter(|byte| **byte == b'\n').count();
        // The line that was cut may have lost only its end.
        let intact = whole[..length]
            .split(|byte| *byte == b'\n')
            .skip(lines)
            .any(|line| serde_json::from_slice::<serde_json::Value>(line).is_ok());
        let known = lines + usize::from(intact);

        let opened = opened(&path);
        opened.journal.append(&outcome_line(9)).unwrap();
        let torn = usize::from(length > 0 && whole[length - 1] != b'\n');
        assert_eq!(opened.recovery.torn, torn, "cut at {length}");
        drop(opened);

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
        fs::write(&path, content).unwrap();
        journal(&path).append(&outcome_line(1)).unwrap();
        let after = fs::read(&path).unwrap();
        assert!(after.starts_with(content));
        assert!(after.ends_with(&[b"\n", outcome_line(1).as_slice()].concat()));
    }
}

#[test]
fn a_missing_folder_is_reported() {
    let (folder, _) = place();
    let error = opened_at(&folder.path().join("no/evidence"), Timestamp::EPOCH).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
}
