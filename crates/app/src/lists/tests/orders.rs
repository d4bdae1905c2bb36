//! A source that is read because somebody asks for it.

use super::*;
use crate::error::AppError;

#[test]
fn who_asks_is_told_what_came_of_it() {
    let house = house("");
    house.write("email\na@example.com\nrubbish\nb@example.com\n");
    std::fs::write(house.folder.path().join("other.csv"), "email\n").unwrap();
    let watch = house.watch();
    let orders = watch.orders();
    let same = orders.sync("crm", false).unwrap();
    assert_eq!((same.changed, same.rows, same.added), (false, 2, 0));
    let all = orders.sync("crm", true).unwrap();
    assert_eq!((all.changed, all.rows, all.added, all.known, all.bad), (true, 3, 0, 2, 1));
    assert!(all.bad_rows[0].contains("xxxxxxx") && all.layout.contains("CSV"), "{all:?}");
    house.write("email\na@example.com\nb@example.com\nc@example.com\n");
    let new = orders.sync("crm", true).unwrap();
    assert_eq!(new.known + new.added, 3);
    assert!(matches!(house.look_up("c@example.com"), Lookup::Suppressed(_)));
    std::fs::remove_file(house.list()).unwrap();
    let gone = orders.sync("crm", false).unwrap_err();
    assert!(matches!(&gone, AppError::List(why) if why.contains("list.csv")), "{gone}");
    assert!(
        matches!(orders.sync("shop", false), Err(AppError::Input(why)) if why.contains("shop"))
    );
    drop(watch);
    assert!(matches!(orders.sync("crm", false), Err(AppError::Stopped)));
    house.keeper.stop();
}

#[test]
fn without_a_gate_it_is_read_all_the_same() {
    let house = house("");
    house.write(&rows(0..10));
    let source = &house.settings.sources[0];
    let once = |all| sync_once(&house.keeper, &house.settings, source, all);
    note_ages(&house.keeper, &house.settings.sources).unwrap();
    let first = once(false).unwrap();
    assert_eq!((first.rows, first.added, first.known), (10, 10, 0));
    assert!(first.import.is_some() && first.whole);
    assert!(!once(false).unwrap().changed);
    assert_eq!(once(true).unwrap().known, 10);
    house.write(&rows(0..2));
    let shrunk = once(false).unwrap_err();
    assert!(shrunk.to_string().contains("shrink_limit"), "{shrunk}");
    assert!(house.state().last_error.is_some());
    house.keeper.stop();
}

#[test]
fn a_folder_is_one_list_and_a_new_file_in_it_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let lists = folder.path().join("lists");
    std::fs::create_dir(&lists).unwrap();
    std::fs::write(lists.join("a.csv"), "email\na@example.com\n").unwrap();
    for place in ["lists", "lists/*.csv"] {
        let text = format!(
            "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n\
             [ledger]\npath = \"{}.db\"\nkey_file = \"{0}.key\"\n\
             [[source]]\nname = \"crm\"\ncsv = \"{place}\"\n",
            place.replace(['/', '*'], "-"),
        );
        let loaded = load_text(&folder.path().join("x.toml"), &text, &Surroundings::default());
        let settings = loaded.settings.unwrap();
        let keeper = keeper(&settings);
        let watch = Watch::start(&keeper, &settings, &Notices::default()).unwrap();
        assert!(watch.settled(Duration::from_secs(60)));
        assert!(matches!(look_up(&keeper, &settings, "a@example.com"), Lookup::Suppressed(_)));
        let part = lists.join("b.part");
        std::fs::write(&part, "email\nb@example.com\n").unwrap();
        std::fs::rename(&part, lists.join("b.csv")).unwrap();
        let until = clock::instant() + Duration::from_secs(60);
        while !matches!(look_up(&keeper, &settings, "b@example.com"), Lookup::Suppressed(_)) {
            assert!(clock::instant() < until, "{place}");
            clock::sleep(Duration::from_millis(20));
        }
        let state = keeper.ask(|desk| desk.source_state("crm")).unwrap().unwrap();
        assert_eq!(state.last_rows, Some(2));
        std::fs::remove_file(lists.join("b.csv")).unwrap();
        drop(watch);
        keeper.stop();
    }
}
