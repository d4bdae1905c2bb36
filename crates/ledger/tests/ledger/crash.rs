//! A process killed in the middle of an import, and a machine that loses power at any write:
//! nothing that was acknowledged is gone, and the chain holds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use ledger::{KeyFile, Ledger};
use suppression::NewEntry;

use crate::support::{Fixture, at, entry_at};

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

#[test]
fn files_copied_at_any_commit_are_a_whole_ledger() {
    // What a power loss leaves: the files as of some moment, the log included.
    let mut f = Fixture::new();
    for batch in 0..12_u64 {
        let head = f.ledger.append(at(2), None, &rows(batch * 100, 100)).unwrap().head;
        f.ledger.settle().unwrap();
        let copy = tempfile::tempdir().unwrap();
        for name in ["optgate.db", "optgate.db-wal", "optgate.key"] {
            std::fs::copy(f.folder.path().join(name), copy.path().join(name)).unwrap();
        }
        let log = copy.path().join("optgate.db-wal");
        let whole = std::fs::read(&log).unwrap();
        for cut in [0, 1, 4096, whole.len() / 2] {
            std::fs::write(&log, &whole[..whole.len() - cut.min(whole.len())]).unwrap();
            let ledger = Ledger::open(&copy.path().join("optgate.db"), &f.key).unwrap();
            assert!(ledger.verify(|_| ()).unwrap().is_intact());
            let found = ledger.head().unwrap().position;
            assert!(found <= head && (cut > 0 || found == head), "{found} of {head}, cut {cut}");
            assert_eq!(found % 100, 0, "whole batches only");
            drop(ledger);
            // Opening has brought the log in; begin the next cut from the same state.
            for name in ["optgate.db", "optgate.db-wal"] {
                std::fs::copy(f.folder.path().join(name), copy.path().join(name)).unwrap();
            }
        }
    }
}
