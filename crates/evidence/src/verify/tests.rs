use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::files::{PACKED, closed, with_suffix};
use crate::opening::{Opened, Opening, open};
use crate::packing::pack;
use crate::record::Record;
use crate::record::tests::{line, outcome};
use crate::reference::Reference;
use crate::sealer::Rotation;

const NEVER: Rotation = Rotation { size: None, age: None };
const NOW: Rotation = Rotation { size: Some(1), age: None };

fn at(second: i64) -> Timestamp {
    Timestamp::from_micros(1_772_446_500_000_000 + second * 1_000_000).unwrap()
}

fn outcome_line(number: u32) -> Vec<u8> {
    line(&Record::Outcome(&outcome(Reference::new(1, number))))
}

fn opened(path: &Path) -> Opened {
    let opening = Opening { now: at(0), chain: ChainId(5), reach: Duration::from_secs(600) };
    // A child of another test may hold a copy of the lock until it becomes another program.
    for _ in 0..1_000_000 {
        match open(path, &opening) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
    panic!("the file stays locked");
}

/// Four files of two seals each but the last, with two records a seal; the second is packed.
fn chain() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    let Opened { journal, sealer, .. } = opened(&path);
    let mut sealer = sealer.unwrap();
    let mut number = 0;
    for file in 1..=4 {
        for seal in 0..2 {
            for _ in 0..2 {
                number += 1;
                journal.append(&outcome_line(number)).unwrap();
            }
            let when = if seal == 1 && file < 4 { NOW } else { NEVER };
            let turned = sealer.tick(at(i64::from(number)), &when).unwrap();
            if let Some(turned) = turned.filter(|_| file == 2) {
                pack(&turned).unwrap();
            }
        }
    }
    drop(Arc::into_inner(journal));
    (folder, path)
}

fn faults(path: &Path) -> Vec<String> {
    let walk = verify(path, None).unwrap();
    assert_eq!(walk.intact, walk.faults.is_empty());
    walk.faults.iter().map(ToString::to_string).collect()
}

fn file(path: &Path, number: u64) -> PathBuf {
    let closed = closed(path).unwrap();
    closed.into_iter().find(|closed| closed.number == number).unwrap().path
}

#[test]
fn a_chain_is_walked_from_its_first_file_to_its_head() {
    let (_folder, path) = chain();
    let walk = verify(&path, None).unwrap();
    assert_eq!(walk.faults, []);
    let files: Vec<_> =
        walk.files.iter().map(|f| (f.number.unwrap(), f.records, f.seals)).collect();
    // A turned file has its last seal behind that of the last second.
    assert_eq!(files, [(1, 4, 3), (2, 4, 3), (3, 4, 3), (4, 4, 2)]);
    assert_eq!((walk.earlier_removed, walk.torn, walk.unsealed.bytes), (false, 0, 0));
    let head = walk.head.unwrap();
    assert_eq!((head.number, head.chain, head.time), (4, ChainId(5), at(16)));
    let kept: Head = head.to_string().parse().unwrap();
    assert_eq!(verify(&path, Some(&kept)).unwrap().holds, Some(true));
    let other = Head { hash: Digest([1; 32]), ..kept };
    assert_eq!(verify(&path, Some(&other)).unwrap().holds, Some(false));
}

#[test]
fn any_changed_byte_is_found_with_its_range() {
    let (_folder, path) = chain();
    for victim in [file(&path, 1), file(&path, 3), path.clone()] {
        let whole = fs::read(&victim).unwrap();
        let name = name_of(&victim);
        // The line of the very last seal of all is not covered yet.
        let end = if victim == path { last_seal(&whole) } else { whole.len() };
        // All of it takes long in a debug build; these are in every line and every field.
        for at in (0..end).step_by(3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&victim, bytes).unwrap();
            let found = faults(&path);
            assert!(!found.is_empty(), "byte {at} of {name}");
        }
        fs::write(&victim, &whole).unwrap();
    }
    assert_eq!(faults(&path), [""; 0]);
}

fn last_seal(bytes: &[u8]) -> usize {
    memchr::memmem::rfind(bytes, b"{\"record\":\"seal\"").unwrap()
}

#[test]
fn the_first_bad_range_is_named_and_only_it_is_bad() {
    let (_folder, path) = chain();
    let victim = file(&path, 3);
    let text = fs::read_to_string(&victim).unwrap();
    // The third record is the first one behind the first seal.
    let at = text.match_indices("\"record\":\"outcome\"").nth(2).unwrap().0;
    let mut changed = text.clone().into_bytes();
    changed[at + 200] ^= 1;
    fs::write(&victim, changed).unwrap();
    let seals: Vec<serde_json::Value> = text
        .lines()
        .filter(|line| line.contains("\"seal\""))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (from, to) = (&seals[1]["from"], &seals[1]["to"]);
    let name = name_of(&victim);
    assert_eq!(
        faults(&path),
        [format!("{name}: bytes {from} to {to}, from line 4 on, are not what was sealed")]
    );
}

#[test]
fn lines_taken_out_or_put_in_are_found() {
    let (_folder, path) = chain();
    let victim = file(&path, 1);
    let text = fs::read_to_string(&victim).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        for put in [0, 2] {
            let mut changed = lines.clone();
            let moved = changed.remove(at);
            (0..put).for_each(|_| changed.insert(at, moved));
            fs::write(&victim, changed.concat()).unwrap();
            assert!(!faults(&path).is_empty(), "line {at}, {put} times");
        }
    }
}

#[test]
fn a_file_that_is_missing_or_another_is_found_and_removed_first_ones_are_told() {
    let (_folder, path) = chain();
    let first = fs::read(file(&path, 1)).unwrap();
    fs::remove_file(file(&path, 1)).unwrap();
    let walk = verify(&path, None).unwrap();
    assert!(walk.intact && walk.earlier_removed, "{:?}", walk.faults);
    let third = file(&path, 3);
    let kept = fs::read(&third).unwrap();
    fs::remove_file(&third).unwrap();
    assert_eq!(faults(&path), ["missing: file 3"]);
    fs::write(&third, first).unwrap();
    let name = name_of(&third);
    assert_eq!(
        faults(&path),
        [
            format!("{name}: is number 1 of its chain, and not what its name says"),
            format!("{name}: is number 1 of its chain, behind number 2"),
            "missing: files 2 to 3".to_owned(),
        ]
    );
    fs::write(&third, &kept[..last_seal(&kept)]).unwrap();
    assert_eq!(
        faults(&path),
        ["evidence.jsonl: does not go on from the end of the file before it"]
    );
}

#[test]
fn a_damaged_packed_file_is_a_fault_and_the_walk_goes_on() {
    let (_folder, path) = chain();
    let packed = with_suffix(&file(&path, 2), PACKED);
    let mut bytes = fs::read(&packed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    fs::write(&packed, bytes).unwrap();
    let walk = verify(&path, None).unwrap();
    assert_eq!(walk.files.len(), 4);
    let found = faults(&path);
    assert!(found[0].contains("000002") && found.iter().all(|f| f.contains("000002")), "{found:?}");
}

#[test]
fn what_is_not_sealed_yet_is_counted() {
    let (_folder, path) = chain();
    let before = verify(&path, None).unwrap();
    let opened = opened(&path);
    let more = [outcome_line(90), outcome_line(91)].concat();
    opened.journal.append(&more).unwrap();
    let walk = verify(&path, None).unwrap();
    assert_eq!((walk.unsealed.bytes, walk.unsealed.records), (more.len() as u64, 2));
    assert!(walk.unsealed.first.is_some() && walk.unsealed.first == walk.unsealed.last);
    assert_eq!(walk.head, before.head);
}

#[test]
fn torn_records_are_counted_and_are_no_fault() {
    let (_folder, path) = chain();
    let file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    io::Write::write_all(&mut &file, &outcome_line(1)[..40]).unwrap();
    drop(file);
    let again = opened(&path);
    again.journal.append(&outcome_line(2)).unwrap();
    again.sealer.unwrap().finish(at(99)).unwrap();
    let walk = verify(&path, None).unwrap();
    assert!(walk.intact);
    assert_eq!((walk.torn, walk.unsealed.bytes), (1, 0));
}

/// With python3 and nothing of this program: the script of the document.
#[test]
fn an_auditor_needs_only_python() {
    let document = include_str!("../../../../docs/evidence.md");
    let script = document.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let (folder, path) = chain();
    let audit = || {
        let script = folder.path().join("audit.py");
        let out = std::process::Command::new("python3").arg(script).arg(&path).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned()
            + &String::from_utf8_lossy(&out.stderr);
        (out.status.success(), text)
    };
    fs::write(folder.path().join("audit.py"), script).unwrap();
    let head = verify(&path, None).unwrap().head.unwrap();
    let (fine, text) = audit();
    assert!(fine, "{text}");
    assert!(text.contains(&head.to_string()), "{text}");
    let victim = file(&path, 3);
    let mut bytes = fs::read(&victim).unwrap();
    bytes[300] ^= 1;
    fs::write(&victim, &bytes).unwrap();
    let (fine, text) = audit();
    assert!(!fine && text.contains("000003"), "{text}");
    bytes[300] ^= 1;
    fs::write(&victim, &bytes[..last_seal(&bytes)]).unwrap();
    let (fine, text) = audit();
    assert!(!fine && text.contains("does not go on"), "{text}");
}
