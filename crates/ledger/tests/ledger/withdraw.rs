//! Rows and imports that are taken back, and what is said again afterwards.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use ledger::{ImportLine, Ledger, LedgerError, Undone};
use rusqlite::Connection;
use suppression::{Kind, NewEntry, Scope};

use crate::support::{Fixture, at, entry, keys};

fn batch(rows: std::ops::Range<usize>) -> Vec<NewEntry> {
    rows.map(|n| entry(&n.to_string())).collect()
}

/// The positions of the facts that stand, as an index would have them: from the feed alone.
fn standing(ledger: &Ledger) -> BTreeSet<u64> {
    let (mut facts, mut taken) = (BTreeSet::new(), BTreeSet::new());
    ledger
        .for_each_since(0, |row| {
            match (row.kind, row.refers_to, row.refers_import) {
                (Kind::Withdrawn, Some(position), None) => {
                    taken.insert(position);
                }
                (Kind::Withdrawn, None, Some(import)) => {
                    let rows = ledger.import_rows(import, row.position).unwrap();
                    taken.extend(rows.into_iter().flatten());
                }
                (Kind::Withdrawn, ..) => panic!("a withdrawal names what it takes back"),
                (_, to, import) => {
                    assert_eq!((to, import), (None, None));
                    facts.insert(row.position);
                }
            }
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(taken.is_subset(&facts), "only facts that were there are taken back");
    &facts - &taken
}

fn withdrawn_by(f: &mut Fixture, name: &str) -> Vec<(u64, Option<u64>)> {
    let found = f.ledger.entries_of(&[keys(name)]).unwrap();
    found.iter().map(|found| (found.entry.position, found.withdrawn_by)).collect()
}

#[test]
fn a_withdrawal_is_a_row_that_names_the_row_it_takes_back() {
    let mut f = Fixture::new();
    let brand = NewEntry { scope: Scope::Named("brand".into()), ..entry("b") };
    f.ledger.append(at(1), None, &[entry("a"), brand, entry("c")]).unwrap();
    assert_eq!(f.ledger.withdraw(at(2), "ann", "wrong person", &[2, 1]).unwrap(), [4, 5]);
    let row = f.ledger.entry(4).unwrap().unwrap();
    assert_eq!((row.kind, row.refers_to, row.refers_import), (Kind::Withdrawn, Some(2), None));
    assert_eq!((row.source.as_str(), row.reason.as_deref()), ("ann", Some("wrong person")));
    assert_eq!((row.keys, row.scope), (keys("b"), Scope::Named("brand".into())));
    assert_eq!(withdrawn_by(&mut f, "b"), [(2, Some(4)), (4, None)]);
    assert_eq!(withdrawn_by(&mut f, "c"), [(3, None)]);
    assert_eq!(standing(&f.ledger), BTreeSet::from([3]));
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn what_cannot_be_withdrawn_is_named_and_nothing_is() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &batch(0..4)).unwrap();
    f.ledger.withdraw(at(2), "ann", "why", &[1]).unwrap();
    for (positions, part) in [
        (vec![2, 99], "no such row"),
        (vec![0], "no such row"),
        (vec![2, 5], "takes others back itself"),
        (vec![2, 1], "row 5 has taken it back"),
        (vec![2, 3, 2], "given twice"),
    ] {
        let error = f.ledger.withdraw(at(3), "ann", "why", &positions).unwrap_err();
        assert!(matches!(error, LedgerError::NotWithdrawable { .. }));
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert_eq!(f.ledger.head().unwrap().position, 5);
    }
    for (by, reason) in [("", "why"), ("ann", " ")] {
        let error = f.ledger.withdraw(at(3), by, reason, &[2]).unwrap_err();
        assert!(matches!(error, LedgerError::Unaccountable(_)));
        assert!(f.ledger.undo_import(at(3), by, reason, "i").is_err());
        assert!(f.ledger.erase(at(3), by, reason, &[keys("0")]).is_err());
    }
    // What failed has left no false memory.
    assert_eq!(f.ledger.withdraw(at(3), "ann", "why", &[2, 3]).unwrap(), [6, 7]);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn what_one_withdrew_another_row_of_the_person_does_not_lose() {
    let mut f = Fixture::new();
    let shop = NewEntry { source: "shop".into(), ..entry("a") };
    f.ledger.append(at(1), None, &[entry("a"), shop.clone()]).unwrap();
    f.ledger.withdraw(at(2), "ann", "why", &[1]).unwrap();
    // The other list's row stands and is not added again; the one taken back is.
    let again = f.ledger.append(at(3), None, &[shop, entry("a")]).unwrap();
    assert_eq!((again.added, again.seen), (vec![(4, 1)], 1));
    f.reopen();
    assert_eq!(f.ledger.append(at(4), None, &[entry("a")]).unwrap().seen, 1);
    assert_eq!(standing(&f.ledger), BTreeSet::from([2, 4]));
}

#[test]
fn an_undone_import_leaves_the_rows_of_others() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("good"), &batch(0..3)).unwrap();
    f.ledger.append(at(2), Some("bad"), &batch(0..500)).unwrap();
    f.ledger.append(at(3), None, &[entry("by hand")]).unwrap();
    f.ledger.append(at(4), Some("bad"), &batch(500..510)).unwrap();
    let rows = f.ledger.import_rows("bad", u64::MAX).unwrap();
    assert_eq!(rows, [4..=500, 502..=511]);
    assert_eq!(f.ledger.import_rows("bad", 503).unwrap(), [4..=500, 502..=502]);
    assert!(f.ledger.import_rows("none", 503).unwrap().is_empty());

    let undone = f.ledger.undo_import(at(5), "ann", "the customers' file", "bad").unwrap();
    let expected = Undone { position: 512, rows: 507, stayed: 0, source: "crm".into() };
    assert_eq!(undone, expected);
    let row = f.ledger.entry(512).unwrap().unwrap();
    assert_eq!(row.refers_import.as_deref(), Some("bad"));
    assert_eq!((row.kind, row.refers_to), (Kind::Withdrawn, None));
    assert_eq!(standing(&f.ledger), BTreeSet::from([1, 2, 3, 501]));
    assert_eq!(withdrawn_by(&mut f, "7"), [(8, Some(512))]);
    assert_eq!(withdrawn_by(&mut f, "1"), [(2, None)]);
    assert_eq!(withdrawn_by(&mut f, "by hand"), [(501, None)]);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());

    let again = f.ledger.undo_import(at(6), "ann", "why", "bad").unwrap_err();
    assert!(again.to_string().contains("undone before"), "{again}");
    let none = f.ledger.undo_import(at(6), "ann", "why", "bed").unwrap_err();
    assert!(matches!(none, LedgerError::NotUndoable { .. }));
    assert!(none.to_string().contains("optgate optout imports"), "{none}");
}

#[test]
fn rows_that_an_import_brings_after_its_undo_are_not_taken_back() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &batch(0..300)).unwrap();
    // Another process undoes it while it still runs.
    let mut other = Ledger::open(&f.path(), &f.key).unwrap();
    assert_eq!(other.undo_import(at(2), "ann", "why", "i").unwrap().rows, 300);
    let more = f.ledger.append(at(3), Some("i"), &batch(300..400)).unwrap();
    assert_eq!(more.added.len(), 100);
    assert_eq!(standing(&f.ledger), (302..=401).collect());
    assert_eq!(withdrawn_by(&mut f, "350"), [(352, None)]);
    // What it says once more is recorded once more.
    assert_eq!(f.ledger.append(at(4), Some("i"), &batch(0..400)).unwrap().added.len(), 300);
    // A second undo takes back what stands by now.
    assert_eq!(other.undo_import(at(5), "ann", "why", "i").unwrap().rows, 400);
    assert!(standing(&f.ledger).is_empty());
    assert_eq!(withdrawn_by(&mut f, "0"), [(1, Some(301)), (402, Some(702))]);
    f.reopen();
    assert_eq!(f.ledger.append(at(6), None, &batch(0..400)).unwrap().added.len(), 400);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn rows_withdrawn_one_by_one_are_not_counted_by_the_undo() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), Some("i"), &batch(0..10)).unwrap();
    f.ledger.withdraw(at(2), "ann", "why", &[3, 4]).unwrap();
    f.reopen();
    assert_eq!(f.ledger.undo_import(at(3), "ann", "why", "i").unwrap().rows, 8);
    assert_eq!(withdrawn_by(&mut f, "2")[0], (3, Some(11)), "the first row that took it back");
    let error = f.ledger.withdraw(at(4), "ann", "why", &[5]).unwrap_err();
    assert!(error.to_string().contains("row 13 has taken it back"), "{error}");
}

#[test]
fn imports_are_listed_with_what_became_of_them() {
    let mut f = Fixture::new();
    assert!(f.ledger.imports().unwrap().is_empty());
    f.ledger.append(at(1), Some("one"), &batch(0..5)).unwrap();
    f.ledger.append(at(2), Some("nothing new"), &batch(0..5)).unwrap();
    f.ledger.append(at(3), Some("two"), &batch(5..7)).unwrap();
    f.ledger.append(at(4), Some("one"), &batch(7..9)).unwrap();
    f.ledger.undo_import(at(5), "ann", "why", "two").unwrap();
    let line = |id: &str, started, first, last, rows, undone| ImportLine {
        id: id.into(),
        started: at(started),
        first,
        last,
        rows,
        source: "crm".into(),
        undone,
    };
    assert_eq!(
        f.ledger.imports().unwrap(),
        [line("one", 1, 1, 9, 7, None), line("two", 3, 6, 7, 2, Some(10))]
    );
}

#[test]
fn a_table_of_imports_that_was_changed_is_found() {
    for sql in [
        "UPDATE import_rows SET last = 2",
        "UPDATE import_rows SET first = 2",
        "DELETE FROM import_rows",
        "INSERT INTO import_rows (import, first, last) VALUES (1, 5, 5)",
        "UPDATE import_rows SET last = 5",
    ] {
        let mut f = Fixture::new();
        f.ledger.append(at(1), Some("i"), &batch(0..3)).unwrap();
        f.ledger.append(at(1), None, &batch(3..6)).unwrap();
        Connection::open(f.path()).unwrap().execute_batch(sql).unwrap();
        let ledger::Verification::Broken { position: 1, what } = f.ledger.verify(|_| ()).unwrap()
        else {
            panic!("{sql} was not found")
        };
        assert!(what.contains("import_rows"), "{what}");
    }
}

#[test]
fn a_withdrawal_that_another_connection_settled_is_known() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..5000)).unwrap();
    let mut other = Ledger::open(&f.path(), &f.key).unwrap();
    other.withdraw(at(2), "ann", "why", &[17]).unwrap();
    while other.settle().unwrap() {}
    // Every row up to the head is in the table by now, and this one reads none of them.
    assert_eq!(f.ledger.append(at(3), None, &batch(0..5000)).unwrap().added, [(5002, 16)]);
}

#[test]
fn entries_under_several_keys_are_found_together() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[entry("a"), entry("b"), entry("c")]).unwrap();
    let found = f.ledger.entries_of(&[keys("c"), keys("a"), keys("a")]).unwrap();
    assert_eq!(found.iter().map(|f| f.entry.position).collect::<Vec<_>>(), [1, 3]);
    assert!(f.ledger.entries_of(&[]).unwrap().is_empty());
}
