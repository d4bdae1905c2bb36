//! A process killed in the middle of an import, and a machine that loses power at any write:
//! nothing that was acknowledged is gone, and the chain holds.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ledger::{Event, KeyFile, Ledger};
use suppression::NewEntry;

use crate::support::{Fixture, at, entry_at, keys};

const CHILD: &str = "OPTGATE_TEST_IMPORT";

fn rows(from: u64, count: u64) -> Vec<NewEntry> {
    (from..from + count)
        .map(|row| NewEntry {
            reason: (row % 3 == 0).then(|| format!("reason {row}")),
            ..entry_at(&format!("{row}"), 1)
        })
        .collect()
}

/// Imports without end and says after each commit how far it has come.
fn import(folder: &Path) {
    let key = KeyFile::load(&folder.join("optgate.key")).unwrap();
    let mut ledger = Ledger::open(&folder.join("optgate.db"), &key).unwrap();
    let mut next = ledger.head().unwrap().position;
    // Ends by itself if the parent does not.
    while next < 1_000_000 {
        let appended = ledger.append(at(2), Some("i"), &rows(next, 700)).unwrap();
        next = appended.head;
        ledger.settle().unwrap();
        let mut out = std::io::stdout();
        if writeln!(out, "acknowledged {next}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

#[test]
fn killed_in_the_middle_of_an_import_it_loses_nothing() {
    if let Ok(folder) = std::env::var(CHILD) {
        return import(Path::new(&folder));
    }
    let mut f = Fixture::new();
    let mut before = 0;
    for round in 0..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::killed_in_the_middle_of_an_import_it_loses_nothing",
                "--nocapture",
            ])
            .env(CHILD, f.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut acknowledged = before;
        let mut said = 0;
        for line in lines {
            if let Some(position) = line.unwrap().strip_prefix("acknowledged ") {
                acknowledged = position.parse().unwrap();
                said += 1;
            }
            if said > round * 3 {
                // SIGKILL, to this child alone, while it is at its next batch.
                child.kill().unwrap();
                break;
            }
        }
        assert!(said > 0);
        child.wait().unwrap();

        f.reopen();
        let head = f.ledger.head().unwrap().position;
        assert!(head >= acknowledged, "{head} of {acknowledged} acknowledged rows are there");
        assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
        // Every row is known again, so the import that is repeated adds none twice.
        let again = f.ledger.append(at(3), None, &rows(0, head)).unwrap();
        assert_eq!((again.added.len(), again.head), (0, head));
        before = head;
    }
    assert!(before > 0);
}

/// One commit of each kind there is.
fn commit(f: &mut Fixture, round: u64) {
    let key = f.key_path();
    let event = Event { what: "export", by: "a test", details: "{}" };
    match round % 6 {
        1 => {
            // The row before was appended by the round before, and stands.
            let last = f.ledger.head().unwrap().position;
            drop(f.ledger.withdraw(at(3), "a test", "why", &[last]).unwrap());
        }
        2 => drop(f.ledger.undo_import(at(3), "a test", "why", "i").unwrap()),
        3 => drop(f.ledger.rekey(at(3), "a test", "why", &key).unwrap()),
        4 => drop(f.ledger.record_event(at(3), &event).unwrap()),
        5 => drop(f.ledger.erase(at(3), "a test", "why", &[keys("3")]).unwrap()),
        _ => drop(f.ledger.append(at(2), Some("i"), &rows((round + 1) * 100, 100)).unwrap()),
    }
    f.ledger.settle().unwrap();
}

#[test]
fn files_copied_at_any_commit_are_a_whole_ledger() {
    // What a power loss leaves: the files as of some moment, the log included.
    let mut f = Fixture::new();
    let mut states = BTreeSet::new();
    let state = |ledger: &Ledger| {
        let checkpoint = ledger.checkpoint(at(0)).unwrap();
        (checkpoint.hash, checkpoint.events_hash, ledger.current_key().unwrap())
    };
    states.insert(state(&f.ledger));
    f.ledger.append(at(2), Some("i"), &rows(0, 100)).unwrap();
    states.insert(state(&f.ledger));
    for round in 0..18_u64 {
        commit(&mut f, round);
        let last = state(&f.ledger);
        states.insert(last);
        let copy = tempfile::tempdir().unwrap();
        for name in ["optgate.db", "optgate.db-wal", "optgate.key"] {
            std::fs::copy(f.folder.path().join(name), copy.path().join(name)).unwrap();
        }
        let [db, log, key] =
            ["optgate.db", "optgate.db-wal", "optgate.key"].map(|name| copy.path().join(name));
        let whole = std::fs::read(&log).unwrap();
        for cut in [0, 1, 4096, whole.len() / 2] {
            std::fs::write(&log, &whole[..whole.len() - cut.min(whole.len())]).unwrap();
            // The key file may have a key more than the ledger knows, never one less.
            let key = KeyFile::load(&key).unwrap();
            let ledger = Ledger::open(&db, &key).unwrap();
            assert!(ledger.verify(|_| ()).unwrap().is_intact());
            let found = state(&ledger);
            assert!(states.contains(&found), "whole commits only: {round}, cut {cut}");
            assert!(cut > 0 || found == last, "{round}: an acknowledged commit is gone");
            drop(ledger);
            // Opening has brought the log in; begin the next cut from the same state.
            for name in ["optgate.db", "optgate.db-wal"] {
                std::fs::copy(f.folder.path().join(name), copy.path().join(name)).unwrap();
            }
        }
    }
}
