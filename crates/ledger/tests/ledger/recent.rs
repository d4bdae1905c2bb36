//! Rows that are not in the table of addresses yet: found all the same, whatever happens.

use ledger::Ledger;
use suppression::NewEntry;

use crate::support::{Fixture, at, entries_of, entry};

const ROWS: usize = 10_000;

fn batch(rows: std::ops::Range<usize>) -> Vec<NewEntry> {
    rows.map(|n| entry(&n.to_string())).collect()
}

fn all_are_found(ledger: &mut Ledger, rows: usize) {
    let again = ledger.append(at(9), None, &batch(0..rows)).unwrap();
    assert_eq!((again.added.len(), again.seen), (0, rows));
    for n in [0, 1, rows / 2, rows - 1] {
        let found = entries_of(ledger, &n.to_string());
        assert_eq!(found.iter().map(|e| e.position).collect::<Vec<_>>(), [n as u64 + 1]);
    }
    assert!(entries_of(ledger, "nobody").is_empty());
    assert!(ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn before_between_and_after_settling() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..ROWS)).unwrap();
    all_are_found(&mut f.ledger, ROWS);
    assert!(f.ledger.settle().unwrap(), "it is done in slices");
    all_are_found(&mut f.ledger, ROWS);
    while f.ledger.settle().unwrap() {
        all_are_found(&mut f.ledger, ROWS);
    }
    all_are_found(&mut f.ledger, ROWS);
    assert!(!f.ledger.settle().unwrap());
}

#[test]
fn after_a_restart_at_any_point() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..ROWS)).unwrap();
    f.reopen();
    all_are_found(&mut f.ledger, ROWS);
    assert!(f.ledger.settle().unwrap());
    f.reopen();
    all_are_found(&mut f.ledger, ROWS);
    while f.ledger.settle().unwrap() {}
    f.reopen();
    all_are_found(&mut f.ledger, ROWS);
}

#[test]
fn while_rows_come_in_between() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..ROWS)).unwrap();
    assert!(f.ledger.settle().unwrap());
    f.ledger.append(at(1), None, &batch(ROWS..ROWS + 1000)).unwrap();
    while f.ledger.settle().unwrap() {}
    f.reopen();
    all_are_found(&mut f.ledger, ROWS + 1000);
    // Small numbers go straight into the table.
    f.ledger.append(at(1), None, &batch(ROWS + 1000..ROWS + 1010)).unwrap();
    assert!(!f.ledger.settle().unwrap());
    f.reopen();
    all_are_found(&mut f.ledger, ROWS + 1010);
}

#[test]
fn while_another_connection_settles_the_same_rows() {
    let mut f = Fixture::new();
    let mut other = Ledger::open(&f.path(), &f.key).unwrap();
    f.ledger.append(at(1), None, &batch(0..ROWS)).unwrap();
    assert!(f.ledger.settle().unwrap());
    assert!(other.settle().unwrap());
    other.append(at(1), None, &batch(ROWS..ROWS + 500)).unwrap();
    while f.ledger.settle().unwrap() {}
    all_are_found(&mut other, ROWS + 500);
    while other.settle().unwrap() {}
    all_are_found(&mut f.ledger, ROWS + 500);
    all_are_found(&mut other, ROWS + 500);
    f.reopen();
    all_are_found(&mut f.ledger, ROWS + 500);
}

#[test]
fn the_table_may_be_lost_and_costs_no_row() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &batch(0..100)).unwrap();
    let tool = rusqlite::Connection::open(f.path()).unwrap();
    tool.execute_batch("DELETE FROM lookup; UPDATE meta SET value = 0 WHERE name = 'indexed'")
        .unwrap();
    drop(tool);
    f.reopen();
    all_are_found(&mut f.ledger, 100);
}
