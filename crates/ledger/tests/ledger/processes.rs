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
    }
}

fn nothing_is_lost(ledger: &Ledger, writers: usize) {
    assert_eq!(ledger.head().unwrap().position as usize, writers * BATCHES * ROWS + BATCHES);
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
