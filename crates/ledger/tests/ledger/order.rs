//! What is suppressed does not depend on the order of imports, nor on how often they are made.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use ledger::Ledger;
use proptest::prelude::*;
use suppression::{Kind, NewEntry, Scope};

use crate::support::{Fixture, at, entry};

/// Everything the index is fed, without position and time of recording.
fn facts(ledger: &Ledger) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    ledger
        .for_each_since(0, |row| {
            let fresh = facts.insert(format!("{:?}", (row.origin, row.keys, row.stated)));
            assert!(fresh, "no fact stands twice");
            ControlFlow::Continue(())
        })
        .unwrap();
    facts
}

fn any_entry() -> impl Strategy<Value = NewEntry> {
    let kinds = prop::sample::select(vec![Kind::OptOut, Kind::Complaint, Kind::Consent]);
    let scopes = prop::sample::select(vec![Scope::All, Scope::Commercial]);
    let stated = prop::option::of(0..3_i64);
    (0..6_u8, kinds, scopes, stated, prop::sample::select(vec!["crm", "shop"])).prop_map(
        |(name, kind, scope, stated, source)| NewEntry {
            kind,
            scope,
            stated: stated.map(at),
            source: source.into(),
            ..entry(&name.to_string())
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_imports_does_not_matter(
        lists in prop::collection::vec(prop::collection::vec(any_entry(), 0..12), 1..5),
        order in Just(()).prop_perturb(|(), mut rng| rng.random::<u64>()),
    ) {
        let mut one = Fixture::new();
        for (time, list) in lists.iter().enumerate() {
            one.ledger.append(at(time as i64), None, list).unwrap();
        }
        let mut shuffled = lists.clone();
        let by = usize::try_from(order % lists.len() as u64).unwrap();
        shuffled.rotate_left(by);
        shuffled.iter_mut().for_each(|list| list.reverse());
        let mut other = Fixture::new();
        for (time, list) in shuffled.iter().enumerate() {
            other.ledger.append(at(100 + time as i64), None, list).unwrap();
        }
        let expected = facts(&one.ledger);
        prop_assert_eq!(&expected, &facts(&other.ledger));

        // Reading it all again adds no row, in whatever order.
        let head = other.ledger.head().unwrap();
        for list in &lists {
            prop_assert!(other.ledger.append(at(999), None, list).unwrap().added.is_empty());
        }
        prop_assert_eq!(other.ledger.head().unwrap(), head);
        prop_assert!(other.ledger.verify(|_| ()).unwrap().is_intact());
    }
}
