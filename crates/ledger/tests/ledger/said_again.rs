//! What a later one-off import said again stays when the import that brought it is undone.

use std::collections::BTreeMap;

use ledger::{Appended, Prepared, Undone};
use suppression::{Basis, Entry, Kind, NewEntry};

use crate::support::{Fixture, at, entry, entry_at, keys};

fn once(f: &mut Fixture, seconds: i64, import: &str, names: &[&str]) -> Appended {
    let entries = names.iter().map(|name| entry(name)).collect();
    let prepared = Prepared::new(entries).unwrap();
    f.ledger.append_once(at(seconds), import, &prepared, None).unwrap()
}

fn undo(f: &mut Fixture, seconds: i64, import: &str) -> Undone {
    f.ledger.undo_import(at(seconds), "ann", "the wrong file", import).unwrap()
}

/// What stands about somebody.
fn standing(f: &mut Fixture, name: &str) -> Vec<Entry> {
    let found = f.ledger.entries_of(&[keys(name)]).unwrap();
    let stands = found.into_iter().filter(|found| found.withdrawn_by.is_none());
    stands.map(|found| found.entry).filter(|entry| entry.kind != Kind::Withdrawn).collect()
}

fn rows(f: &mut Fixture, name: &str) -> Vec<u64> {
    standing(f, name).iter().map(|entry| entry.position).collect()
}

fn undone(position: u64, rows: u64, stayed: u64) -> Undone {
    Undone { position, rows, stayed, source: "crm".into() }
}

#[test]
fn what_the_right_file_said_again_stays_when_the_wrong_one_is_undone() {
    let mut f = Fixture::new();
    once(&mut f, 1, "wrong", &["w1", "w2", "w3"]);
    let right = once(&mut f, 2, "right", &["w1"]);
    assert_eq!((right.added, right.seen, right.stood), (vec![], 1, vec![(1, 0)]));
    // It has an id and is told of, though it brought nothing.
    let imports = f.ledger.imports().unwrap();
    let told: Vec<_> = imports.iter().map(|i| (i.id.as_str(), i.rows, i.source.as_str())).collect();
    assert_eq!(told, [("wrong", 3, "crm"), ("right", 0, "crm")]);

    assert_eq!(undo(&mut f, 100, "wrong"), undone(4, 3, 1));
    let stays = standing(&mut f, "w1");
    assert_eq!(stays.len(), 1);
    assert_eq!((stays[0].position, stays[0].import.as_deref()), (5, Some("right")));
    // From when it counted, not from the undo: no new grace begins.
    assert_eq!((stays[0].stated, stays[0].recorded), (Some(at(1)), at(100)));
    assert_eq!(f.ledger.import_rows("right", u64::MAX).unwrap(), [5..=5]);
    assert!(rows(&mut f, "w2").is_empty() && rows(&mut f, "w3").is_empty());
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());

    // What stayed goes with the import that said it.
    f.reopen();
    assert_eq!(undo(&mut f, 101, "right"), undone(6, 1, 0));
    assert!(rows(&mut f, "w1").is_empty());
    f.ledger.undo_import(at(102), "ann", "why", "right").unwrap_err();
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn an_import_that_only_said_again_can_be_undone_first() {
    let mut f = Fixture::new();
    once(&mut f, 1, "wrong", &["w1", "w2"]);
    once(&mut f, 2, "right", &["w1"]);
    assert_eq!(undo(&mut f, 3, "right"), undone(3, 0, 0));
    assert_eq!(rows(&mut f, "w1"), [1]);
    let again = f.ledger.undo_import(at(4), "ann", "why", "right").unwrap_err();
    assert!(again.to_string().contains("undone before"), "{again}");
    assert_eq!(undo(&mut f, 5, "wrong"), undone(4, 2, 0));
    assert!(rows(&mut f, "w1").is_empty());
    let line = &f.ledger.imports().unwrap()[1];
    assert_eq!((line.source.as_str(), line.undone), ("crm", Some(3)));
}

#[test]
fn what_several_imports_said_stays_until_the_last_is_undone() {
    let mut f = Fixture::new();
    once(&mut f, 1, "a", &["w1", "w2"]);
    once(&mut f, 2, "b", &["w1", "w2", "w9"]);
    once(&mut f, 3, "c", &["w1", "w9"]);
    assert_eq!(undo(&mut f, 4, "a").stayed, 2);
    assert_eq!(undo(&mut f, 5, "b"), undone(7, 3, 2));
    assert_eq!((rows(&mut f, "w1").len(), rows(&mut f, "w9").len()), (1, 1));
    assert!(rows(&mut f, "w2").is_empty());
    assert_eq!(standing(&mut f, "w1")[0].stated, Some(at(1)));
    assert_eq!(undo(&mut f, 6, "c").stayed, 0);
    assert!(rows(&mut f, "w1").is_empty() && rows(&mut f, "w9").is_empty());
    f.reopen();
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
    let found = f.ledger.entries_of(&[keys("w1")]).unwrap();
    assert_eq!(found.iter().filter(|found| found.withdrawn_by.is_some()).count(), 3);
}

#[test]
fn what_an_import_says_after_its_undo_counts() {
    let mut f = Fixture::new();
    once(&mut f, 1, "wrong", &["w1", "w2"]);
    once(&mut f, 2, "right", &["w1"]);
    undo(&mut f, 3, "right");
    once(&mut f, 4, "right", &["w2"]);
    assert_eq!(undo(&mut f, 5, "wrong").stayed, 1);
    assert!(rows(&mut f, "w1").is_empty());
    assert_eq!(rows(&mut f, "w2").len(), 1);
}

#[test]
fn a_watched_list_and_a_row_withdrawn_by_itself_leave_nothing() {
    let mut f = Fixture::new();
    once(&mut f, 1, "wrong", &["w1", "w2"]);
    f.ledger.append(at(2), Some("watched"), &[entry("w1")]).unwrap();
    once(&mut f, 3, "right", &["w2"]);
    f.ledger.withdraw(at(4), "ann", "why", &[2]).unwrap();
    assert_eq!(f.ledger.imports().unwrap().len(), 2);
    assert_eq!(undo(&mut f, 5, "wrong"), undone(4, 1, 0));
    assert!(rows(&mut f, "w1").is_empty() && rows(&mut f, "w2").is_empty());
}

#[test]
fn a_copy_has_everything_the_row_had_and_a_salt_of_its_own() {
    let mut f = Fixture::new();
    let evidence = BTreeMap::from([("form".to_owned(), "f".to_owned())]);
    let full = NewEntry {
        kind: Kind::Consent,
        plain: Some("w@example.com".into()),
        reason: Some("fair".into()),
        evidence,
        expires: Basis::Purchase.lapses(at(1)),
        ..entry_at("w", 1)
    };
    let erased = NewEntry { reason: Some("secret".into()), ..entry("e") };
    let prepared = Prepared::new(vec![full.clone(), erased]).unwrap();
    f.ledger.append_once(at(5), "wrong", &prepared, None).unwrap();
    f.ledger.append_once(at(6), "right", &prepared, None).unwrap();
    f.ledger.erase(at(7), "ann", "ticket 7", &[keys("e")]).unwrap();
    assert_eq!(undo(&mut f, 8, "wrong").stayed, 2);
    let copy = &standing(&mut f, "w")[0];
    assert_eq!((copy.kind, copy.keys, copy.stated), (full.kind, full.keys, full.stated));
    assert_eq!((&copy.plain, &copy.reason), (&full.plain, &full.reason));
    assert_eq!((&copy.evidence, copy.expires), (&full.evidence, full.expires));
    let e = &standing(&mut f, "e")[0];
    assert_eq!((&e.reason, e.erased), (&None, false));
    let salts: i64 = rusqlite::Connection::open(f.path())
        .unwrap()
        .query_row("SELECT count(DISTINCT salt) FROM entry WHERE salt IS NOT NULL", (), |r| {
            r.get(0)
        })
        .unwrap();
    assert_eq!(salts, 3, "the row, the undo, the copy");
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
    // A dated fact that stayed is the same fact as before.
    assert_eq!(f.ledger.append(at(9), None, &[full]).unwrap().seen, 1);
}
