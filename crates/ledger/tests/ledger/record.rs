//! The record as its users see it: what is added, what is seen before, what is read back.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::support::{Fixture, at, entry, entry_at, keys};
use ledger::{Head, Ledger, Verification};
use suppression::{Kind, NewEntry, Scope};

#[test]
fn a_fact_is_recorded_once() {
    let mut f = Fixture::new();
    let first = f.ledger.append(at(10), Some("i1"), &[entry("a"), entry("b")]).unwrap();
    assert_eq!(first.added, [(1, 0), (2, 1)]);
    assert_eq!((first.seen, first.head), (0, 2));
    let again = f.ledger.append(at(20), Some("i2"), &[entry("b"), entry("c"), entry("a")]).unwrap();
    assert_eq!(again.added, [(3, 1)]);
    assert_eq!((again.seen, again.head), (2, 3));
}

#[test]
fn a_fact_given_twice_in_one_batch_is_recorded_once() {
    let mut f = Fixture::new();
    let done = f.ledger.append(at(1), None, &[entry("a"), entry("a"), entry("b")]).unwrap();
    assert_eq!(done.added, [(1, 0), (2, 2)]);
    assert_eq!(done.seen, 1);
}

#[test]
fn every_part_of_the_identity_counts() {
    let mut f = Fixture::new();
    let base = entry_at("a", 5);
    let variants = [
        base.clone(),
        NewEntry { source: "other".into(), ..base.clone() },
        NewEntry { kind: Kind::Complaint, ..base.clone() },
        NewEntry { scope: Scope::All, ..base.clone() },
        NewEntry { scope: Scope::Named("brand".into()), ..base.clone() },
        NewEntry { stated: Some(at(6)), ..base.clone() },
        NewEntry { stated: Some(at(0)), ..base.clone() },
        NewEntry { stated: None, ..base.clone() },
        NewEntry { keys: keys("b"), ..base.clone() },
    ];
    assert_eq!(f.ledger.append(at(9), None, &variants).unwrap().added.len(), variants.len());
    // Reason, evidence and the time of the sync are not part of it.
    let same = NewEntry { reason: Some("other words".into()), ..base };
    assert_eq!(f.ledger.append(at(99), None, &[same]).unwrap().seen, 1);
    assert_eq!(f.ledger.append(at(99), None, &variants).unwrap().seen, variants.len());
}

#[test]
fn an_undated_row_keeps_the_time_of_the_first_sync() {
    let mut f = Fixture::new();
    f.ledger.append(at(10), None, &[entry("a")]).unwrap();
    f.ledger.append(at(20), None, &[entry("a")]).unwrap();
    let entries = f.entries_of("a");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].stated, None);
    assert_eq!(entries[0].recorded, at(10));
    assert_eq!(entries[0].effective(), at(10));
}

#[test]
fn what_was_taken_back_and_is_said_again_is_recorded_again() {
    let mut f = Fixture::new();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    assert_eq!(f.ledger.withdraw(at(2), "ann", "a mistake", &[1]).unwrap(), [2]);
    assert_eq!(f.ledger.append(at(3), None, &[entry("a")]).unwrap().added, [(3, 0)]);
    assert_eq!(f.ledger.append(at(4), None, &[entry("a")]).unwrap().seen, 1);
}

#[test]
fn all_fields_kinds_and_scopes_are_read_back() {
    let mut f = Fixture::new();
    let scopes = [Scope::All, Scope::Commercial, Scope::Named("Spring offers, ü".into())];
    let mut given = Vec::new();
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Withdrawn) {
        for scope in &scopes {
            given.push(NewEntry {
                kind,
                scope: scope.clone(),
                plain: Some("a@example.com".into()),
                reason: Some("said \"no\"\nthrice".into()),
                evidence: BTreeMap::from([
                    ("ip".into(), "192.0.2.1".into()),
                    ("form".into(), "https://example.com/?a=\"b\"".into()),
                ]),
                ..entry_at("a", 5)
            });
        }
    }
    f.ledger.append(at(9), Some("20260302-1"), &given).unwrap();
    let stored = f.entries_of("a");
    assert_eq!(stored.len(), given.len());
    for (at_place, (new, old)) in given.iter().zip(&stored).enumerate() {
        assert_eq!(old.position, at_place as u64 + 1);
        assert_eq!(f.ledger.entry(old.position).unwrap().as_ref(), Some(old));
        assert_eq!(old.recorded, at(9));
        assert_eq!(old.import.as_deref(), Some("20260302-1"));
        let read = NewEntry {
            kind: old.kind,
            scope: old.scope.clone(),
            key_id: old.key_id,
            keys: old.keys,
            subject: old.subject.clone(),
            plain: old.plain.clone(),
            source: old.source.clone(),
            stated: old.stated,
            expires: None,
            reason: old.reason.clone(),
            evidence: old.evidence.clone(),
        };
        assert_eq!(&read, new);
    }
    assert_eq!(f.ledger.entry(0).unwrap(), None);
    assert_eq!(f.ledger.entry(99).unwrap(), None);
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn a_person_is_found_by_either_digest() {
    let mut f = Fixture::new();
    let tagged = NewEntry {
        keys: suppression::AddressKeys { exact: keys("a+tag").exact, person: keys("a").person },
        ..entry("a+tag")
    };
    f.ledger.append(at(1), None, &[entry("a"), tagged, entry("b")]).unwrap();
    assert_eq!(f.entries_of("a").len(), 2);
    assert_eq!(f.entries_of("b").len(), 1);
    assert!(f.entries_of("c").is_empty());
}

#[test]
fn rows_are_fed_in_order_from_any_position() {
    let mut f = Fixture::new();
    let names: Vec<_> = (0..1000).map(|n| entry_at(&format!("p{n}"), n)).collect();
    f.ledger.append(at(5), None, &names).unwrap();
    let mut seen = Vec::new();
    let last = f
        .ledger
        .for_each_since(990, |row| {
            seen.push((row.position, row.keys, row.stated, row.effective()));
            assert_eq!((row.origin.source.as_str(), row.kind), ("crm", Kind::OptOut));
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(last, 1000);
    let expected: Vec<_> =
        (990..1000).map(|n| (n as u64 + 1, keys(&format!("p{n}")), Some(at(n)), at(5))).collect();
    assert_eq!(seen, expected, "a stated time after the recorded one counts from the recorded one");

    let mut count = 0;
    let last = f.ledger.for_each_entry_since(0, |_| {
        count += 1;
        if count == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!((last.unwrap(), count), (3, 3));
    assert_eq!(f.ledger.for_each_since(1000, |_| ControlFlow::Break(())).unwrap(), 1000);
}

#[test]
fn an_empty_batch_and_an_empty_ledger() {
    let mut f = Fixture::new();
    assert_eq!(f.ledger.head().unwrap().position, 0);
    let nothing = f.ledger.append(at(1), Some("i"), &[]).unwrap();
    assert_eq!((nothing.added.len(), nothing.seen, nothing.head), (0, 0, 0));
    assert!(f.entries_of("a").is_empty());
    let Verification::Intact { head: Head { position: 0, .. }, erased: 0, .. } =
        f.ledger.verify(|_| ()).unwrap()
    else {
        panic!("an empty ledger is intact")
    };
}

#[test]
fn another_connection_is_noticed_and_followed() {
    let mut f = Fixture::new();
    let mut other = Ledger::open(f.ledger.path(), &f.key).unwrap();
    let before = f.ledger.data_version().unwrap();
    f.ledger.append(at(1), None, &[entry("a")]).unwrap();
    assert_eq!(f.ledger.data_version().unwrap(), before, "one's own commits do not count");
    other.append(at(1), None, &[entry("b")]).unwrap();
    assert_ne!(f.ledger.data_version().unwrap(), before);
    assert_eq!(f.ledger.head().unwrap(), other.head().unwrap());
    let both = [entry("a"), entry("b"), entry("c")];
    assert_eq!(f.ledger.append(at(2), None, &both).unwrap().added, [(3, 2)]);
    assert_eq!(other.append(at(2), None, &both).unwrap().seen, 3);
    assert_eq!(f.entries_of("b").len(), 1);
}

#[test]
fn a_scope_that_would_read_back_differently_is_refused() {
    let mut f = Fixture::new();
    for bad in [" padded ", "ALL", "commercial", ""] {
        let entry = NewEntry { scope: Scope::Named(bad.into()), ..entry("a") };
        let error = f.ledger.append(at(1), None, &[entry]).unwrap_err();
        assert!(error.to_string().contains("cannot be stored"), "{error}");
    }
    assert_eq!(f.ledger.append(at(1), None, &[entry("a")]).unwrap().head, 1);
}

#[test]
fn source_states_are_kept() {
    let mut f = Fixture::new();
    let state = ledger::SourceState {
        name: "crm".into(),
        last_attempt: Some(at(9)),
        last_success: Some(at(8)),
        last_rows: Some(1_000_000),
        fingerprint: Some("abc".into()),
        cursor: Some("rowversion 00000000000007d1".into()),
        last_error: Some("the file is gone".into()),
    };
    assert_eq!(f.ledger.source_state("crm").unwrap(), None);
    f.ledger.set_source_state(&state).unwrap();
    let empty = ledger::SourceState { name: "a".into(), ..Default::default() };
    f.ledger.set_source_state(&empty).unwrap();
    assert_eq!(f.ledger.source_states().unwrap(), [empty, state.clone()]);
    let better = ledger::SourceState { last_error: None, ..state };
    f.ledger.set_source_state(&better).unwrap();
    assert_eq!(f.ledger.source_state("crm").unwrap(), Some(better));
}

#[test]
fn what_no_longer_stands_is_to_be_read_again() {
    let mut f = Fixture::new();
    let state = |name: &str| ledger::SourceState {
        name: name.into(),
        last_success: Some(at(1)),
        last_rows: Some(2),
        fingerprint: Some("abc 1 2".into()),
        cursor: Some("2026".into()),
        ..Default::default()
    };
    let remembered = |f: &Fixture| {
        let states = f.ledger.source_states().unwrap().into_iter();
        states
            .map(|state| (state.fingerprint, state.cursor.is_some(), state.last_rows))
            .collect::<Vec<_>>()
    };
    let known = |text: &str| (Some(text.to_owned()), true, Some(2));
    let doubted = || (Some("?abc 1 2".to_owned()), false, Some(2));
    f.ledger.set_source_state(&state("crm")).unwrap();
    f.ledger.set_source_state(&state("other")).unwrap();
    f.ledger.append(at(1), Some("i"), &[entry("a"), entry("b")]).unwrap();
    f.ledger.withdraw(at(2), "ann", "why", &[1]).unwrap();
    f.ledger.withdraw(at(2), "ann", "why", &[2]).unwrap();
    assert_eq!(remembered(&f), [doubted(), known("abc 1 2")]);
    assert!(f.ledger.withdraw(at(2), "ann", "why", &[2]).is_err());
    assert!(f.ledger.undo_import(at(2), "ann", "why", "i").is_err());
    assert_eq!(remembered(&f).first(), Some(&doubted()));
    f.ledger.append(at(3), Some("i"), &[entry("a")]).unwrap();
    assert_eq!(f.ledger.undo_import(at(4), "ann", "why", "i").unwrap().source, "crm");
    assert_eq!(remembered(&f), [(None, false, None), known("abc 1 2")]);

    let copy = f.ledger.path().with_extension("copy");
    f.ledger.backup_to(&copy, |_, _| ()).unwrap();
    Ledger::forget_readings(&copy).unwrap();
    let copy = Ledger::open_read_only(&copy).unwrap();
    let other = copy.source_state("other").unwrap().unwrap();
    assert_eq!((other.fingerprint, other.cursor, other.last_rows), (None, None, Some(2)));
    assert!(copy.verify(|_| ()).unwrap().is_intact());
}
