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
