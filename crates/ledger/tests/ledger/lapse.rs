//! Entries that lapse, those that may not, and those about a whole domain.

use ledger::{LedgerError, unfit};
use suppression::{AddressKeys, Kind, NewEntry, Subject};

use crate::support::{Fixture, at, entry, entry_at, keys};
use std::ops::ControlFlow;

fn of(kind: Kind) -> NewEntry {
    NewEntry { kind, ..entry_at("a", 0) }
}

fn domain(kind: Kind) -> NewEntry {
    let exact = keys("domain").exact;
    let keys = AddressKeys { exact, person: exact };
    NewEntry { keys, subject: Subject::Domain, ..of(kind) }
}

#[test]
fn only_bounces_and_consents_lapse() {
    let mut f = Fixture::new();
    for kind in [Kind::OptOut, Kind::Complaint, Kind::Manual] {
        let entry = NewEntry { expires: Some(at(9)), ..of(kind) };
        assert!(unfit(&entry).is_some());
        let error = f.ledger.append(at(1), None, &[of(kind), entry]).unwrap_err();
        assert!(matches!(error, LedgerError::Unfit { place: 1, .. }));
        assert!(error.to_string().contains("entry 2 of the batch"), "{error}");
        assert!(error.to_string().contains("never expire"), "{error}");
    }
    for kind in [Kind::Undeliverable, Kind::Consent] {
        let early = NewEntry { expires: Some(at(-1)), ..of(kind) };
        let error = f.ledger.append(at(1), None, &[early]).unwrap_err();
        assert!(error.to_string().contains("before the time it was stated"), "{error}");
    }
    let back = f.ledger.append(at(1), None, &[of(Kind::Withdrawn)]).unwrap_err();
    assert!(back.to_string().contains("naming its row"), "{back}");
    assert_eq!(f.ledger.head().unwrap().position, 0);
    for kind in [Kind::Undeliverable, Kind::Consent] {
        let lapses = NewEntry { expires: Some(at(0)), ..of(kind) };
        assert_eq!(unfit(&lapses), None);
        f.ledger.append(at(1), None, &[lapses]).unwrap();
    }
}

#[test]
fn a_domain_may_object_but_not_consent() {
    let mut f = Fixture::new();
    let error = f.ledger.append(at(1), None, &[domain(Kind::Consent)]).unwrap_err();
    assert!(error.to_string().contains("whole domain"), "{error}");
    let rows: Vec<_> = Kind::ALL.iter().take(4).map(|kind| domain(*kind)).collect();
    assert_eq!(f.ledger.append(at(1), None, &rows).unwrap().added.len(), 4);
    f.ledger
        .for_each_since(0, |row| {
            assert_eq!(row.index_origin().subject, Subject::Domain);
            assert_eq!(row.index_origin().lifetime, None);
            ControlFlow::Continue(())
        })
        .unwrap();
}

#[test]
fn what_goes_into_the_index_says_how_long_it_lasts() {
    let mut f = Fixture::new();
    let day = 86_400;
    let lapses =
        NewEntry { kind: Kind::Undeliverable, expires: Some(at(90 * day)), ..entry_at("a", 0) };
    f.ledger.append(at(5), None, &[lapses, entry("b")]).unwrap();
    let mut lifetimes = Vec::new();
    f.ledger
        .for_each_since(0, |row| {
            lifetimes.push((row.index_origin().lifetime, row.expires));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(lifetimes, [(Some(90), Some(at(90 * day))), (None, None)]);
    assert_eq!(f.ledger.entry(1).unwrap().unwrap().expires, Some(at(90 * day)));
}

#[test]
fn a_dated_bounce_with_a_later_expiry_is_a_new_fact() {
    let mut f = Fixture::new();
    let until = |expires| NewEntry { expires: Some(at(expires)), ..of(Kind::Undeliverable) };
    assert_eq!(f.ledger.append(at(1), None, &[until(10)]).unwrap().added.len(), 1);
    assert_eq!(f.ledger.append(at(2), None, &[until(10), until(20)]).unwrap().added, [(2, 1)]);
    // Read again after it has lapsed, it is still the same fact and adds no row.
    assert_eq!(f.ledger.append(at(99), None, &[until(10), until(20)]).unwrap().seen, 2);
}

#[test]
fn an_undated_bounce_is_recorded_again_only_after_it_has_lapsed() {
    let mut f = Fixture::new();
    // As a source does it: so and so long from the moment of the sync.
    let seen_at = |now: i64| NewEntry {
        kind: Kind::Undeliverable,
        expires: Some(at(now + 10)),
        ..entry("a")
    };
    assert_eq!(f.ledger.append(at(0), None, &[seen_at(0)]).unwrap().added.len(), 1);
    for now in [1, 5, 9] {
        assert_eq!(f.ledger.append(at(now), None, &[seen_at(now)]).unwrap().seen, 1, "{now}");
    }
    assert_eq!(f.ledger.append(at(10), None, &[seen_at(10)]).unwrap().added, [(2, 0)]);
    assert_eq!(f.ledger.append(at(19), None, &[seen_at(19)]).unwrap().seen, 1);
    f.reopen();
    assert_eq!(f.ledger.append(at(20), None, &[seen_at(20)]).unwrap().added, [(3, 0)]);
}

#[test]
fn a_consent_does_not_renew_itself_by_standing_in_a_file() {
    let mut f = Fixture::new();
    let implied =
        |now: i64| NewEntry { kind: Kind::Consent, expires: Some(at(now + 10)), ..entry("a") };
    f.ledger.append(at(0), None, &[implied(0)]).unwrap();
    assert_eq!(f.ledger.append(at(50), None, &[implied(50)]).unwrap().seen, 1);
    // An express one is another fact.
    let express = NewEntry { kind: Kind::Consent, ..entry("a") };
    assert_eq!(f.ledger.append(at(60), None, &[express]).unwrap().added.len(), 1);
}
