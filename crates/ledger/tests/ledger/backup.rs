//! A copy made while others write is a whole ledger as of one commit.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};

use ledger::{Extension, IfMissing, KeyFile, Ledger, LedgerError, open_pair};
use suppression::NewEntry;

use crate::support::{Fixture, at, entries_of, entry};

fn batch(rows: std::ops::Range<usize>) -> Vec<NewEntry> {
    rows.map(|n| NewEntry { reason: Some(format!("why {n}")), ..entry(&n.to_string()) }).collect()
}

#[test]
fn a_backup_made_while_another_connection_appends_verifies() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &batch(0..20_000)).unwrap();
    let (begun, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let copy = f.folder.path().join("copy");
    fs::create_dir(&copy).unwrap();
    let (db, key) = (copy.join("optgate.db"), copy.join("optgate.key"));
    let mut steps = Vec::new();
    let mut other = Ledger::open(&f.path(), &f.key).unwrap();
    let (head, appended) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut next = 20_000;
            while !stop.load(Ordering::Relaxed) {
                other.append(at(2), Some("i"), &batch(next..next + 50)).unwrap();
                next += 50;
                begun.store(true, Ordering::Relaxed);
            }
            next as u64
        });
        while !begun.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        let head = f.ledger.backup_to(&db, |done, total| steps.push((done, total))).unwrap();
        f.key.copy_to(&key).unwrap();
        stop.store(true, Ordering::Relaxed);
        (head, writer.join().unwrap())
    });
    assert!(steps.len() > 1, "it is made in steps");
    assert!(steps.windows(2).all(|two| two[0].0 < two[1].0 && two[0].1 == two[1].1));
    assert_eq!(steps.last().map(|(done, total)| done == total), Some(true));
    assert!(head.position >= 20_000 && head.position <= appended);
    for file in [&db, &key] {
        assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let left: Vec<_> = fs::read_dir(&copy).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");

    let (mut restored, _) = open_pair(&db, &key, IfMissing::Refuse, at(3)).unwrap();
    assert_eq!(restored.head().unwrap(), head);
    assert!(restored.verify(|_| ()).unwrap().is_intact());
    assert_eq!(entries_of(&mut restored, "7").len(), 1);
    assert_eq!(restored.append(at(4), None, &batch(0..20_000)).unwrap().seen, 20_000);
    assert_eq!(restored.imports().unwrap()[0].rows, head.position);
    // The ledger it was made of has all of the backup, and more.
    let checkpoint = Ledger::open_read_only(&db).unwrap().checkpoint(at(5)).unwrap();
    let Extension::Extends { rows, .. } = f.ledger.verify_against(&checkpoint, |_| ()).unwrap()
    else {
        panic!("it extends its backup")
    };
    assert_eq!(rows, appended - head.position);
}

#[test]
fn a_backup_replaces_nothing() {
    let f = Fixture::new();
    let taken = f.folder.path().join("taken");
    fs::write(&taken, "precious").unwrap();
    assert!(matches!(f.ledger.backup_to(&taken, |_, _| ()), Err(LedgerError::Exists { .. })));
    assert!(matches!(f.key.copy_to(&taken), Err(LedgerError::Exists { .. })));
    assert_eq!(fs::read(&taken).unwrap(), b"precious");
    let error = f.ledger.backup_to(&f.folder.path().join("no/copy"), |_, _| ()).unwrap_err();
    assert!(error.to_string().contains("no/copy"), "{error}");
}

#[test]
fn a_backup_is_read_where_nothing_can_be_written() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..100)).unwrap();
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("copy.db");
    f.ledger.backup_to(&path, |_, _| ()).unwrap();
    assert!(Ledger::open_read_only(&path).unwrap().verify(|_| ()).unwrap().is_intact());
    let left = fs::read_dir(copy.path()).unwrap().count();
    assert_eq!(left, 1, "reading it needs no file beside it");
}

#[test]
fn a_copied_key_file_has_every_key() {
    let mut f = Fixture::new();
    let path = f.key_path();
    f.ledger.rekey(at(1), "ann", "why", &path).unwrap();
    let copy = f.folder.path().join("copy.key");
    KeyFile::load(&path).unwrap().copy_to(&copy).unwrap();
    assert_eq!(fs::read(&copy).unwrap(), fs::read(&path).unwrap());
}
