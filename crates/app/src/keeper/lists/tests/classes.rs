//! Classes of solicitation that recipients refuse, by the index (RFC 3865 s2.7).

use suppression::Batch;

use super::*;

const SATURDAY: &str = "2026-11-21";

fn class(text: &str) -> Scope {
    let scope = Scope::Named(text.to_owned());
    assert!(scope.is_class());
    scope
}

/// Its refusals on a day, `?` before those that cannot be told.
fn refused_on(lists: &LedgerLists, address: &str, today: &str) -> Vec<String> {
    let (written, address) = (address, canonical(address));
    let keys = lists.keys(&address);
    let today = day(today);
    let inquiry = Inquiry { written, address: &address, keys: &keys, streams: &[], today };
    let show = |one| match one {
        ClassRefusal::Entry(entry) => entry.scope.to_string(),
        ClassRefusal::Unknown(scope, _) => format!("?{scope}"),
    };
    lists.refused_classes(&inquiry).into_iter().map(show).collect()
}

fn refused(lists: &LedgerLists, address: &str) -> Vec<String> {
    refused_on(lists, address, "2026-12-24")
}

#[test]
fn a_class_is_refused_by_the_person_the_domain_and_a_digest_under_every_key() {
    let form = "md5 lower before=706570706572";
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "bob@example.com", Kind::OptOut, class("old:ADV"), FRIDAY);
    facts.add(&hasher(2), "bob@example.com", Kind::Complaint, class("new:ADV"), FRIDAY);
    facts.add(&hasher(1), "@example.org", Kind::Manual, class("all:ADV"), FRIDAY);
    let digested = format!("{form}: pat@example.com");
    facts.add(&hasher(2), &digested, Kind::OptOut, class("hashed:ADV"), FRIDAY);
    let lists = facts.lists(KeyRing::new(hasher(2), vec![hasher(1)]), None);
    for address in ["bob@example.com", "Bob+x@EXAMPLE.com"] {
        let mut both = refused(&lists, address);
        both.sort();
        assert_eq!(both, ["new:ADV", "old:ADV"], "{address}");
    }
    assert_eq!(refused(&lists, "anybody+x@example.org"), ["all:ADV"]);
    // A role address is no part of its domain's entry.
    assert!(refused(&lists, "postmaster@example.org").is_empty());
    for address in ["pat@example.com", "Pat+shop@example.com"] {
        assert_eq!(refused(&lists, address), ["hashed:ADV"], "{address}");
    }
    assert!(refused(&lists, "eve@example.com").is_empty());
    // It stops no mail that says nothing of itself.
    for address in ["bob@example.com", "anybody@example.org", "pat@example.com"] {
        assert!(!is_suppressed(&lists, address), "{address}");
    }
}

#[test]
fn a_class_entry_lets_nothing_through_that_was_refused() {
    let transactional = Stream::new("t", StreamClass::Transactional);
    let shop = Stream { scopes: vec!["shop".to_owned()], ..Stream::default() };
    let opt_in = Stream { permission: Permission::OptIn, ..Stream::default() };
    let streams = [&Stream::default(), &transactional, &shop, &opt_in];
    for kind in [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Consent] {
        for scope in [None, Some(Scope::All), Some(Scope::Commercial)] {
            let lists = |with_class: bool| {
                let mut facts = Facts(Vec::new());
                if let Some(scope) = &scope {
                    facts.add(&hasher(1), "bob@example.com", Kind::OptOut, scope.clone(), FRIDAY);
                }
                if with_class {
                    facts.add(&hasher(1), "bob@example.com", kind, class("a:b"), SATURDAY);
                }
                facts.lists(hasher(1), None)
            };
            let (without, with) = (lists(false), lists(true));
            for stream in streams {
                let answer = |lists| ask(lists, "bob@example.com", stream, "2026-12-24");
                assert_eq!(answer(&with), answer(&without), "{kind:?} {scope:?} {}", stream.name);
            }
        }
    }
}

#[test]
fn a_later_consent_ends_it_for_its_class_and_no_other() {
    let with = |kind: Kind, consent: Scope, since: &str| {
        let mut facts = Facts(Vec::new());
        for name in ["a:b", "c:d"] {
            facts.add(&hasher(1), "bob@example.com", kind, class(name), FRIDAY);
        }
        facts.add(&hasher(1), "bob@example.com", Kind::Consent, consent, since);
        refused(&facts.lists(hasher(1), None), "bob@example.com")
    };
    assert_eq!(with(Kind::OptOut, class("A:B"), SATURDAY), ["c:d"]);
    assert_eq!(with(Kind::OptOut, class("A:B"), FRIDAY), ["a:b", "c:d"], "of the same day");
    assert_eq!(with(Kind::OptOut, class("A:B"), "2027-01-01"), ["a:b", "c:d"], "of the future");
    assert_eq!(with(Kind::Manual, class("A:B"), SATURDAY), ["a:b", "c:d"], "a block stays");
    assert!(with(Kind::OptOut, Scope::All, SATURDAY).is_empty());
}

#[test]
fn what_was_taken_back_is_refused_no_more_and_grace_counts() {
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "bob@example.com", Kind::OptOut, class("a:b"), FRIDAY);
    let lists =
        facts.lists(hasher(1), Some(Grace { business_days: 10, calendar: Calendar::Weekdays }));
    assert!(refused_on(&lists, "bob@example.com", "2026-12-04").is_empty());
    assert_eq!(refused_on(&lists, "bob@example.com", "2026-12-05"), ["a:b"]);
    let mut batch = Batch::new();
    batch.withdraw(1..=1);
    lists.index.update(|index| index.with_batch(batch, 200)).unwrap();
    assert!(refused_on(&lists, "bob@example.com", "2026-12-05").is_empty());
}

#[test]
fn a_list_that_may_hold_a_class_and_cannot_be_relied_on_makes_it_unknown() {
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "bob@example.com", Kind::OptOut, class("a:b"), FRIDAY);
    let lists = facts.lists(hasher(1), None);
    let origin = |kind, scope| Origin::new("crm", kind, scope);
    let carries = [
        origin(Kind::OptOut, class("c:d")),
        origin(Kind::Consent, class("e:f")),
        origin(Kind::OptOut, Scope::Named("shop".to_owned())),
    ];
    lists.states.unknown_of("crm", &carries, "too old");
    assert_eq!(refused(&lists, "bob@example.com"), ["a:b", "?c:d"]);
    assert_eq!(refused(&lists, "eve@example.com"), ["?c:d"]);
    lists.states.known("crm");
    assert!(refused(&lists, "eve@example.com").is_empty());
}
