use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tempfile::TempDir;

use super::*;
use crate::files::{closed, with_suffix};
use crate::opening::{Opened, Opening, open};
use crate::packing::pack;
use crate::record::Record;
use crate::record::tests::{intent, line, outcome};
use crate::recovery::Recovery;
use crate::reference::Reference;
use crate::verify::{Walk, verify};

/// Files of a few records.
const SMALL: Rotation = Rotation { size: Some(4096), age: None };
const NEVER: Rotation = Rotation { size: None, age: None };

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evidence.jsonl");
        Self { _folder: folder, path }
    }

    fn open(&self) -> Opened {
        open_at(&self.path, 1)
    }

    #[track_caller]
    fn is_intact(&self) -> Walk {
        let walk = verify(&self.path, None).unwrap();
        assert!(walk.intact, "{:#?}", walk.faults);
        walk
    }

    fn names(&self) -> Vec<String> {
        let folder = crate::files::folder(&self.path);
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn at(second: u32) -> Timestamp {
    Timestamp::from_micros(1_772_446_500_000_000 + i64::from(second) * 1_000_000).unwrap()
}

fn open_at(path: &Path, second: u32) -> Opened {
    let opening =
        Opening { now: at(second), chain: ChainId(0xc0ffee), reach: Duration::from_secs(600) };
    // A child of another test may hold a copy of the lock until it becomes another program.
    for _ in 0..1_000_000 {
        match open(path, &opening) {
            Err(error) if error.kind() == io::ErrorKind::ResourceBusy => std::thread::yield_now(),
            other => return other.unwrap(),
        }
    }
    panic!("the file stays locked");
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

/// How often each transaction has an intent and an outcome.
fn count(path: &Path) -> BTreeMap<String, (usize, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut records = crate::records::Records::open(path).unwrap();
    while let Some(record) = records.next().unwrap() {
        let Some(seen) = record.seen() else { continue };
        let count = counts.entry(seen.transaction.unwrap().to_string()).or_default();
        count.0 += usize::from(seen.record == "intent");
        count.1 += usize::from(seen.record == "outcome");
    }
    counts
}

#[test]
fn what_was_appended_is_sealed_once_and_nothing_is_not() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    let length = || fs::metadata(&place.path).unwrap().len();
    let begin = length();
    assert_eq!(sealer.tick(at(1), &NEVER).unwrap(), None);
    assert_eq!(length(), begin, "a file without records is not sealed");
    journal.append(&outcome_line(1)).unwrap();
    sealer.tick(at(2), &NEVER).unwrap();
    let walk = place.is_intact();
    assert_eq!((walk.files[0].records, walk.files[0].seals, walk.unsealed.records), (1, 1, 0));
    let sealed = length();
    for second in 3..6 {
        sealer.tick(at(second), &NEVER).unwrap();
    }
    assert_eq!(length(), sealed, "a seal is not sealed for itself");
    journal.append(&outcome_line(2)).unwrap();
    let walk = place.is_intact();
    assert_eq!(walk.unsealed.records, 1);
    sealer.finish(at(7)).unwrap();
    let walk = place.is_intact();
    assert_eq!((walk.files[0].seals, walk.unsealed.bytes, walk.head.unwrap().time), (2, 0, at(7)));
}

#[test]
fn a_file_is_turned_by_size_or_age_and_the_chain_goes_through() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    let aged = Rotation { size: None, age: Some(Duration::from_secs(100)) };
    journal.append(&outcome_line(1)).unwrap();
    assert_eq!(sealer.tick(at(100), &aged).unwrap(), None);
    let closed = sealer.tick(at(101), &aged).unwrap().unwrap();
    assert!(closed.ends_with("evidence.jsonl.000001-20260302T101641Z"), "{}", closed.display());
    // A file in which there is nothing is not turned, however old.
    assert_eq!(sealer.tick(at(900), &aged).unwrap(), None);
    let large = Rotation { size: Some(500), age: None };
    journal.append(&outcome_line(2)).unwrap();
    journal.append(&outcome_line(3)).unwrap();
    let closed = sealer.tick(at(901), &large).unwrap().unwrap();
    assert!(pack(&closed).unwrap().ends_with("evidence.jsonl.000002-20260302T103001Z.gz"));
    journal.append(&outcome_line(4)).unwrap();
    sealer.finish(at(902)).unwrap();
    let walk = place.is_intact();
    assert_eq!(walk.files.iter().map(|file| file.records).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(walk.files.iter().map(|file| file.number).collect::<Vec<_>>(), [1, 2, 3].map(Some));
    assert_eq!((walk.unsealed.bytes, walk.earlier_removed), (0, false));
    let out = Command::new("zcat").arg(pack_name(&place, 2)).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.matches("\"record\":\"outcome\"").count(), 2);
}

fn pack_name(place: &Place, number: u64) -> PathBuf {
    closed(&place.path).unwrap().into_iter().find(|c| c.number == number).unwrap().packed()
}

/// Eight sessions append while the file is turned every few records and packed.
#[test]
fn many_threads_write_while_files_are_turned_and_every_line_is_there_once() {
    const THREADS: u32 = 8;
    const TURNS: usize = 30;
    const MANY: u32 = 1_000_000;
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    let over = AtomicBool::new(false);
    let turned = AtomicUsize::new(0);
    let written = std::thread::scope(|scope| {
        let keeper = scope.spawn(|| {
            let mut second = 2;
            while !over.load(Ordering::Acquire) {
                if let Some(closed) = sealer.tick(at(second), &SMALL).unwrap()
                    && !turned.fetch_add(1, Ordering::Relaxed).is_multiple_of(3)
                {
                    pack(&closed).unwrap();
                }
                second += 1;
            }
            // The last turn may have begun a file of which nothing but its first line is there,
            // and that line alone needs no seal.
            journal.append(&[intent_line(MANY), outcome_line(MANY)].concat()).unwrap();
            sealer.finish(at(second)).unwrap();
        });
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (journal, turned) = (&journal, &turned);
                scope.spawn(move || {
                    let mut number = thread * (MANY / THREADS);
                    while turned.load(Ordering::Relaxed) < TURNS {
                        journal.append(&intent_line(number)).unwrap();
                        if number.is_multiple_of(7) {
                            journal.sync().unwrap();
                        }
                        journal.append(&outcome_line(number)).unwrap();
                        number += 1;
                    }
                    (number - thread * (MANY / THREADS)) as usize
                })
            })
            .collect();
        let written: usize = writers.into_iter().map(|writer| writer.join().unwrap()).sum();
        over.store(true, Ordering::Release);
        keeper.join().unwrap();
        written
    });
    let walk = place.is_intact();
    assert_eq!((walk.torn, walk.unsealed.bytes), (0, 0));
    let counts = count(&place.path);
    assert_eq!(counts.len(), written + 1);
    assert!(counts.values().all(|count| *count == (1, 1)));
}

/// Everything a turn does on the disk, one step after another, as a crash could leave it.
#[test]
fn a_crash_at_any_step_of_a_turn_loses_nothing_and_the_chain_goes_on() {
    for step in 0..7 {
        let place = Place::new();
        let Opened { journal, sealer, .. } = place.open();
        let mut sealer = sealer.unwrap();
        journal.append(&[intent_line(1), outcome_line(1), intent_line(2)].concat()).unwrap();
        sealer.tick(at(2), &NEVER).unwrap();
        journal.append(&[outcome_line(2), intent_line(3)].concat()).unwrap();
        let kept = Closed::path(&place.path, 1, at(3));
        let fresh = with_suffix(&place.path, UNFINISHED);
        if step < 3 {
            // Before the rename: the steps by hand.
            fs::write(
                &fresh,
                if step == 0 { "{\"record\":\"fi" } else { "{\"record\":\"file\"}\n" },
            )
            .unwrap();
            if step == 2 {
                fs::hard_link(&place.path, &kept).unwrap();
            }
        } else {
            // A writer that still has the old file keeps it from being closed.
            let held = journal.turning().unwrap().current();
            assert_eq!(sealer.tick(at(3), &SMALL.tiny()).unwrap(), None);
            if step >= 4 {
                held.append(&outcome_line(3)).unwrap();
                journal.append(&intent_line(4)).unwrap();
            }
            if step == 5 {
                // Half of the last seal.
                held.file.write_all_at_end(b"{\"record\":\"seal\",\"time\":");
            }
            if step == 6 {
                drop(held);
                assert_eq!(sealer.tick(at(4), &NEVER).unwrap(), Some(kept.clone()));
            }
        }
        drop((journal, sealer));
        let before = verify(&place.path, None).unwrap();
        assert!(before.intact || step == 5, "step {step}: {:?}", before.faults);

        let again = open_at(&place.path, 9);
        let open = if step < 4 { 3 } else { 4 };
        assert_eq!(again.recovery.unknown, 1, "step {step}");
        assert_eq!(again.to_pack, if step < 3 { vec![] } else { vec![kept] }, "step {step}");
        again.journal.append(&outcome_line(5)).unwrap();
        again.sealer.unwrap().finish(at(10)).unwrap();
        let walk = place.is_intact();
        assert_eq!(walk.unsealed.bytes, 0, "step {step}");
        assert_eq!(walk.files.len(), if step < 3 { 1 } else { 2 }, "step {step}");
        assert_eq!(place.names().len(), walk.files.len(), "{:?}", place.names());
        let counts = count(&place.path);
        let all = (1..=open).chain([5]).map(|n| (name(n).to_string(), (usize::from(n < 5), 1)));
        assert_eq!(counts, all.collect(), "step {step}");
        drop(again.journal);
        assert_eq!(place.open().recovery.unknown, 0);
    }
}

impl Rotation {
    fn tiny(self) -> Self {
        Self { size: Some(1), ..self }
    }
}

trait AtEnd {
    fn write_all_at_end(&self, bytes: &[u8]);
}

impl AtEnd for File {
    fn write_all_at_end(&self, bytes: &[u8]) {
        let mut file = self;
        file.write_all(bytes).unwrap();
    }
}

/// A crash between any two steps of packing.
#[test]
fn a_crash_while_a_file_is_packed_leaves_it_once() {
    for step in 0..3 {
        let place = Place::new();
        let Opened { journal, sealer, .. } = place.open();
        let mut sealer = sealer.unwrap();
        journal.append(&[intent_line(1), outcome_line(1)].concat()).unwrap();
        let kept = sealer.tick(at(3), &SMALL.tiny()).unwrap().unwrap();
        let original = fs::read(&kept).unwrap();
        let packed = pack(&kept).unwrap();
        let whole = fs::read(&packed).unwrap();
        let unfinished = with_suffix(&packed, UNFINISHED);
        match step {
            0 => {
                fs::remove_file(&packed).unwrap();
                fs::write(&unfinished, &whole[..whole.len() / 2]).unwrap();
                fs::write(&kept, &original).unwrap();
            }
            1 => fs::write(&kept, &original).unwrap(),
            _ => {}
        }
        drop((journal, sealer));
        assert_eq!(count(&place.path).values().collect::<Vec<_>>(), [&(1, 1)], "step {step}");
        let again = place.open();
        assert_eq!(again.to_pack.len(), usize::from(step < 2));
        for closed in &again.to_pack {
            pack(closed).unwrap();
        }
        assert_eq!(
            place.names(),
            ["evidence.jsonl", packed.file_name().unwrap().to_str().unwrap()]
        );
        assert_eq!(fs::read(&packed).unwrap(), whole);
        place.is_intact();
        assert_eq!(count(&place.path).values().collect::<Vec<_>>(), [&(1, 1)]);
    }
}

/// The end of the power after which the file has any length it ever had.
#[test]
fn a_file_cut_anywhere_goes_on_with_its_chain() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    for number in 1..4 {
        journal.append(&outcome_line(number)).unwrap();
        sealer.tick(at(number), &NEVER).unwrap();
    }
    drop((journal, sealer));
    let whole = fs::read(&place.path).unwrap();
    let line_end =
        |at: usize| whole[at.saturating_sub(2)..(at + 2).min(whole.len())].contains(&b'\n');
    for length in (0..=whole.len()).filter(|at| at.is_multiple_of(5) || line_end(*at)) {
        fs::write(&place.path, &whole[..length]).unwrap();
        assert!(verify(&place.path, None).unwrap().intact, "cut at {length}");
        let again = place.open();
        again.journal.append(&outcome_line(9)).unwrap();
        again.sealer.unwrap().finish(at(9)).unwrap();
        let walk = place.is_intact();
        assert_eq!(walk.unsealed.bytes, 0, "cut at {length}");
        assert!(fs::read(&place.path).unwrap().starts_with(&whole[..length]));
    }
}

#[test]
fn a_file_from_before_there_were_chains_is_sealed_from_then_on() {
    let place = Place::new();
    let old = [outcome_line(1), outcome_line(2)].concat();
    fs::write(&place.path, &old).unwrap();
    let walk = place.is_intact();
    assert_eq!((walk.chain, walk.unsealed.records), (None, 2));
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    sealer.tick(at(2), &NEVER).unwrap();
    let walk = place.is_intact();
    assert_eq!((walk.files[0].older, walk.unsealed.records), (old.len() as u64, 0));
    journal.append(&outcome_line(3)).unwrap();
    assert!(sealer.tick(at(3), &SMALL.tiny()).unwrap().is_some());
    journal.append(&outcome_line(4)).unwrap();
    sealer.finish(at(4)).unwrap();
    assert_eq!(place.is_intact().files.len(), 2);
    drop((journal, sealer));
    // What is older is sealed too.
    let closed = &closed(&place.path).unwrap()[0].path;
    let mut bytes = fs::read(closed).unwrap();
    bytes[10] ^= 1;
    fs::write(closed, bytes).unwrap();
    assert!(!verify(&place.path, None).unwrap().intact);
}

#[test]
fn a_current_file_that_was_taken_away_is_missed() {
    let place = Place::new();
    let opened = place.open();
    opened.journal.append(&outcome_line(1)).unwrap();
    let mut sealer = opened.sealer.unwrap();
    sealer.tick(at(2), &SMALL.tiny()).unwrap().unwrap();
    opened.journal.append(&outcome_line(2)).unwrap();
    sealer.tick(at(3), &SMALL.tiny()).unwrap().unwrap();
    drop((opened.journal, sealer));
    fs::remove_file(&place.path).unwrap();
    let again = place.open();
    again.journal.append(&outcome_line(3)).unwrap();
    again.sealer.unwrap().finish(at(4)).unwrap();
    // Nothing had been recorded in the file that was removed: the chain goes on from the
    // last one there is.
    let walk = place.is_intact();
    assert_eq!(walk.files.iter().map(|file| file.number.unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_file_that_somebody_else_moved_is_written_on_and_not_turned() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    let elsewhere = with_suffix(&place.path, ".1");
    fs::rename(&place.path, &elsewhere).unwrap();
    journal.append(&outcome_line(1)).unwrap();
    let error = sealer.tick(at(2), &SMALL.tiny()).unwrap_err();
    assert!(error.to_string().contains("somebody moved"), "{error}");
    journal.append(&outcome_line(2)).unwrap();
    assert_eq!(count(&elsewhere).len(), 2);
    assert_eq!(place.names(), ["evidence.jsonl.1"]);
}

#[test]
fn a_turn_that_fails_leaves_everything_as_it_was() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    journal.append(&outcome_line(1)).unwrap();
    // The name is taken, by something that cannot be removed as a file.
    let fresh = with_suffix(&place.path, UNFINISHED);
    fs::create_dir(&fresh).unwrap();
    sealer.tick(at(2), &SMALL.tiny()).unwrap_err();
    fs::remove_dir(&fresh).unwrap();
    // And the name of the closed file is.
    fs::write(Closed::path(&place.path, 1, at(3)), "").unwrap();
    sealer.tick(at(3), &SMALL.tiny()).unwrap_err();
    fs::remove_file(Closed::path(&place.path, 1, at(3))).unwrap();
    assert_eq!(place.names(), ["evidence.jsonl"]);
    journal.append(&outcome_line(2)).unwrap();
    sealer.tick(at(4), &SMALL.tiny()).unwrap().unwrap();
    journal.append(&outcome_line(3)).unwrap();
    sealer.finish(at(5)).unwrap();
    assert_eq!(place.is_intact().files.len(), 2);
}

#[test]
fn a_file_that_was_cut_off_is_told_and_not_sealed_over() {
    let place = Place::new();
    let Opened { journal, sealer, .. } = place.open();
    let mut sealer = sealer.unwrap();
    journal.append(&outcome_line(1)).unwrap();
    sealer.tick(at(2), &NEVER).unwrap();
    OpenOptions::new().write(true).open(&place.path).unwrap().set_len(100).unwrap();
    let error = sealer.tick(at(3), &NEVER).unwrap_err();
    assert!(error.to_string().contains("cut it off"), "{error}");
}

const CHILD: &str = "OPTGATE_TEST_EVIDENCE";

/// A process that appends, seals, turns and packs as fast as it can, killed at many moments.
#[test]
fn a_process_killed_at_any_moment_loses_nothing_it_was_told_is_written() {
    if let Ok(path) = std::env::var(CHILD) {
        return write_until_killed(Path::new(&path));
    }
    let place = Place::new();
    let mut acknowledged = 0;
    for round in 0..30 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "sealer::tests::a_process_killed_at_any_moment_loses_nothing_it_was_told_is_written",
                "--nocapture",
            ])
            .env(CHILD, &place.path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = io::BufReader::new(child.stdout.take().unwrap());
        // Another number of lines every time, every second time behind a turn; the kernel
        // adds moments of its own.
        let mut last = None;
        let mut lines = io::BufRead::lines(out).map(Result::unwrap);
        let turn = lines.by_ref().take_while(|_| round % 2 == 1).find(|text| text == "turned");
        assert_eq!(turn.is_some(), round % 2 == 1);
        for text in lines.take(6 + round * 7) {
            if let Some(number) = text.strip_prefix("written ") {
                last = number.parse().ok();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged = last.unwrap_or(acknowledged);
        let walk = verify(&place.path, None).unwrap();
        assert!(walk.intact, "round {round}: {:?}", walk.faults);
    }
    let last = open_at(&place.path, 99_999);
    last.sealer.unwrap().finish(at(99_999)).unwrap();
    drop(last.journal);
    assert_eq!(place.is_intact().unsealed.bytes, 0);
    let counts = count(&place.path);
    assert!(acknowledged > 100, "{acknowledged}");
    for number in 0..=acknowledged {
        assert_eq!(counts.get(&name(number).to_string()), Some(&(1, 1)), "{number}");
    }
    assert!(counts.values().all(|count| *count == (1, 1)), "an outcome for each intent");
    assert_eq!(place.open().recovery, Recovery::default());
    assert!(place.is_intact().files.len() > 10);
}

fn write_until_killed(path: &Path) {
    let Opened { journal, sealer, to_pack, .. } = open_at(path, 5);
    let mut sealer = sealer.unwrap();
    to_pack.iter().for_each(|closed| drop(pack(closed).unwrap()));
    // Goes on counting where the runs before it ended.
    let begin = count(path).len() as u32;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for second in 6.. {
                if let Some(closed) = sealer.tick(at(second), &SMALL.tiny()).unwrap() {
                    println!("turned");
                    pack(&closed).unwrap();
                }
            }
        });
        for number in begin.. {
            journal.append(&intent_line(number)).unwrap();
            journal.append(&outcome_line(number)).unwrap();
            println!("written {number}");
            if number.is_multiple_of(16) {
                // Not faster than the one who turns the file.
                journal.sync().unwrap();
            }
        }
    });
}

const FULL: &str = "OPTGATE_TEST_EVIDENCE_FULL";

/// A real limit of the system on the length of a file, which cuts writes short as a full disk
/// does: records and seals are torn, and what was acknowledged is there.
#[test]
fn a_full_disk_tears_records_and_seals_and_the_chain_goes_on_when_there_is_room() {
    const NAME: &str = "sealer::tests::a_full_disk_tears_records_and_seals_and_the_chain_goes_on_when_there_is_room";
    if let Ok(path) = std::env::var(FULL) {
        return write_until_full(Path::new(&path));
    }
    let place = Place::new();
    let mut written = 0;
    // A limit in blocks of 512 bytes, another one every time; the signal is ignored.
    for blocks in [3, 5, 6, 7, 9, 12] {
        let out = Command::new("sh")
            .args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks.to_string()])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(FULL, &place.path)
            .output()
            .unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        assert!(text.contains("full"), "{text}");
        written += text.matches("written ").count();
        let walk = verify(&place.path, None).unwrap();
        assert!(walk.intact, "{blocks}: {:?}", walk.faults);
    }
    let again = open_at(&place.path, 9);
    again.journal.append(&outcome_line(999_999)).unwrap();
    again.sealer.unwrap().finish(at(9)).unwrap();
    let walk = place.is_intact();
    assert_eq!(walk.unsealed.bytes, 0);
    assert!(walk.torn > 0 && walk.files[0].seals > 3, "{walk:?}");
    assert!(written > 5);
    assert_eq!(count(&place.path).len(), written + 1);
}

fn write_until_full(path: &Path) {
    // The first line of this run is a record of the chain, and may not fit.
    let opening = Opening { now: at(5), chain: ChainId(3), reach: Duration::from_secs(600) };
    let Ok(Opened { journal, sealer, .. }) = open(path, &opening) else {
        return println!("full from the start");
    };
    let mut sealer = sealer.unwrap();
    let begin = count(path).len() as u32;
    let mut failed = 0;
    for number in begin.. {
        match journal.append(&outcome_line(number)) {
            Ok(()) => println!("written {number}"),
            Err(_) => failed += 1,
        }
        let _ = sealer.tick(at(6), &NEVER);
        if failed == 5 {
            return println!("full");
        }
    }
}
