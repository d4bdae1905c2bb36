//! Several writers at once, as threads with their own connections and as real processes.

use std::process::{Command, Stdio};

use ledger::{KeyFile, Ledger};

use crate::support::{Fixture, at, entry, entry_at};

const BATCHES: usize = 40;
const ROWS: usize = 25;

/// Appends rows of its own and rows all writers have, as another process or thread.
fn write(ledger: &mut Ledger, writer: usize) {
    for batch in 0..BATCHES {
        let mut entries: Vec<_> =
            (0..ROWS).map(|row| entry_at(&format!("{writer}-{batch}-{row}"), 1)).collect();
        entries.push(entry(&format!("shared-{batch}")));
        let done = ledger.append(at(2), Some(&format!("writer-{writer}")), &entries).unwrap();
        assert!(done.added.len() >= ROWS, "own rows are new");
        if batch % 10 == 9 {
            take_back(ledger, writer, batch, done.added[0].0);
        }
    }
}

/// Rows that [`take_back`] adds in one round.
const TAKEN: usize = 7;

/// Takes back one row, and an import of its own.
fn take_back(ledger: &mut Ledger, writer: usize, batch: usize, row: u64) {
    ledger.withdraw(at(3), "a test", "why", &[row]).unwrap();
    let import = format!("mistake-{writer}-{batch}");
    let rows: Vec<_> = (0..5).map(|row| entry(&format!("{import}-{row}"))).collect();
    ledger.append(at(3), Some(&import), &rows).unwrap();
    assert_eq!(ledger.undo_import(at(3), "a test", "why", &import).unwrap().rows, 5);
}

fn nothing_is_lost(ledger: &Ledger, writers: usize) {
    let rows = writers * (BATCHES * ROWS + BATCHES / 10 * TAKEN) + BATCHES;
    assert_eq!(ledger.head().unwrap().position as usize, rows);
    let imports = ledger.imports().unwrap();
    let undone = imports.iter().filter(|import| import.undone.is_some());
    assert_eq!(undone.count(), writers * BATCHES / 10);
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn threads_with_their_own_connections_lose_nothing() {
    let f = Fixture::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let (path, key) = (f.path(), &f.key);
            scope.spawn(move || write(&mut Ledger::open(&path, key).unwrap(), writer));
        }
    });
    nothing_is_lost(&f.ledger, 4);
}

const CHILD: &str = "OPTGATE_TEST_WRITER";

#[test]
fn processes_lose_nothing() {
    if let Ok(task) = std::env::var(CHILD) {
        let (writer, folder) = task.split_once(' ').unwrap();
        let folder = std::path::Path::new(folder);
        let key = KeyFile::load(&folder.join("optgate.key")).unwrap();
        let mut ledger = Ledger::open(&folder.join("optgate.db"), &key).unwrap();
        return write(&mut ledger, writer.parse().unwrap());
    }
    let f = Fixture::new();
    let children: Vec<_> = (0..3)
        .map(|writer| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::processes_lose_nothing"])
                .env(CHILD, format!("{writer} {}", f.folder.path().display()))
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    nothing_is_lost(&f.ledger, 3);
}

#[test]
fn processes_that_start_at_once_make_one_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, key) = (folder.path().join("l.db"), folder.path().join("l.key"));
    let open = || ledger::open_pair(&ledger, &key, ledger::IfMissing::Create, at(0));
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
        let opened: Vec<_> = threads.into_iter().map(|t| t.join().unwrap().unwrap()).collect();
        let id = |keys: &ledger::Keys| keys.ring.current().key_id();
        let (_, first) = &opened[0];
        assert!(opened.iter().all(|(_, keys)| id(keys) == id(first)));
    });
    open().unwrap();
    let left = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|file| file.as_ref().unwrap().file_name().to_string_lossy().contains(".new-"));
    assert_eq!(left.count(), 0);
}
