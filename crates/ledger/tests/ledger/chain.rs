//! Whatever somebody does to the file with another tool, `verify` names the first bad row.

use ledger::{Head, Ledger, Verification};
use rusqlite::Connection;
use suppression::NewEntry;

use crate::support::{Fixture, at, entry, entry_at};

fn filled() -> Fixture {
    let mut f = Fixture::new();
    let personal = NewEntry {
        plain: Some("p@example.com".into()),
        reason: Some("bought elsewhere".into()),
        evidence: [("ip".to_owned(), "192.0.2.1".to_owned())].into(),
        ..entry("personal")
    };
    f.ledger.append(at(1), Some("i1"), &[entry("a"), entry_at("b", 5), personal]).unwrap();
    f.ledger.append(at(2), None, &[entry("c"), entry("d")]).unwrap();
    f
}

fn verify(f: &Fixture) -> Verification {
    Ledger::open_read_only(&f.path()).unwrap().verify(|_| ()).unwrap()
}

/// Does something to the file as any SQLite tool could, and tells where `verify` stumbles.
fn stumbles(sql: &str) -> (u64, String) {
    let f = filled();
    assert!(verify(&f).is_intact());
    Connection::open(f.path()).unwrap().execute_batch(sql).unwrap();
    match f.ledger.verify(|_| ()).unwrap() {
        Verification::Broken { position, what } => (position, what),
        Verification::BrokenEvent { number, what } => panic!("event {number}: {what}"),
        Verification::BrokenKey { key, what } => panic!("key {key}: {what}"),
        Verification::Intact { .. } => (0, String::new()),
    }
}

#[test]
fn an_untouched_ledger_is_intact() {
    let f = filled();
    let Verification::Intact { head, erased: 0, .. } = verify(&f) else { unreachable!() };
    assert_eq!(head, f.ledger.head().unwrap());
    assert_eq!(head.position, 5);
}

#[test]
fn every_changed_column_is_found() {
    for change in [
        "exact = randomblob(32)",
        "person = randomblob(32)",
        "stated = 7",
        "stated = NULL",
        "recorded = recorded + 1",
        "import = NULL",
        "origin = (SELECT max(id) FROM origin)",
        "key_id = 7",
        "refers_to = 1",
        "expires = 1",
        "hash = randomblob(32)",
        "hash = x'00'",
        "plain = 'x'",
    ] {
        let sql = format!(
            "PRAGMA foreign_keys = off; INSERT INTO origin (source, kind, scope) VALUES \
             ('other', 'opt-out', 'all'); UPDATE entry SET {change} WHERE position = 2"
        );
        assert_eq!(stumbles(&sql).0, 2, "{change}");
    }
}

#[test]
fn a_changed_personal_field_is_found_and_an_erased_one_is_no_fault() {
    for change in
        ["reason = 'never'", "plain = NULL", "evidence = '{}'", "salt = x'00'", "personal = NULL"]
    {
        let (position, what) = stumbles(&format!("UPDATE entry SET {change} WHERE position = 3"));
        assert_eq!(position, 3, "{change}");
        assert!(what.contains("personal"), "{what}");
    }
}

const BLANK: &str = "UPDATE entry SET plain = NULL, reason = NULL, evidence = NULL, salt = NULL";

#[test]
fn an_erasure_that_no_event_records_is_found() {
    let (position, what) = stumbles(&format!("{BLANK} WHERE position = 3"));
    assert_eq!(position, 3);
    assert!(what.contains("blanked without a record"), "{what}");
    // The first bad row is named, be the next one wrong in another way.
    let both =
        format!("{BLANK} WHERE position = 3; UPDATE entry SET recorded = 1 WHERE position = 4");
    assert_eq!(stumbles(&both).0, 3);

    // One of another person is no excuse, and neither is one that was made before the row.
    let mut f = filled();
    f.ledger.erase(at(3), "ann", "Art. 17", &[crate::support::keys("personal")]).unwrap();
    let again = NewEntry { reason: Some("said again".into()), ..entry_at("personal", 9) };
    f.ledger.append(at(4), None, &[again]).unwrap();
    let Verification::Intact { erased: 1, .. } = verify(&f) else { panic!("recorded") };
    let tool = Connection::open(f.path()).unwrap();
    tool.execute_batch(&format!("{BLANK} WHERE position = 6")).unwrap();
    let Verification::Broken { position: 6, .. } = verify(&f) else { panic!("not recorded") };
    // With a checkpoint too.
    let checkpoint = f.ledger.checkpoint(at(5)).unwrap();
    assert!(!f.ledger.verify_against(&checkpoint, |_| ()).unwrap().is_proven());
}

#[test]
fn an_event_of_an_erasure_taken_away_is_told_as_that() {
    let mut f = filled();
    f.ledger.erase(at(3), "ann", "Art. 17", &[crate::support::keys("personal")]).unwrap();
    f.ledger.rekey(at(4), "ann", "yearly", &f.key_path()).unwrap();
    Connection::open(f.path()).unwrap().execute("DELETE FROM event WHERE number = 1", ()).unwrap();
    let Verification::BrokenEvent { number: 1, .. } = verify(&f) else {
        panic!("{:?}", verify(&f))
    };
}

#[test]
fn shared_texts_are_covered() {
    assert_eq!(stumbles("UPDATE origin SET scope = 'all'").0, 1);
    assert_eq!(stumbles("UPDATE origin SET source = 'other'").0, 1);
    assert_eq!(stumbles("UPDATE import SET name = 'other'").0, 1);
}

#[test]
fn removed_moved_and_added_rows_are_found() {
    let (position, what) = stumbles("DELETE FROM entry WHERE position = 2");
    assert_eq!(position, 2);
    assert!(what.contains("missing"), "{what}");
    assert_eq!(stumbles("DELETE FROM entry WHERE position = 1").0, 1);
    let (position, what) = stumbles("DELETE FROM entry WHERE position = 5");
    assert_eq!(position, 5);
    assert!(what.contains("once ended at row 5"), "{what}");
    let swap = "UPDATE entry SET position = 99 WHERE position = 1;
                UPDATE entry SET position = 1 WHERE position = 2;
                UPDATE entry SET position = 2 WHERE position = 99;";
    assert_eq!(stumbles(swap).0, 1);
    let add = "INSERT INTO entry (position, origin, key_id, exact, person, recorded, hash)
               SELECT 6, origin, key_id, exact, person, recorded, hash FROM entry WHERE position = 5";
    assert_eq!(stumbles(add).0, 6);
}

#[test]
fn a_ledger_rewritten_from_a_row_on_has_another_head() {
    // Cut off together with the noted head it verifies; a head kept elsewhere tells.
    let f = filled();
    let kept: Head = f.ledger.head().unwrap();
    let at_four = f.ledger.entry(4).unwrap().unwrap().hash;
    let tool = Connection::open(f.path()).unwrap();
    tool.execute("DELETE FROM entry WHERE position = 5", ()).unwrap();
    tool.execute("UPDATE meta SET value = 4 WHERE name = 'head'", ()).unwrap();
    tool.execute("UPDATE meta SET value = ?1 WHERE name = 'head_hash'", [&at_four[..]]).unwrap();
    let Verification::Intact { head, .. } = verify(&f) else { unreachable!() };
    assert_ne!(head, kept);
}

#[test]
fn progress_is_told() {
    let mut f = Fixture::new();
    let entries: Vec<_> = (0..20_000).map(|n| entry(&n.to_string())).collect();
    f.ledger.append(at(1), None, &entries).unwrap();
    let mut told = Vec::new();
    assert!(f.ledger.verify(|position| told.push(position)).unwrap().is_intact());
    assert_eq!(told, [10_000, 20_000]);
}

#[test]
fn the_view_shows_the_record_in_words() {
    let f = filled();
    let tool = Connection::open(f.path()).unwrap();
    let row: (String, String, String, String, Option<String>, Option<String>) = tool
        .query_row(
            "SELECT kind, scope, source, stated, import, reason FROM entries WHERE position = 2",
            (),
            |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?)),
        )
        .unwrap();
    let (kind, scope, source, stated, import, reason) = row;
    assert_eq!([kind, scope, source], ["opt-out", "commercial", "crm"]);
    assert_eq!(stated, "2023-11-14T22:13:25.000Z");
    assert_eq!((import.as_deref(), reason), (Some("i1"), None));
}
