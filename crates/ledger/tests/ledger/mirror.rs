//! A source that is the master of its entries: after each full reading exactly the people of its
//! list stand from it, and nothing that anybody else has said is touched.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{Appended, Ledger, Missing, Named, Prepared};
use proptest::prelude::*;
use suppression::{Entry, Kind, NewEntry, Timestamp};

use crate::support::{Fixture, at, entry, entry_at, hashed, keys};

/// A list: who is on it, and since when, if it says so.
type List<'a> = &'a [(&'a str, Option<i64>)];

fn rows(list: List<'_>) -> Vec<NewEntry> {
    let row = |(name, stated): &(&str, Option<i64>)| match stated {
        Some(stated) => entry_at(name, *stated),
        None => entry(name),
    };
    list.iter().map(row).collect()
}

fn read(ledger: &mut Ledger, now: i64, rows: Vec<NewEntry>) -> (Named, Appended) {
    let mut named = Named::default();
    let prepared = Prepared::new(rows).unwrap();
    let appended =
        ledger.append_mirrored(at(now), &format!("reading-{now}"), &prepared, None).unwrap();
    named.note(&appended);
    (named, appended)
}

fn take_back(ledger: &mut Ledger, now: i64, mut missing: Missing, limit: usize) -> u64 {
    let mut done = 0;
    while !missing.is_empty() {
        let before = missing.len();
        done += ledger.withdraw_missing(at(now), &mut missing, limit).unwrap();
        assert_eq!(missing.len(), before.saturating_sub(limit as u64));
    }
    done
}

/// A full reading, and what it took back. Added, taken back.
fn mirror(f: &mut Fixture, now: i64, list: List<'_>) -> (usize, u64) {
    let (named, appended) = read(&mut f.ledger, now, rows(list));
    let missing = f.ledger.missing("crm", &named).unwrap();
    (appended.added.len(), take_back(&mut f.ledger, now, missing, 2))
}

fn standing(f: &mut Fixture, name: &str) -> Vec<Entry> {
    let found = f.ledger.entries_of(&[keys(name)]).unwrap().into_iter();
    let stands = found.filter(|it| it.withdrawn_by.is_none() && it.entry.kind != Kind::Withdrawn);
    stands.map(|found| found.entry).collect()
}

fn since(f: &mut Fixture, name: &str) -> Vec<Timestamp> {
    standing(f, name).iter().map(Entry::effective).collect()
}

#[test]
fn who_is_no_longer_on_the_list_is_taken_back_with_author_and_reason() {
    let mut f = Fixture::new();
    assert_eq!(mirror(&mut f, 1, &[("a", None), ("b", Some(0)), ("c", None)]), (3, 0));
    assert_eq!(mirror(&mut f, 2, &[("b", Some(0))]), (0, 2));
    assert!(standing(&mut f, "a").is_empty());
    assert_eq!(standing(&mut f, "b").len(), 1);
    let row = f.ledger.entry(4).unwrap().unwrap();
    assert_eq!((row.kind, row.source.as_str()), (Kind::Withdrawn, "source crm"));
    assert_eq!((row.refers_to, row.reason.as_deref()), (Some(1), Some("no longer on the list")));
    // Again: nothing is left to do.
    assert_eq!(mirror(&mut f, 3, &[("b", Some(0))]), (0, 0));
    f.reopen();
    assert_eq!(mirror(&mut f, 4, &[("b", Some(0))]), (0, 0));
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn who_comes_back_is_out_from_then_on_with_or_without_a_date() {
    let mut f = Fixture::new();
    let all: List<'_> = &[("dated", Some(-50)), ("undated", None), ("stays", Some(-50))];
    mirror(&mut f, 1, all);
    mirror(&mut f, 2, &[("stays", Some(-50))]);
    // Meanwhile they agree to be mailed.
    for name in ["dated", "undated"] {
        let consent = NewEntry { kind: Kind::Consent, source: "web".into(), ..entry_at(name, 3) };
        f.ledger.append(at(3), None, &[consent]).unwrap();
    }
    let (named, appended) = read(&mut f.ledger, 4, rows(all));
    assert_eq!((appended.added.len(), appended.back.as_slice()), (2, &[0][..]));
    assert!(f.ledger.missing("crm", &named).unwrap().is_empty());
    assert_eq!(since(&mut f, "dated"), [at(3), at(4)]);
    assert_eq!(since(&mut f, "undated"), [at(3), at(4)]);
    assert_eq!(since(&mut f, "stays"), [at(-50)]);
    // And stay so: the same list says nothing new, in this process and in another.
    assert_eq!(mirror(&mut f, 5, all), (0, 0));
    f.reopen();
    assert_eq!(mirror(&mut f, 6, all), (0, 0));
    // Away once more, and back once more.
    mirror(&mut f, 7, &[]);
    assert_eq!(mirror(&mut f, 8, all), (3, 0));
    assert_eq!(since(&mut f, "dated"), [at(3), at(8)]);
    assert_eq!(mirror(&mut f, 9, all), (0, 0));
    // With a date that the list gives anew it is that date.
    mirror(&mut f, 10, &[]);
    assert_eq!(mirror(&mut f, 11, &[("dated", Some(10))]), (1, 0));
    assert_eq!(since(&mut f, "dated"), [at(3), at(10)]);
}

#[test]
fn what_is_given_to_the_index_is_what_stands_in_the_ledger() {
    let mut f = Fixture::new();
    mirror(&mut f, 1, &[("a", Some(-50)), ("b", None)]);
    mirror(&mut f, 2, &[]);
    let prepared =
        Prepared::new(rows(&[("new", Some(-9)), ("a", Some(-50)), ("b", None)])).unwrap();
    let appended = f.ledger.append_mirrored(at(3), "r", &prepared, None).unwrap();
    let given: Vec<_> =
        prepared.rows(&appended, at(3)).map(|row| (row.position, row.stated)).collect();
    let mut stored = Vec::new();
    f.ledger
        .for_each_since(appended.before, |row| {
            stored.push((row.position, row.stated));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(given, stored);
    assert_eq!(
        given.iter().map(|(_, stated)| *stated).collect::<Vec<_>>(),
        [Some(at(-9)), None, None]
    );
}

#[test]
fn only_what_keeps_this_source_in_step_is_taken_back() {
    let mut f = Fixture::new();
    mirror(&mut f, 1, &[("a", None), ("again", None)]);
    let append = |f: &mut Fixture, import, entry| f.ledger.append(at(2), import, &[entry]).unwrap();
    // Typed under the same name, of another source, of a one-off import under the same name.
    append(&mut f, None, entry_at("typed", 2));
    append(&mut f, Some("i"), NewEntry { source: "shop".into(), ..entry("a") });
    let once = Prepared::new(vec![entry("once"), entry("again")]).unwrap();
    f.ledger.append_once(at(2), "once", &once, None).unwrap();
    assert_eq!(mirror(&mut f, 3, &[]), (0, 2));
    assert_eq!(standing(&mut f, "typed").len(), 1);
    assert_eq!(standing(&mut f, "once").len(), 1);
    assert_eq!(standing(&mut f, "a")[0].source, "shop");
    // What the one-off import had only said again stands as its own, from when it counted.
    let again = standing(&mut f, "again");
    assert_eq!((again.len(), again[0].import.as_deref()), (1, Some("once")));
    assert_eq!(again[0].effective(), at(1));
    assert_eq!(mirror(&mut f, 4, &[]), (0, 0));
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

#[test]
fn what_somebody_else_took_back_meanwhile_is_passed_over() {
    let mut f = Fixture::new();
    mirror(&mut f, 1, &[("a", None), ("b", None), ("c", None)]);
    let (named, _) = read(&mut f.ledger, 2, Vec::new());
    let mut missing = f.ledger.missing("crm", &named).unwrap();
    f.ledger.withdraw(at(3), "ann", "a mistake", &[2]).unwrap();
    assert_eq!(f.ledger.withdraw_missing(at(4), &mut missing, 9).unwrap(), 2);
    assert!(missing.is_empty());
    assert_eq!(f.ledger.withdraw_missing(at(4), &mut missing, 9).unwrap(), 0);
}

#[test]
fn what_somebody_took_back_by_hand_comes_back_as_the_list_says() {
    let mut f = Fixture::new();
    let list: List<'_> = &[("a", Some(-50)), ("b", None)];
    mirror(&mut f, 1, list);
    f.ledger.withdraw(at(2), "ann", "a mistake", &[1]).unwrap();
    assert_eq!(mirror(&mut f, 3, list), (1, 0));
    assert_eq!(since(&mut f, "a"), [at(-50)]);
    let undone = f.ledger.undo_import(at(4), "ann", "the wrong file", "reading-1").unwrap();
    assert_eq!((undone.rows, undone.source.as_str()), (1, "crm"));
    assert_eq!(mirror(&mut f, 5, list), (1, 0));
    assert_eq!(since(&mut f, "b"), [at(5)]);
}

#[test]
fn the_reading_stays_noted_when_rows_are_taken_back() {
    let mut f = Fixture::new();
    mirror(&mut f, 1, &[("a", None)]);
    let state = ledger::SourceState {
        name: "crm".into(),
        fingerprint: Some("abc".into()),
        cursor: Some("7".into()),
        ..Default::default()
    };
    f.ledger.set_source_state(&state).unwrap();
    assert_eq!(mirror(&mut f, 2, &[]), (0, 1));
    assert_eq!(f.ledger.source_state("crm").unwrap(), Some(state));
}

#[test]
fn a_reading_that_was_cut_off_leaves_too_many_and_never_too_few() {
    let mut f = Fixture::new();
    mirror(&mut f, 1, &[("a", None), ("b", None), ("c", None)]);
    let (named, _) = read(&mut f.ledger, 2, rows(&[("c", None), ("d", None)]));
    let mut missing = f.ledger.missing("crm", &named).unwrap();
    // The power fails after the first batch of what is taken back.
    f.ledger.withdraw_missing(at(2), &mut missing, 1).unwrap();
    f.reopen();
    let count = |f: &mut Fixture| ["a", "b", "c", "d"].map(|name| standing(f, name).len());
    assert_eq!(count(&mut f), [0, 1, 1, 1]);
    assert_eq!(mirror(&mut f, 3, &[("c", None), ("d", None)]), (0, 1));
    assert_eq!(count(&mut f), [0, 0, 1, 1]);
}

#[test]
fn consents_and_bounces_of_a_mirrored_list_do_not_become_younger_by_being_away() {
    let mut f = Fixture::new();
    let of = |kind, expires: Option<i64>| NewEntry {
        kind,
        expires: expires.map(at),
        ..entry_at(kind.as_str(), -50)
    };
    let list = || vec![of(Kind::Consent, None), of(Kind::Undeliverable, Some(90))];
    for now in 1..=3 {
        let list = if now == 2 { Vec::new() } else { list() };
        let (named, _) = read(&mut f.ledger, now, list);
        let missing = f.ledger.missing("crm", &named).unwrap();
        take_back(&mut f.ledger, now, missing, 9);
    }
    assert_eq!(since(&mut f, "consent"), [at(-50)]);
    assert_eq!(since(&mut f, "undeliverable"), [at(-50)]);
}

#[test]
fn a_bounce_that_is_said_anew_when_it_has_lapsed_is_no_longer_missing() {
    let mut f = Fixture::new();
    let bounce = |now: i64| NewEntry {
        kind: Kind::Undeliverable,
        expires: Some(at(now + 10)),
        ..entry("a")
    };
    for (now, added) in [(1, 1), (20, 1), (21, 0)] {
        let (named, appended) = read(&mut f.ledger, now, vec![bounce(now)]);
        assert_eq!(appended.added.len(), added, "{now}");
        let first = f.ledger.missing("crm", &named).unwrap();
        // The row that has lapsed counts as named by the reading that renews it.
        assert_eq!(first.len(), u64::from(now == 21), "{now}");
        take_back(&mut f.ledger, now, first, 9);
    }
    assert_eq!(standing(&mut f, "a").len(), 1);
}

#[test]
fn a_mirrored_list_of_digests() {
    let mut f = Fixture::new();
    let list = |names: &[&str]| -> Vec<NewEntry> {
        names.iter().map(|name| hashed("md5 lower", name)).collect()
    };
    for (now, names) in [(1, &["a", "b"][..]), (2, &["b"]), (3, &["a", "b"])] {
        let (named, _) = read(&mut f.ledger, now, list(names));
        let missing = f.ledger.missing("crm", &named).unwrap();
        assert_eq!(take_back(&mut f.ledger, now, missing, 9), u64::from(now == 2));
    }
    let found = f.ledger.entries_of(&[hashed("md5 lower", "a").keys]).unwrap();
    let standing: Vec<_> = found
        .iter()
        .filter(|it| it.withdrawn_by.is_none() && it.entry.kind != Kind::Withdrawn)
        .collect();
    assert_eq!(standing.len(), 1);
    assert_eq!(standing[0].entry.effective(), at(3));
    assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
}

const PEOPLE: [&str; 5] = ["p0", "p1", "p2", "p3", "p4"];

#[derive(Debug, Clone)]
enum Happens {
    /// A full reading of this list.
    Mirrored(BTreeMap<usize, Option<i64>>),
    /// A reading of part of it: it takes nothing back.
    Part(BTreeMap<usize, Option<i64>>),
    /// Somebody types an opt-out under the name of the list.
    Typed(usize),
    /// A one-off import under the name of the list.
    Once(BTreeSet<usize>),
    Reopened,
}

fn list() -> impl Strategy<Value = BTreeMap<usize, Option<i64>>> {
    prop::collection::btree_map(0..PEOPLE.len(), prop::option::of(-3..0_i64), 0..PEOPLE.len())
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        6 => list().prop_map(Happens::Mirrored),
        2 => list().prop_map(Happens::Part),
        1 => (0..PEOPLE.len()).prop_map(Happens::Typed),
        1 => prop::collection::btree_set(0..PEOPLE.len(), 1..4).prop_map(Happens::Once),
        1 => Just(Happens::Reopened),
    ]
}

/// Those whom the source itself has out.
fn of_the_source(f: &mut Fixture) -> BTreeMap<usize, Vec<Entry>> {
    let own =
        |entry: &Entry| entry.import.as_deref().is_some_and(|import| import.starts_with("reading"));
    let people = PEOPLE.iter().enumerate().map(|(at, name)| {
        let rows: Vec<_> = standing(f, name).into_iter().filter(own).collect();
        (at, rows)
    });
    people.filter(|(_, rows)| !rows.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_people_of_the_list_stand_and_nobody_else(story in prop::collection::vec(happens(), 1..14)) {
        let mut f = Fixture::new();
        // Those who were away when the list was last read in full, or never on it.
        let mut away: BTreeSet<usize> = (0..PEOPLE.len()).collect();
        // What others have said, and how often.
        let mut others = [0_usize; PEOPLE.len()];
        for (now, what) in (1..).zip(story) {
            let rows_of = |list: &BTreeMap<usize, Option<i64>>| {
                let list: Vec<_> = list.iter().map(|(at, stated)| (PEOPLE[*at], *stated)).collect();
                rows(&list)
            };
            match what {
                Happens::Mirrored(list) => {
                    let (named, _) = read(&mut f.ledger, now, rows_of(&list));
                    let missing = f.ledger.missing("crm", &named).unwrap();
                    take_back(&mut f.ledger, now, missing, 1);
                    let out = of_the_source(&mut f);
                    for (at_place, name) in PEOPLE.iter().enumerate() {
                        let stands = standing(&mut f, name);
                        let on = list.contains_key(&at_place);
                        // What another has said already is not said again for the source.
                        prop_assert!(!on || !stands.is_empty(), "{name} is on the list");
                        prop_assert!(on || !out.contains_key(&at_place), "{name} is not");
                    }
                    let (named, again) = read(&mut f.ledger, now, rows_of(&list));
                    prop_assert_eq!(again.added, vec![]);
                    prop_assert!(f.ledger.missing("crm", &named).unwrap().is_empty());
                    for at_place in list.keys().filter(|it| away.contains(it)) {
                        let Some(rows) = out.get(at_place) else { continue };
                        let first = f.ledger.entries_of(&[keys(PEOPLE[*at_place])]).unwrap();
                        let was_taken = first.iter().any(|it| {
                            it.withdrawn_by.is_some() && it.entry.stated == list[at_place].map(at)
                        });
                        let since = rows.iter().map(Entry::effective).max().unwrap();
                        let fresh = if was_taken { at(now) } else { list[at_place].map_or(at(now), at) };
                        prop_assert_eq!(since, fresh, "{} is back", PEOPLE[*at_place]);
                    }
                    away = (0..PEOPLE.len()).filter(|it| !list.contains_key(it)).collect();
                }
                Happens::Part(list) => {
                    let before = of_the_source(&mut f).len();
                    read(&mut f.ledger, now, rows_of(&list));
                    prop_assert!(of_the_source(&mut f).len() >= before);
                    away.retain(|it| !list.contains_key(it));
                }
                Happens::Typed(who) => {
                    f.ledger.append(at(now), None, &[entry_at(PEOPLE[who], now)]).unwrap();
                    others[who] += 1;
                }
                Happens::Once(who) => {
                    let rows = who.iter().map(|it| entry(PEOPLE[*it])).collect();
                    let prepared = Prepared::new(rows).unwrap();
                    f.ledger.append_once(at(now), &format!("once-{now}"), &prepared, None).unwrap();
                    who.iter().for_each(|it| others[*it] = others[*it].max(1));
                }
                Happens::Reopened => f.reopen(),
            }
            for (who, count) in others.iter().enumerate() {
                prop_assert!(*count == 0 || !standing(&mut f, PEOPLE[who]).is_empty());
            }
        }
        prop_assert!(f.ledger.verify(|_| ()).unwrap().is_intact());
    }
}
