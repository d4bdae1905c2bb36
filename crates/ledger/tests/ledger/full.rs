//! Files that may not grow any further: what was acknowledged stays, and the error says what to
//! do. Full disks, at every write in turn, are a matter of the end-to-end tests.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use ledger::{IfMissing, KeyFile, Ledger, LedgerError, open_pair};
use suppression::NewEntry;

use crate::support::{Fixture, at, entry};

const CHILD: &str = "OPTGATE_TEST_FULL";

fn batch(from: u64) -> Vec<NewEntry> {
    (from..from + 500).map(|n| entry(&n.to_string())).collect()
}

/// Appends until no file may grow any more.
fn fill(folder: &Path) {
    let (db, key) = (folder.join("optgate.db"), folder.join("optgate.key"));
    let (mut ledger, _) = open_pair(&db, &key, IfMissing::Refuse, at(0)).unwrap();
    let mut acknowledged = ledger.head().unwrap().position;
    let error = loop {
        match ledger.append(at(1), Some("i"), &batch(acknowledged)) {
            Ok(appended) => acknowledged = appended.head,
            Err(error) => break error,
        }
        assert!(acknowledged < 1_000_000, "it never was full");
    };
    assert!(matches!(error, LedgerError::Full { .. } | LedgerError::Unwritable { .. }), "{error}");
    assert!(error.is_transient() && error.to_string().contains("full"), "{error}");
    assert_eq!(ledger.head().unwrap().position, acknowledged);
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
    // A copy and a new key leave nothing half, whether there is room for them or not.
    let copy = folder.join("copy.db");
    match ledger.backup_to(&copy, |_, _| ()) {
        Ok(head) => assert_eq!(Ledger::open_read_only(&copy).unwrap().head().unwrap(), head),
        Err(error) => assert!(!copy.exists() && error.to_string().contains("full"), "{error}"),
    }
    let keys = ledger.keys(&KeyFile::load(&key).unwrap()).unwrap().ring.all().count();
    let rekeyed = ledger.rekey(at(2), "ann", "why", &key).is_ok();
    let found = ledger.keys(&KeyFile::load(&key).unwrap()).unwrap().ring.all().count();
    assert_eq!(found, keys + usize::from(rekeyed));
    let left = fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".new-")));
    println!("acknowledged {acknowledged}");
}

/// Runs `test` of this program by a shell that has prepared something; `$0` is the program.
fn child(test: &str, folder: &Path, script: &str) -> Output {
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).arg(program);
    command.args(["--exact", test, "--nocapture"]).env(CHILD, folder).output().unwrap()
}

fn acknowledged(done: &Output) -> u64 {
    let said = String::from_utf8_lossy(&done.stdout);
    let line = said.lines().find_map(|line| line.strip_prefix("acknowledged "));
    let text = String::from_utf8_lossy(&done.stderr);
    line.and_then(|position| position.parse().ok()).unwrap_or_else(|| panic!("{said}{text}"))
}

#[test]
fn a_limit_on_the_size_of_files_loses_nothing() {
    if let Ok(folder) = std::env::var(CHILD) {
        return fill(Path::new(&folder));
    }
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &batch(0)).unwrap();
    let test = "full::a_limit_on_the_size_of_files_loses_nothing";
    // The signal that would end the process is ignored, so that the write fails instead.
    let script = r#"trap "" XFSZ; ulimit -f 3000; exec "$0" "$@""#;
    let done = child(test, f.folder.path(), script);
    let acknowledged = acknowledged(&done);
    assert!(acknowledged > 500);
    f.reopen();
    assert_eq!(f.ledger.head().unwrap().position, acknowledged);
    let more = f.ledger.append(at(2), Some("i"), &batch(acknowledged)).unwrap();
    assert_eq!(more.added.len(), 500);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}
