//! An auditor with Python, sqlite3 and docs/ledger.md, and without this program, comes to the
//! same result.

use std::path::Path;
use std::process::Command;

use ledger::{Event, Ledger};
use rusqlite::Connection;
use suppression::{AddressKeys, Kind, NewEntry, Scope, Subject};

use crate::support::{Fixture, at, entry, entry_at, hashed, keys};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledger/audit.py");

/// Everything a row can have, in one ledger.
fn filled() -> Fixture {
    let mut f = Fixture::new();
    let exact = keys("domain").exact;
    let rows = [
        entry("a"),
        NewEntry {
            reason: Some("ü \"why\"".into()),
            plain: Some("b@x.example".into()),
            ..entry_at("b", -5)
        },
        NewEntry { evidence: [("ip".into(), "192.0.2.1".into())].into(), ..entry("c") },
        NewEntry {
            keys: AddressKeys { exact, person: exact },
            subject: Subject::Domain,
            scope: Scope::All,
            ..entry("d")
        },
        NewEntry {
            kind: Kind::Consent,
            expires: Some(at(99)),
            scope: Scope::Named("brand".into()),
            ..entry_at("e", 9)
        },
        hashed("md5 lower", "f"),
        hashed("sha256 as-is before=c3a9 behind=20", "f"),
    ];
    f.ledger.append(at(10), Some("20260302-abc"), &rows).unwrap();
    f.ledger
        .record_event(at(11), &Event { what: "export", by: "ann", details: r#"{"rows":7}"# })
        .unwrap();
    f.ledger.withdraw(at(12), "ann", "a mistake", &[1, 7]).unwrap();
    f.ledger.undo_import(at(13), "ann", "the wrong file", "20260302-abc").unwrap();
    f.ledger.erase(at(14), "ann", "Art. 17", &[keys("b")]).unwrap();
    let key = f.key_path();
    f.ledger.rekey(at(15), "ann", "yearly", &key).unwrap();
    f
}

fn audit(ledger: &Path, checkpoint: Option<&Path>) -> (bool, String) {
    let done = Command::new("python3").arg(SCRIPT).arg(ledger).args(checkpoint).output().unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.success(), String::from_utf8_lossy(&said).into_owned())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn python_recomputes_both_chains_of_a_real_ledger() {
    let mut f = filled();
    let kept = f.folder.path().join("checkpoint");
    let checkpoint = f.ledger.checkpoint(at(20)).unwrap();
    std::fs::write(&kept, checkpoint.to_string()).unwrap();
    f.ledger.append(at(21), None, &[entry("later")]).unwrap();
    let (intact, said) = audit(&f.path(), Some(&kept));
    assert!(intact, "{said}");
    let head = f.ledger.head().unwrap();
    assert!(said.contains(&format!("intact: 11 rows, {}", hex(&head.hash))), "{said}");
    assert!(said.contains(&format!("; 3 events, {}", hex(&checkpoint.events_hash))), "{said}");
    assert!(said.contains("extends the checkpoint of 20"), "{said}");
}

#[test]
fn python_and_verify_find_the_same_faults() {
    for (sql, said) in [
        ("UPDATE entry SET expires = expires + 1 WHERE position = 5", "row 5 was changed"),
        ("UPDATE entry SET refers_to = 2 WHERE position = 8", "row 8 was changed"),
        (
            "DROP INDEX origin_once; UPDATE origin SET hashed = NULL WHERE hashed = 'md5 lower'",
            "row 6 was changed",
        ),
        ("UPDATE origin SET hashed = 'sha1 lower' WHERE hashed = 'md5 lower'", "row 6 was changed"),
        (
            "DROP INDEX origin_once; UPDATE origin SET hashed = 'md5 lower' WHERE id = 1",
            "row 1 was changed",
        ),
        ("UPDATE entry SET reason = 'x' WHERE position = 2", "row 2 was put in"),
        ("UPDATE entry SET evidence = '{}' WHERE position = 3", "row 3 was changed"),
        ("UPDATE origin SET scope = 'all' WHERE kind = 'consent'", "row 5 was changed"),
        ("DELETE FROM entry WHERE position = 4", "row 4 is missing"),
        ("DELETE FROM entry WHERE position = 9", "row 9 is missing"),
        ("UPDATE entry SET evidence = NULL, salt = NULL WHERE position = 3", "row 3 was blanked"),
        ("UPDATE hash_key SET id = 2 WHERE number = 1", "key of row 1"),
        ("DELETE FROM hash_key WHERE number = 1", "key of row 1"),
        ("DELETE FROM hash_key WHERE number = 2", "keys that were added"),
        ("UPDATE hash_key SET fingerprint = zeroblob(32) WHERE number = 2", "keys that were added"),
        ("UPDATE hash_key SET added = 1 WHERE number = 2", "keys that were added"),
        ("INSERT INTO hash_key VALUES (3, 3, zeroblob(32), 1)", "keys that were added"),
        ("UPDATE event SET by = 'bob' WHERE number = 2", "event 2"),
        ("DELETE FROM event WHERE number = 3", "event 3"),
    ] {
        let f = filled();
        let sql = format!("PRAGMA foreign_keys = off; {sql}");
        Connection::open(f.path()).unwrap().execute_batch(&sql).unwrap();
        let (intact, found) = audit(&f.path(), None);
        assert!(!intact && found.contains(said), "{sql}: {found}");
        let ours = Ledger::open_read_only(&f.path()).map(|ledger| ledger.verify(|_| ()).unwrap());
        assert!(ours.is_err() || ours.is_ok_and(|found| !found.is_intact()), "{sql}");
    }
    let (f, other) = (filled(), filled());
    let kept = f.folder.path().join("checkpoint");
    std::fs::write(&kept, other.ledger.checkpoint(at(20)).unwrap().to_string()).unwrap();
    let (extends, said) = audit(&f.path(), Some(&kept));
    assert!(!extends && said.contains("does not extend"), "{said}");
}

#[test]
fn sqlite3_shows_the_record_in_words() {
    let f = filled();
    let sql = "SELECT position, kind, scope, source, hashed, refers_to, refers_import, erased FROM entries \
               WHERE position > 4; SELECT what, by FROM events;";
    let done = Command::new("sqlite3").arg("-readonly").arg(f.path()).arg(sql).output().unwrap();
    let shown = String::from_utf8(done.stdout).unwrap();
    assert_eq!(
        shown.lines().collect::<Vec<_>>(),
        [
            "5|consent|brand|crm||||0",
            "6|opt-out|commercial|crm|md5 lower|||0",
            "7|opt-out|commercial|crm|sha256 as-is before=c3a9 behind=20|||0",
            "8|withdrawn|commercial|ann||1||0",
            "9|withdrawn|commercial|ann|sha256 as-is before=c3a9 behind=20|7||0",
            "10|withdrawn|all|ann|||20260302-abc|0",
            "export|ann",
            "erase|ann",
            "rekey|ann"
        ]
    );
}
