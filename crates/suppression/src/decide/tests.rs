use proptest::prelude::*;

use super::*;
use crate::origin::OriginId;

const STREAMS: [StreamClass; 2] = [StreamClass::Commercial, StreamClass::Transactional];

fn scopes() -> [Scope; 3] {
    [Scope::All, Scope::Commercial, Scope::Named("spring".into())]
}

fn origin(kind: Kind, scope: Scope) -> Origin {
    Origin::new("crm.csv", kind, scope)
}

fn fact(day: u16, position: u32) -> Fact {
    Fact { origin: OriginId(0), day: Day::from_number(day), position }
}

fn suppressed(facts: &[(Fact, Origin)], class: StreamClass) -> Option<Suppression> {
    let mut case = Case::default();
    for (fact, origin) in facts {
        let known = Known { fact: *fact, origin, withdrawn: false };
        match origin.kind {
            Kind::Consent => case.consents.push(known),
            _ => case.objections.push(known),
        }
    }
    let stream = Stream::new("test", class);
    let terms = Terms { stream: &stream, today: Day::from_number(20_600), grace: None };
    match case.decide(&terms) {
        Finding::Suppressed(suppression) => Some(suppression),
        Finding::Clear => None,
        other => panic!("{other:?}"),
    }
}

/// The table of the module's documentation, row by row.
#[test]
fn the_table() {
    for kind in [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable] {
        let found = |scope: Scope, stream| {
            suppressed(&[(fact(20_514, 3), origin(kind, scope))], stream).is_some()
        };
        for scope in scopes() {
            assert!(found(scope.clone(), StreamClass::Commercial), "{kind} {scope}");
            let transactional = found(scope.clone(), StreamClass::Transactional);
            assert_eq!(transactional, scope == Scope::All, "{kind} {scope}");
        }
    }
    for stream in STREAMS {
        assert_eq!(suppressed(&[], stream), None);
    }
}

#[test]
fn the_finding_carries_what_the_refusal_has_to_say() {
    let facts = [(fact(20_514, 3), origin(Kind::OptOut, Scope::Commercial))];
    let found = suppressed(&facts, StreamClass::Commercial).unwrap();
    assert_eq!(
        (found.source.as_str(), found.kind, found.scope, found.position),
        ("crm.csv", Kind::OptOut, Scope::Commercial, 3)
    );
    assert_eq!(found.since.to_string(), "2026-03-02");
}

#[test]
fn the_strongest_reason_is_reported_then_the_widest_then_the_earliest() {
    let ranked = [
        (fact(9, 9), origin(Kind::Complaint, Scope::Commercial)),
        (fact(8, 8), origin(Kind::OptOut, Scope::All)),
        (fact(6, 6), origin(Kind::OptOut, Scope::Commercial)),
        (fact(7, 3), origin(Kind::OptOut, Scope::Commercial)),
        (fact(7, 4), origin(Kind::OptOut, Scope::Commercial)),
        (fact(1, 1), origin(Kind::OptOut, Scope::Named("a".into()))),
        (fact(1, 1), origin(Kind::Manual, Scope::All)),
        (fact(0, 0), origin(Kind::Undeliverable, Scope::All)),
    ];
    for first in 0..ranked.len() {
        let mut rest = ranked[first..].to_vec();
        rest.reverse();
        let found = suppressed(&rest, StreamClass::Commercial).unwrap();
        let (fact, origin) = &ranked[first];
        assert_eq!((found.kind, &found.scope), (origin.kind, &origin.scope));
        assert_eq!((found.since, found.position), (fact.day, fact.position));
    }
}

fn any_origin() -> impl Strategy<Value = Origin> {
    const KINDS: [Kind; 4] = [Kind::OptOut, Kind::Complaint, Kind::Manual, Kind::Undeliverable];
    let kind = prop::sample::select(&KINDS);
    let scope = prop::sample::select(scopes().to_vec());
    (kind, scope, "[ab]").prop_map(|(kind, scope, source)| Origin::new(&source, kind, scope))
}

fn any_facts() -> impl Strategy<Value = Vec<(Fact, Origin)>> {
    // A row of the ledger says one thing, so positions differ.
    prop::collection::vec((0_u16..4, any_origin()), 0..7).prop_map(|facts| {
        let number = |(position, (day, origin))| (fact(day, position), origin);
        (0..).zip(facts).map(number).collect()
    })
}

proptest! {
    #[test]
    fn nothing_that_is_added_turns_a_refusal_into_a_permit(
        facts in any_facts(), more in any_facts(), stream in prop::sample::select(&STREAMS),
    ) {
        let both = [facts.clone(), more].concat();
        if suppressed(&facts, stream).is_some() {
            prop_assert!(suppressed(&both, stream).is_some());
        }
    }

    #[test]
    fn the_order_of_facts_does_not_show(
        (facts, shuffled) in any_facts()
            .prop_flat_map(|facts| (Just(facts.clone()), Just(facts).prop_shuffle())),
        stream in prop::sample::select(&STREAMS),
    ) {
        prop_assert_eq!(suppressed(&facts, stream), suppressed(&shuffled, stream));
    }

    #[test]
    fn what_stops_transactional_mail_stops_commercial_mail(facts in any_facts()) {
        if suppressed(&facts, StreamClass::Transactional).is_some() {
            prop_assert!(suppressed(&facts, StreamClass::Commercial).is_some());
        }
    }
}
