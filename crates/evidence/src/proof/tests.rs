use std::fs;
use std::path::Path;
use std::time::Duration;

use suppression::Digest;

use super::*;
use crate::chain::ChainId;
use crate::head::Head;
use crate::opening::{Opening, open};
use crate::record::Record;
use crate::record::tests::{line, outcome};
use crate::reference::Reference;
use crate::sealer::Rotation;
use crate::verify::verify;

const NEVER: Rotation = Rotation { size: None, age: None };

/// The time of the record that the tests write.
fn made() -> Timestamp {
    let line = outcome_line(1, 0);
    let record: serde_json::Value = serde_json::from_slice(&line).unwrap();
    record["time"].as_str().unwrap().parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_micros(made().micros() + seconds * 1_000_000).unwrap()
}

fn outcome_line(number: u32, seconds: i64) -> Vec<u8> {
    let mut outcome = outcome(Reference::new(1, number));
    if seconds > 0 {
        outcome.time = after(seconds);
    }
    line(&Record::Outcome(&outcome))
}

/// Records of these seconds, all but the last `unsealed` of them sealed.
fn evidence(path: &Path, seconds: &[i64], unsealed: usize) {
    let opening = Opening { now: made(), chain: ChainId(5), reach: Duration::from_secs(600) };
    let opened = open(path, &opening).unwrap();
    let mut sealer = opened.sealer.unwrap();
    for (at, second) in seconds.iter().enumerate() {
        opened.journal.append(&outcome_line(u32::try_from(at).unwrap() + 1, *second)).unwrap();
        if at + unsealed < seconds.len() {
            sealer.tick(after(*second), &NEVER).unwrap();
        }
    }
    // As `kill -9` leaves it.
    std::mem::forget(sealer);
}

fn without_seals(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let kept: Vec<_> =
        text.lines().filter(|line| !line.starts_with("{\"record\":\"seal\"")).collect();
    fs::write(path, kept.join("\n") + "\n").unwrap();
}

fn proof(path: &Path, now: Timestamp) -> Proof {
    verify(path, None).unwrap().proof(now)
}

#[test]
fn what_no_seal_covers_is_proven_only_if_it_is_the_last_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let year = after(365 * 86_400);
    for (name, seconds, unsealed, expected) in [
        ("all sealed", &[0, 100, 200][..], 0, Proof::Intact),
        ("the last second", &[0, 100, 200, 201][..], 2, Proof::Intact),
        ("a hundred seconds", &[0, 100, 200][..], 2, Proof::LongTail),
    ] {
        evidence(&file(name), seconds, unsealed);
        assert_eq!(proof(&file(name), year), expected, "{name}");
    }
}

#[test]
fn seals_taken_away_are_no_proof() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    evidence(&path, &[0, 1, 2], 0);
    let whole = verify(&path, None).unwrap();
    assert_eq!(whole.proof(after(3)), Proof::Intact);
    let other = Head { hash: Digest([1; 32]), ..whole.head.unwrap() };
    let walk = verify(&path, Some(&other)).unwrap();
    assert_eq!(walk.proof(after(3)), Proof::OtherHead);
    assert!(!walk.proof(after(3)).is_fine());

    without_seals(&path);
    let walk = verify(&path, None).unwrap();
    assert_eq!((walk.faults.len(), walk.unsealed.records, walk.head), (0, 3, None));
    // It could be new.
    assert_eq!(walk.proof(after(59)), Proof::Nothing);
    assert_eq!(walk.proof(after(61)), Proof::NoSeal);
    assert!(!Proof::NoSeal.is_fine());
}

#[test]
fn where_nothing_is_recorded_nothing_is_to_be_proven() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("evidence.jsonl");
    evidence(&path, &[], 0);
    assert_eq!(proof(&path, after(10_000)), Proof::Nothing);
    fs::write(&path, "{\"record\":\"decision\"}\n").unwrap();
    assert_eq!(proof(&path, after(0)), Proof::NoSeal);
    fs::write(&path, "{\"record\":\"decis\n").unwrap();
    assert_eq!(proof(&path, after(0)), Proof::NoSeal);
}
