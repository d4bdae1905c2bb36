//! New keys: crash-safe at each step, by two processes at once, and every wrong key file named.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use ledger::{IfMissing, KeyFile, Keys, Ledger, LedgerError, open_pair};
use suppression::{KeyId, NewEntry};

use crate::support::{Fixture, at, entry};

fn open(f: &Fixture) -> Result<(Ledger, Keys), LedgerError> {
    open_pair(&f.path(), &f.key_path(), IfMissing::Refuse, at(0))
}

fn ids(keys: &Keys) -> Vec<KeyId> {
    keys.ring.all().map(|hasher| hasher.key_id()).collect()
}

fn rekey(f: &mut Fixture) -> Keys {
    let path = f.key_path();
    f.ledger.rekey(at(5), "ann", "yearly", &path).unwrap()
}

/// The same person under a key of the ring.
fn under(keys: &Keys, at: usize, name: &str) -> NewEntry {
    let hasher = keys.ring.all().nth(at).unwrap();
    let keys = suppression::AddressKeys {
        exact: hasher.digest("exact", name.as_bytes()),
        person: hasher.digest("person", name.as_bytes()),
    };
    NewEntry { key_id: hasher.key_id(), keys, ..entry(name) }
}

#[test]
fn a_new_key_is_current_and_the_old_ones_stay() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    let mode = fs::metadata(f.key_path()).unwrap().mode();
    let first = rekey(&mut f);
    let second = rekey(&mut f);
    let id = |keys: &Keys| keys.ring.current().key_id();
    assert_eq!(ids(&second), [id(&second), id(&first), KeyId(1)]);
    assert_eq!(f.ledger.current_key().unwrap(), Some(id(&second)));
    assert_eq!(fs::metadata(f.key_path()).unwrap().mode(), mode);
    let (mut ledger, read) = open(&f).unwrap();
    assert_eq!(ids(&read), ids(&second));
    assert!(read.unfinished.is_empty());
    // An old list read again adds its rows once under the new key, and an address is found
    // under all of them.
    assert_eq!(ledger.append(at(6), None, &[under(&read, 2, "a")]).unwrap().seen, 1);
    assert_eq!(ledger.append(at(6), None, &[under(&read, 0, "a")]).unwrap().added.len(), 1);
    let keys: Vec<_> = (0..3).map(|at| under(&read, at, "a").keys).collect();
    assert_eq!(ledger.entries_of(&keys).unwrap().len(), 2);
    let events = ledger.events().unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| event.what == "rekey" && event.by == "ann"));
    assert!(events[1].details.contains(&format!("{:08x}", id(&second).0)), "{}", events[1].details);
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
    let left = fs::read_dir(f.folder.path()).unwrap().map(|file| file.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains(".new-")));
}

#[test]
fn each_state_in_between_is_whole() {
    // Before the rename: a temporary file lies about, the key file is the old one.
    let mut f = Fixture::new();
    fs::write(f.folder.path().join("optgate.key.new-0123456789ab"), "optgate-key-1\nid 0").unwrap();
    assert_eq!(ids(&open(&f).unwrap().1), [KeyId(1)]);
    // Between rename and commit: the file has a key that the ledger does not know.
    let before = f.folder.path().join("before.db");
    f.ledger.backup_to(&before, |_, _| ()).unwrap();
    let after = rekey(&mut f);
    let (ledger, keys) = open_pair(&before, &f.key_path(), IfMissing::Refuse, at(0)).unwrap();
    assert_eq!(ids(&keys), [KeyId(1)]);
    assert_eq!(keys.unfinished, [after.ring.current().key_id()]);
    // It is not used, and the next rekey goes through and leaves it where it is.
    drop(ledger);
    let mut ledger = Ledger::open(&before, &KeyFile::load(&f.key_path()).unwrap()).unwrap();
    let next = ledger.rekey(at(6), "ann", "again", &f.key_path()).unwrap();
    assert_eq!(next.unfinished, keys.unfinished);
    assert_eq!(next.ring.all().count(), 2);
    // The ledger that knows the other one still finds it.
    assert_eq!(ids(&open(&f).unwrap().1), ids(&after));
}

#[test]
fn a_lacking_key_is_named() {
    let mut f = Fixture::new();
    let old = fs::read(f.key_path()).unwrap();
    let new = rekey(&mut f).ring.current().key_id();
    fs::write(f.key_path(), &old).unwrap();
    let error = open(&f).unwrap_err();
    assert!(matches!(error, LedgerError::KeyLacking { .. }));
    assert!(error.to_string().contains(&format!("lacks key {:08x}", new.0)), "{error}");
    assert!(error.to_string().contains("from a backup"), "{error}");
    let path = f.key_path();
    assert!(f.ledger.rekey(at(6), "ann", "why", &path).is_err());
    assert_eq!(fs::read(f.key_path()).unwrap(), old, "nothing was changed");
    assert_eq!(f.ledger.current_key().unwrap(), Some(new));
}

#[test]
fn a_cut_off_or_doubled_key_file_is_named_and_kept() {
    let mut f = Fixture::new();
    rekey(&mut f);
    let whole = fs::read_to_string(f.key_path()).unwrap();
    let twice = format!("{whole}{}", &whole[whole.find("id ").unwrap()..]);
    let cut = |at: usize| whole[..at].to_owned();
    for (text, part) in [
        (twice, "a key twice"),
        (cut(whole.rfind("check").unwrap()), "`check` is missing"),
        (cut(whole.rfind("secret").unwrap()), "`secret` is missing"),
        (cut(whole.len() - 3), "hexadecimal"),
        (format!("{whole}rubbish\n"), "`id` is missing"),
    ] {
        fs::write(f.key_path(), &text).unwrap();
        let error = open(&f).unwrap_err();
        assert!(error.to_string().contains(part), "{part}: {error}");
        let path = f.key_path();
        assert!(f.ledger.rekey(at(6), "ann", "why", &path).is_err());
        assert_eq!(fs::read_to_string(f.key_path()).unwrap(), text);
    }
    // Cut behind the first key it is whole, but lacks the second.
    let second = whole.match_indices("id ").nth(1).unwrap().0;
    fs::write(f.key_path(), cut(second)).unwrap();
    assert!(matches!(open(&f), Err(LedgerError::KeyLacking { .. })));
}

#[test]
fn the_key_file_of_another_ledger_is_not_touched() {
    let (mut f, other) = (Fixture::new(), tempfile::tempdir().unwrap());
    let path = other.path().join("key");
    KeyFile::create(&path).unwrap();
    let before = fs::read(&path).unwrap();
    let error = f.ledger.rekey(at(5), "ann", "why", &path).unwrap_err();
    assert!(matches!(error, LedgerError::KeyWrong { .. }), "{error}");
    assert!(f.ledger.rekey(at(5), "ann", "", &f.key_path()).is_err());
    assert!(f.ledger.rekey(at(5), "ann", "why", &other.path().join("none")).is_err());
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(f.ledger.events().unwrap().is_empty());
}

#[test]
fn a_link_stays_a_link_and_its_file_keeps_its_owner() {
    let mut f = Fixture::new();
    let real = f.folder.path().join("secrets");
    fs::create_dir(&real).unwrap();
    let real = real.join("real.key");
    fs::rename(f.key_path(), &real).unwrap();
    std::os::unix::fs::symlink(&real, f.key_path()).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let root = fs::metadata(&real).unwrap().uid() == 0;
    if root {
        std::os::unix::fs::chown(&real, Some(65534), Some(65534)).unwrap();
    }
    let keys = rekey(&mut f);
    assert!(keys.exposed);
    assert!(f.key_path().symlink_metadata().unwrap().is_symlink());
    let metadata = fs::metadata(&real).unwrap();
    assert_eq!(metadata.mode() & 0o777, 0o640);
    assert!(!root || (metadata.uid(), metadata.gid()) == (65534, 65534));
    assert_eq!(ids(&open(&f).unwrap().1), ids(&keys));
}

#[test]
fn a_folder_that_cannot_be_written_changes_nothing() {
    let mut f = Fixture::new();
    let path = f.key_path();
    fs::set_permissions(f.folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let root = fs::metadata(&path).unwrap().uid() == 0;
    let result = f.ledger.rekey(at(5), "ann", "why", &path);
    fs::set_permissions(f.folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Nothing is forbidden to root.
    if !root {
        assert!(result.is_err());
        assert_eq!(f.ledger.current_key().unwrap(), Some(KeyId(1)));
    }
}

const CHILD: &str = "OPTGATE_TEST_REKEY";

fn child(folder: &Path, test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(CHILD, folder).stdout(Stdio::piped());
    command
}

/// Makes new keys and says after each which one is current.
fn rekey_often(folder: &Path, times: u32) {
    let (db, key) = (folder.join("optgate.db"), folder.join("optgate.key"));
    let (mut ledger, _) = open_pair(&db, &key, IfMissing::Refuse, at(0)).unwrap();
    for round in 0..times {
        let keys = ledger.rekey(at(i64::from(round)), "child", "a test", &key).unwrap();
        let mut out = std::io::stdout();
        let id = keys.ring.current().key_id().0;
        if writeln!(out, "acknowledged {id}").and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

#[test]
fn processes_that_rekey_at_once_lose_no_key() {
    if let Ok(folder) = std::env::var(CHILD) {
        return rekey_often(Path::new(&folder), 5);
    }
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    let test = "rekey::processes_that_rekey_at_once_lose_no_key";
    let children: Vec<_> = (0..3).map(|_| child(f.folder.path(), test).spawn().unwrap()).collect();
    for child in children {
        assert!(child.wait_with_output().unwrap().status.success());
    }
    let (ledger, keys) = open(&f).unwrap();
    assert_eq!(keys.ring.all().count(), 16);
    assert!(keys.unfinished.is_empty());
    assert_eq!(ledger.events().unwrap().len(), 15);
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn killed_while_it_makes_a_key_it_leaves_a_ledger_that_opens() {
    if let Ok(folder) = std::env::var(CHILD) {
        return rekey_often(Path::new(&folder), 400);
    }
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    let test = "rekey::killed_while_it_makes_a_key_it_leaves_a_ledger_that_opens";
    for round in 0..6 {
        let mut child = child(f.folder.path(), test).spawn().unwrap();
        let mut acknowledged = Vec::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            if let Some(id) = line.unwrap().strip_prefix("acknowledged ") {
                acknowledged.push(KeyId(id.parse().unwrap()));
            }
            if acknowledged.len() > round {
                // SIGKILL, to this child alone, while it is at its next key.
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let (ledger, keys) = open(&f).unwrap();
        let known = ids(&keys);
        assert!(acknowledged.iter().all(|id| known.contains(id)));
        assert!(known.contains(&KeyId(1)));
        assert!(ledger.verify(|_| ()).unwrap().is_intact());
        assert_eq!(known.len(), ledger.events().unwrap().len() + 1);
    }
}
