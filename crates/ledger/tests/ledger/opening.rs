//! Everything that can be wrong with the files at a start: a clear error, and nothing changed.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use ledger::{IfMissing, KeyFile, Ledger, LedgerError, open_pair};
use rusqlite::Connection;

use crate::support::{Fixture, at, entry};

/// Bytes of a page of the file.
const PAGE: usize = 8192;

/// Opens what must not open, and checks that no byte of the folder was changed by trying.
fn fails(f: &Fixture) -> LedgerError {
    let before = bytes(f.folder.path());
    let error = open_pair(&f.path(), &f.key_path(), IfMissing::Create, at(0)).unwrap_err();
    assert_eq!(bytes(f.folder.path()), before, "nothing was changed: {error}");
    error
}

fn bytes(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap()))
        // What SQLite keeps beside an open file is not the record.
        .filter(|(name, _)| !name.ends_with("-shm") && !name.ends_with("-wal"))
        .collect();
    files.sort();
    files
}

/// A ledger with some rows, closed, so that all of it is in one file.
fn closed() -> Fixture {
    let mut f = Fixture::new();
    let entries: Vec<_> = (0..500).map(|n| entry(&n.to_string())).collect();
    f.ledger.append(at(1), None, &entries).unwrap();
    let elsewhere = Fixture::new();
    f.ledger = elsewhere.ledger;
    f
}

#[test]
fn a_first_start_makes_both_files_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, key) = (folder.path().join("l.db"), folder.path().join("l.key"));
    assert!(matches!(
        open_pair(&ledger, &key, IfMissing::Refuse, at(0)),
        Err(LedgerError::NotFound { .. })
    ));
    assert!(fs::read_dir(folder.path()).unwrap().next().is_none());
    let (mut open, made) = open_pair(&ledger, &key, IfMissing::Create, at(0)).unwrap();
    let keyed = suppression::NewEntry { key_id: made.ring.current().key_id(), ..entry("a") };
    open.append(at(1), None, std::slice::from_ref(&keyed)).unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
    }
    drop(open);
    let (mut open, read) = open_pair(&ledger, &key, IfMissing::Refuse, at(0)).unwrap();
    assert_eq!(made.ring.current().key_id(), read.ring.current().key_id());
    assert_eq!(open.append(at(2), None, &[keyed]).unwrap().seen, 1);
}

#[test]
fn a_missing_key_file_is_named_with_its_ledger() {
    let f = closed();
    fs::remove_file(f.key_path()).unwrap();
    let error = fails(&f);
    assert!(matches!(error, LedgerError::KeyMissing { .. }));
    let text = error.to_string();
    assert!(text.contains("optgate.key") && text.contains("optgate.db"), "{text}");
}

#[test]
fn a_missing_ledger_is_not_replaced_by_an_empty_one() {
    let f = closed();
    fs::rename(f.path(), f.folder.path().join("gone")).unwrap();
    let error = fails(&f);
    assert!(matches!(error, LedgerError::LedgerMissing { .. }));
    let text = error.to_string();
    assert!(text.contains("optgate.key") && text.contains("optgate.db"), "{text}");
    fs::remove_file(f.key_path()).unwrap();
    fs::write(f.folder.path().join("optgate.db-wal"), "rows").unwrap();
    assert!(matches!(fails(&f), LedgerError::Damaged { .. }));
}

#[test]
fn a_wrong_key_is_named_with_its_ledger() {
    let f = closed();
    fs::remove_file(f.key_path()).unwrap();
    let other = KeyFile::create(&f.key_path()).unwrap();
    let error = fails(&f);
    assert!(matches!(error, LedgerError::KeyWrong { .. }));
    let text = error.to_string();
    assert!(text.contains("optgate.key") && text.contains("optgate.db"), "{text}");
    assert!(text.contains("00000001") && text.contains(&format!("{:08x}", other.id().0)), "{text}");
}

#[test]
fn a_garbled_key_is_not_replaced() {
    let f = closed();
    fs::write(f.key_path(), "optgate-key-1\nid 0\n").unwrap();
    assert!(matches!(fails(&f), LedgerError::KeyGarbled { .. }));
    fs::write(f.key_path(), "").unwrap();
    assert!(matches!(fails(&f), LedgerError::KeyGarbled { .. }));
}

#[test]
fn a_ledger_from_a_newer_version_is_left_alone() {
    let f = closed();
    Connection::open(f.path()).unwrap().pragma_update(None, "user_version", 2).unwrap();
    let error = fails(&f);
    assert!(matches!(error, LedgerError::Newer { found: 2, known: 1, .. }));
    assert!(error.to_string().contains("install the newer version"), "{error}");
    assert!(matches!(Ledger::open_read_only(&f.path()), Err(LedgerError::Newer { .. })));
}

#[test]
fn files_of_others_are_left_alone() {
    let f = closed();
    for content in [&b"email\nbob@example.com\n"[..], &b"email\nbob@example.com\n".repeat(20)] {
        fs::write(f.path(), content).unwrap();
        assert!(matches!(fails(&f), LedgerError::NotALedger { .. }));
    }
    fs::remove_file(f.path()).unwrap();
    Connection::open(f.path()).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let error = fails(&f);
    assert!(error.to_string().contains("SQLite file of another program"), "{error}");
    fs::remove_file(f.path()).unwrap();
    fs::create_dir(f.path()).unwrap();
    let error = Ledger::open(&f.path(), &f.key).unwrap_err();
    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn a_truncated_file_is_noticed_wherever_it_is_cut() {
    let f = closed();
    let whole = fs::read(f.path()).unwrap();
    assert!(whole.len() > 10 * PAGE);
    for length in [0, 1, 50, 100, PAGE - 1, PAGE, PAGE + 1, 5 * PAGE, whole.len() - 1] {
        fs::write(f.path(), &whole[..length]).unwrap();
        let error = fails(&f);
        let expected =
            matches!(error, LedgerError::Damaged { .. } | LedgerError::NotALedger { .. });
        assert!(expected, "{length}: {error}");
        assert!(error.to_string().contains("optgate.db"), "{error}");
    }
    fs::write(f.path(), &whole).unwrap();
    let (ledger, _) = open_pair(&f.path(), &f.key_path(), IfMissing::Refuse, at(0)).unwrap();
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn a_page_of_rubbish_is_an_error_and_no_panic() {
    let f = closed();
    let whole = fs::read(f.path()).unwrap();
    for page in 0..whole.len() / PAGE {
        let mut broken = whole.clone();
        broken[page * PAGE + if page == 0 { 100 } else { 0 }..(page + 1) * PAGE].fill(0xa5);
        fs::write(f.path(), &broken).unwrap();
        // It may only be noticed when that page is needed, but then it is.
        let found = match open_pair(&f.path(), &f.key_path(), IfMissing::Refuse, at(0)) {
            Err(error) => error.to_string(),
            Ok((mut ledger, _)) => {
                let verified = ledger.verify(|_| ());
                let asked = (0..500)
                    .map(|n| ledger.entries_of(&[crate::support::keys(&n.to_string())]))
                    .find_map(Result::err);
                match (verified, asked) {
                    (Err(error), _) | (_, Some(error)) => error.to_string(),
                    (Ok(verified), None) => {
                        // A page of a table that is empty or that neither of the two reads.
                        assert!(verified.is_intact());
                        "intact".to_owned()
                    }
                }
            }
        };
        let known = ["damaged", "not an optgate ledger", "intact", "not a SQLite file"];
        assert!(known.iter().any(|part| found.contains(part)), "page {page}: {found}");
    }
}

#[test]
fn a_ledger_cut_back_to_an_older_state_is_noticed() {
    let f = closed();
    let tool = Connection::open(f.path()).unwrap();
    tool.execute("DELETE FROM entry WHERE position > 400", ()).unwrap();
    drop(tool);
    let error = fails(&f);
    assert!(error.to_string().contains("should end at row 500 and ends at row 400"), "{error}");
}

#[test]
fn a_read_only_ledger_can_be_read_and_says_so_when_written() {
    let f = closed();
    let mut ledger = Ledger::open_read_only(&f.path()).unwrap();
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
    assert_eq!(ledger.entries_of(&[crate::support::keys("7")]).unwrap().len(), 1);
    let error = ledger.append(at(2), None, &[entry("new")]).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }));
    assert!(error.to_string().contains("write permission"), "{error}");
    // It is as usable as before.
    assert_eq!(ledger.head().unwrap().position, 500);
}

const CHILD: &str = "OPTGATE_TEST_READER";

#[test]
fn a_folder_without_write_permission_is_named() {
    if let Ok(folder) = std::env::var(CHILD) {
        let folder = Path::new(&folder);
        return may_not_write(&folder.join("optgate.db"), &folder.join("optgate.key"));
    }
    let f = closed();
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    mode(&f.path(), 0o444);
    mode(&f.key_path(), 0o444);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        mode(f.folder.path(), 0o555);
        may_not_write(&f.path(), &f.key_path());
    } else {
        // Nothing is forbidden to root: ask as nobody, from a place nobody may read.
        let program = f.folder.path().join("test");
        // Copied by another program: what this one has open for writing, a child that another
        // test starts may have open too, and then it cannot be run.
        let own = std::env::current_exe().unwrap();
        assert!(Command::new("cp").arg(own).arg(&program).status().unwrap().success());
        mode(f.folder.path(), 0o555);
        let done = Command::new(&program)
            .args(["--exact", "opening::a_folder_without_write_permission_is_named"])
            .env(CHILD, f.folder.path())
            .current_dir("/")
            .uid(65534)
            .gid(65534)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        assert!(said.contains("1 passed"), "{said}");
    }
    mode(f.folder.path(), 0o755);
}

fn may_not_write(ledger: &Path, key: &Path) {
    let error = open_pair(ledger, key, IfMissing::Create, at(0)).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("optgate.db") && text.contains("write permission"), "{text}");
    let missing = ledger.with_file_name("new.db");
    let error = open_pair(&missing, &ledger.with_file_name("new.key"), IfMissing::Create, at(0));
    assert!(error.unwrap_err().to_string().contains("new.db"));
}

#[test]
fn an_entry_under_a_key_the_ledger_does_not_know_is_refused() {
    let mut f = Fixture::new();
    let foreign = suppression::NewEntry { key_id: suppression::KeyId(9), ..entry("a") };
    let error = f.ledger.append(at(1), None, &[entry("b"), foreign]).unwrap_err();
    assert!(matches!(error, LedgerError::UnknownKey { .. }));
    assert_eq!(f.ledger.head().unwrap().position, 0);
}

#[test]
fn create_never_replaces_a_file() {
    let f = closed();
    assert!(matches!(Ledger::create(&f.path(), &f.key, at(0)), Err(LedgerError::Exists { .. })));
    let empty = f.folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    assert!(matches!(Ledger::create(&empty, &f.key, at(0)), Err(LedgerError::Exists { .. })));
    assert!(fs::read(&empty).unwrap().is_empty());
}

#[test]
fn a_start_that_was_cut_off_between_the_two_files_is_put_right() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, key) = (folder.path().join("l.db"), folder.path().join("l.key"));
    open_pair(&ledger, &key, IfMissing::Create, at(0)).unwrap();
    // As if it had stopped before the key file: no key noted, none there.
    fs::remove_file(&key).unwrap();
    Connection::open(&ledger).unwrap().execute("DELETE FROM hash_key", ()).unwrap();
    open_pair(&ledger, &key, IfMissing::Create, at(0)).unwrap();
    // As if it had stopped before the note.
    Connection::open(&ledger).unwrap().execute("DELETE FROM hash_key", ()).unwrap();
    open_pair(&ledger, &key, IfMissing::Refuse, at(0)).unwrap();
    open_pair(&ledger, &key, IfMissing::Refuse, at(0)).unwrap();
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("no/l.db");
    let error = open_pair(&ledger, &folder.path().join("l.key"), IfMissing::Create, at(0));
    assert!(error.unwrap_err().to_string().contains("/no/l.db"));
}

#[test]
fn changed_rules_of_equality_are_noticed() {
    let mut f = Fixture::new();
    assert_eq!(f.ledger.rules().unwrap(), None);
    f.ledger.keep_rules("one").unwrap();
    f.ledger.keep_rules("two").unwrap();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    f.ledger.keep_rules("two").unwrap();
    let error = f.ledger.keep_rules("three").unwrap_err();
    assert!(matches!(error, LedgerError::RulesChanged { .. }));
    assert_eq!(f.ledger.rules().unwrap().as_deref(), Some("two"));
    f.ledger.replace_rules("three").unwrap();
    f.reopen();
    f.ledger.keep_rules("three").unwrap();
}
