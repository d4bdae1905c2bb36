//! A list whose rows carry wider scopes than its settings tell of.

use suppression::{Stream, StreamClass};

use super::*;

const SPARKPOST: &str = "recipient,type,source,description,created,updated\n";

fn transactional(house: &House, keeper: &Keeper) -> Lookup {
    let rules = house.settings.ledger.person.clone();
    let maker = EntryMaker::new(keeper.keys().clone(), rules, house.settings.ledger.store);
    let (lists, canonical) = (keeper.lists(None), maker.canonical("x@example.com").unwrap());
    let stream = Stream::new("t", StreamClass::Transactional);
    lists.steadily(|index| {
        let case = lists.case(index, ("x@example.com", &canonical), &lists.keys(&canonical));
        lists.answer(&case, &stream, clock::now().day())
    })
}

#[test]
fn what_a_list_was_seen_to_carry_is_unknown_with_it() {
    let house = house("max_age = \"7d\"\n");
    let row =
        "bob@example.com,transactional,Manually Added,,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z\n";
    house.write(&format!("{SPARKPOST}{row}"));
    let source = &house.settings.sources[0];
    let read = sync_once(&house.keeper, &house.settings, source, false).unwrap();
    assert!(read.warnings.iter().any(|why| why.contains("scopes = [\"all\"]")), "{read:?}");
    assert_eq!(transactional(&house, &house.keeper), Lookup::Clear);
    age(&house.list(), 8);
    sync_once(&house.keeper, &house.settings, source, true).unwrap();
    note_ages(&house.keeper, &house.settings.sources).unwrap();
    assert!(matches!(transactional(&house, &house.keeper), Lookup::Unknown(_)));
    house.keeper.stop();
    // And with the next start.
    let again = keeper(&house.settings);
    note_ages(&again, &house.settings.sources).unwrap();
    assert!(matches!(transactional(&house, &again), Lookup::Unknown(_)));
    again.stop();
}

#[test]
fn a_row_about_a_class_is_told_where_the_settings_say_nothing_of_it() {
    for (said, told) in [
        ("scopes = [\"commercial\"]", Some("scopes = [\"commercial\", \"net.example:ADV\"]")),
        ("scopes = [\"commercial\", \"NET.example:ADV\"]", None),
        ("scopes = [\"commercial\", \"net.example:ADV\"]", None),
        ("scopes = [\"all\"]", None),
        // Nothing said of them: of any.
        ("", None),
    ] {
        let house = house(&format!("max_age = \"7d\"\nscope_column = \"list\"\n{said}\n"));
        house.write("email,list\nbob@example.com,net.example:ADV\n");
        let source = &house.settings.sources[0];
        let read = sync_once(&house.keeper, &house.settings, source, false).unwrap();
        let wider = read.warnings.iter().find(|why| why.contains("set scopes"));
        assert_eq!(wider.is_some(), told.is_some(), "{said}: {read:?}");
        assert!(wider.is_none_or(|why| why.contains(told.unwrap())), "{said}: {wider:?}");
        let refused = |address: &str| {
            let rules = house.settings.ledger.person.clone();
            let maker =
                EntryMaker::new(house.keeper.keys().clone(), rules, house.settings.ledger.store);
            let (lists, canonical) = (house.keeper.lists(None), maker.canonical(address).unwrap());
            let keys = lists.keys(&canonical);
            let today = clock::now().day();
            let (written, address) = (address, &canonical);
            let inquiry = policy::Inquiry { written, address, keys: &keys, streams: &[], today };
            lists.refused_classes(&inquiry)
        };
        assert!(matches!(refused("Bob+x@example.com")[..], [policy::ClassRefusal::Entry(_)]));
        assert!(refused("eve@example.com").is_empty());
        // Too old: nobody knows who else refuses it.
        age(&house.list(), 8);
        sync_once(&house.keeper, &house.settings, source, true).unwrap();
        note_ages(&house.keeper, &house.settings.sources).unwrap();
        let unknown = refused("eve@example.com");
        let all = said.contains("all") || said.is_empty();
        let is_unknown = matches!(unknown[..], [policy::ClassRefusal::Unknown(..), ..]);
        // Whoever may hold anything is a doubt about all mail already.
        assert!(is_unknown || all, "{said}: {unknown:?}");
        house.keeper.stop();
    }
}
