//! Rows of lists of digests: the form of the list is part of the record, and nobody who has the
//! list finds it in the ledger.

use std::ops::ControlFlow;

use ledger::{LedgerError, unfit};
use rusqlite::Connection;
use suppression::{AddressKeys, Kind, NewEntry, Subject};

use crate::support::{Fixture, at, entry, hashed, keys};

const MD5: &str = "md5 lower";
const SALTED: &str = "md5 lower before=c3a9 behind=20";

#[test]
fn the_form_of_a_list_comes_back_with_its_rows() {
    let mut f = Fixture::new();
    let rows = [hashed(MD5, "a"), hashed(SALTED, "a"), entry("a"), hashed(MD5, "b")];
    f.ledger.append(at(1), Some("i"), &rows).unwrap();
    f.reopen();
    for (position, row) in (1..).zip(&rows) {
        assert_eq!(f.ledger.entry(position).unwrap().unwrap().subject, row.subject);
    }
    let mut fed = Vec::new();
    f.ledger
        .for_each_since(0, |row| {
            assert_eq!(&row.index_origin().subject, row.subject);
            fed.push(row.subject.clone());
            ControlFlow::Continue(())
        })
        .unwrap();
    assert!(fed.iter().eq(rows.iter().map(|row| &row.subject)));
    // Found by the digests of the person alone, and each list for itself.
    let found = f.ledger.entries_of(&[rows[0].keys]).unwrap();
    assert_eq!(found.iter().map(|found| found.entry.position).collect::<Vec<_>>(), [1]);
    assert_eq!(f.entries_of("a").len(), 1);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn a_list_of_digests_read_again_adds_nothing_and_in_another_form_adds_all() {
    let mut f = Fixture::new();
    let read = |f: &mut Fixture, form| {
        f.ledger.append(at(1), None, &[hashed(form, "a"), hashed(form, "b")]).unwrap().added.len()
    };
    assert_eq!((read(&mut f, MD5), read(&mut f, MD5)), (2, 0));
    f.reopen();
    assert_eq!((read(&mut f, MD5), read(&mut f, SALTED), read(&mut f, SALTED)), (0, 2, 0));
    // The same source with addresses in plain is a fact of its own, and another origin.
    assert_eq!(f.ledger.append(at(2), None, &[entry("a")]).unwrap().added.len(), 1);
}

#[test]
fn a_row_of_a_list_of_digests_is_taken_back_erased_and_undone_like_any_other() {
    let mut f = Fixture::new();
    let personal = NewEntry { reason: Some("why".into()), ..hashed(SALTED, "a") };
    let keys_of_a = personal.keys;
    f.ledger.append(at(1), Some("i"), &[personal.clone(), hashed(SALTED, "b")]).unwrap();
    let erased = f.ledger.erase(at(2), "ann", "Art. 17", &[keys_of_a]).unwrap();
    assert_eq!(erased.positions, [1]);
    let back = f.ledger.withdraw(at(3), "ann", "a mistake", &[1]).unwrap();
    // The row that says so is about the same digest.
    let row = f.ledger.entry(back[0]).unwrap().unwrap();
    assert_eq!((row.kind, &row.subject, row.keys), (Kind::Withdrawn, &personal.subject, keys_of_a));
    let undone = f.ledger.undo_import(at(4), "ann", "the wrong file", "i").unwrap();
    assert_eq!(undone.rows, 1);
    assert_eq!(f.ledger.append(at(5), Some("j"), &[personal]).unwrap().added.len(), 1);
    f.reopen();
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn what_a_list_of_digests_says_twice_stays_when_one_import_is_undone() {
    let mut f = Fixture::new();
    let prepared = || ledger::Prepared::new(vec![hashed(SALTED, "a")]).unwrap();
    f.ledger.append_once(at(1), "i", &prepared(), None).unwrap();
    f.ledger.append_once(at(2), "j", &prepared(), None).unwrap();
    assert_eq!(f.ledger.undo_import(at(3), "ann", "wrong", "i").unwrap().stayed, 1);
    let found = f.ledger.entries_of(&[hashed(SALTED, "a").keys]).unwrap();
    let standing: Vec<_> = found.iter().filter(|found| found.withdrawn_by.is_none()).collect();
    assert_eq!(standing.len(), 1);
    assert_eq!(standing[0].entry.subject, hashed(SALTED, "a").subject);
}

#[test]
fn of_a_digest_nobody_can_tell_who_has_consented() {
    let mut f = Fixture::new();
    let consent = NewEntry { kind: Kind::Consent, ..hashed(MD5, "a") };
    assert!(unfit(&consent).unwrap().contains("nobody can tell"));
    // Digests that are not of what the entry says it is about would be read back as others.
    let two = NewEntry { subject: hashed(MD5, "a").subject, ..entry("a") };
    let exact = keys("a").exact;
    let one = NewEntry { keys: AddressKeys { exact, person: exact }, ..entry("a") };
    let domain = NewEntry { subject: Subject::Domain, ..entry("a") };
    for wrong in [consent, two, one, domain] {
        let error = f.ledger.append(at(1), None, &[wrong]).unwrap_err();
        assert!(matches!(error, LedgerError::Unfit { place: 0, .. }), "{error}");
    }
}

#[test]
fn no_digest_of_the_list_stands_in_the_file() {
    let mut f = Fixture::new();
    let form: suppression::HashedForm = MD5.parse().unwrap();
    let digest = form.digest("pat@example.com");
    f.ledger.append(at(1), None, &[hashed(MD5, "pat@example.com")]).unwrap();
    let path = f.path();
    drop(f.ledger);
    Connection::open(&path).unwrap().execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let file = std::fs::read(&path).unwrap();
    assert!(!file.windows(digest.len()).any(|bytes| bytes == &digest[..]));
}

#[test]
fn a_form_that_nobody_can_read_is_told_and_not_passed_over() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[hashed(MD5, "a")]).unwrap();
    let other = Connection::open(f.path()).unwrap();
    other.execute_batch("UPDATE origin SET hashed = 'md6 lower'").unwrap();
    assert!(matches!(f.ledger.entry(1), Err(LedgerError::Damaged { .. })));
    let fed = f.ledger.for_each_since(0, |_| ControlFlow::Continue(()));
    assert!(matches!(fed, Err(LedgerError::Damaged { .. })));
}
