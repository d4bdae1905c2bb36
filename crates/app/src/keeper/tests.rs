use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use address::PersonRules;
use ledger::{IfMissing, KeyFile, Ledger, LedgerError};
use policy::{Lists, LookUp, Lookup};
use suppression::{Kind, NewEntry, Scope};

use super::*;
use crate::AppError;
use crate::clock;
use crate::config::Store;
use crate::entry::{EntryFacts, EntryMaker};
use crate::keys::Keys;

fn settings_of(folder: &Path) -> KeeperSettings {
    KeeperSettings {
        ledger: folder.join("optgate.db"),
        key: folder.join("optgate.key"),
        rules: PersonRules::default(),
        if_missing: IfMissing::Create,
    }
}

fn maker(keeper: &Keeper) -> EntryMaker {
    EntryMaker::new(keeper.keys().clone(), PersonRules::default(), Store::Hashed)
}

fn entry(maker: &EntryMaker, address: &str) -> NewEntry {
    let facts = EntryFacts {
        kind: Kind::OptOut,
        scope: Scope::Commercial,
        source: "test".to_owned(),
        stated: None,
        expires: None,
        reason: None,
        evidence: BTreeMap::new(),
    };
    maker.entry(&maker.canonical(address).unwrap(), facts)
}

fn look_up(keeper: &Keeper, address: &str) -> Lookup {
    let canonical = maker(keeper).canonical(address).unwrap();
    let lists = keeper.lists(None);
    let (keys, stream) = (lists.keys(&canonical), suppression::Stream::default());
    let today = clock::now().day();
    let inquiry = policy::Inquiry { address: &canonical, keys: &keys, streams: &[&stream], today };
    match lists.look_up(&inquiry) {
        LookUp::Now(mut answers) => answers.pop().unwrap(),
        LookUp::Later => panic!("the index never asks"),
    }
}

fn add(keeper: &Keeper, address: &str) {
    let entry = entry(&maker(keeper), address);
    let appended = keeper.ask(move |desk| desk.append(clock::now(), None, &[entry])).unwrap();
    assert_eq!(appended.added.len() + appended.seen, 1);
}

#[test]
fn an_added_address_is_refused_when_add_returns() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(&settings_of(folder.path())).unwrap();
    assert_eq!(look_up(&keeper, "bob@example.com"), Lookup::Clear);
    add(&keeper, "Bob+news@Example.com");
    assert!(
        matches!(look_up(&keeper, "bob@example.com"), Lookup::Suppressed(s) if s.source == "test")
    );
    assert_eq!(look_up(&keeper, "alice@example.com"), Lookup::Clear);
    keeper.stop();
    assert!(matches!(keeper.ask(|_| Ok(())), Err(AppError::Stopped)));
}

#[test]
fn a_start_uses_the_image_and_the_tail_behind_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(folder.path());
    let keeper = Keeper::start(&settings).unwrap();
    add(&keeper, "a@example.com");
    keeper.stop();
    assert!(image::path_of(&settings.ledger).exists());
    // Another process adds a row behind the image.
    let key = KeyFile::load(&settings.key).unwrap();
    let mut ledger = Ledger::open(&settings.ledger, &key).unwrap();
    let maker = EntryMaker::new(Keys::new(key.hasher()), PersonRules::default(), Store::Hashed);
    ledger.append(clock::now(), None, &[entry(&maker, "b@example.com")]).unwrap();
    drop(ledger);

    let keeper = Keeper::start(&settings).unwrap();
    assert_eq!(keeper.index().load().len(), 2);
    assert!(matches!(look_up(&keeper, "a@example.com"), Lookup::Suppressed(_)));
    assert!(matches!(look_up(&keeper, "b@example.com"), Lookup::Suppressed(_)));
    keeper.stop();
}

#[test]
fn a_damaged_or_foreign_image_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(folder.path());
    let keeper = Keeper::start(&settings).unwrap();
    add(&keeper, "a@example.com");
    keeper.stop();
    let image = image::path_of(&settings.ledger);
    let good = std::fs::read(&image).unwrap();
    let mut flipped = good.clone();
    let last = flipped.len() - 40;
    flipped[last] ^= 1;
    for bad in [b"".to_vec(), good[..good.len() / 2].to_vec(), flipped] {
        std::fs::write(&image, bad).unwrap();
        let keeper = Keeper::start(&settings).unwrap();
        assert!(matches!(look_up(&keeper, "a@example.com"), Lookup::Suppressed(_)));
        keeper.stop();
    }
    // The same key, another ledger: an image that promises rows it does not have.
    let other = tempfile::tempdir().unwrap();
    std::fs::copy(&settings.key, other.path().join("optgate.key")).unwrap();
    let key = KeyFile::load(&settings.key).unwrap();
    let other = settings_of(other.path());
    drop(Ledger::create(&other.ledger, &key, clock::now()).unwrap());
    std::fs::write(image::path_of(&other.ledger), &good).unwrap();
    let keeper = Keeper::start(&other).unwrap();
    assert_eq!(look_up(&keeper, "a@example.com"), Lookup::Clear);
    keeper.stop();
}

#[test]
fn rows_of_other_writers_are_followed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(folder.path());
    let keeper = Keeper::start(&settings).unwrap();
    let key = KeyFile::load(&settings.key).unwrap();
    let mut ledger = Ledger::open(&settings.ledger, &key).unwrap();
    ledger.append(clock::now(), None, &[entry(&maker(&keeper), "b@example.com")]).unwrap();
    let until = clock::instant() + Duration::from_secs(10);
    while look_up(&keeper, "b@example.com") == Lookup::Clear {
        assert!(clock::instant() < until, "not followed");
        clock::sleep(Duration::from_millis(20));
    }
    keeper.stop();
}

#[test]
fn an_unknown_list_makes_the_rest_unknown_and_the_suppressed_stay_so() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(&settings_of(folder.path())).unwrap();
    add(&keeper, "bob@example.com");
    keeper.states().unknown("crm", "it was never read");
    keeper.states().unknown("shop", "it is older than 7d");
    assert!(matches!(look_up(&keeper, "bob@example.com"), Lookup::Suppressed(_)));
    assert!(
        matches!(look_up(&keeper, "eve@example.com"), Lookup::Unknown(why) if why == "list crm: it was never read")
    );
    keeper.states().known("crm");
    assert!(
        matches!(look_up(&keeper, "eve@example.com"), Lookup::Unknown(why) if why.contains("shop"))
    );
    keeper.states().known("shop");
    assert_eq!(look_up(&keeper, "eve@example.com"), Lookup::Clear);
    keeper.stop();
}

#[test]
fn other_rules_than_the_ledger_was_made_with_stop_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = settings_of(folder.path());
    let other = KeeperSettings { rules: PersonRules::none(), ..first.clone() };
    // An empty ledger may still change its rules.
    Keeper::start(&first).unwrap().stop();
    Keeper::start(&other).unwrap().stop();
    let keeper = Keeper::start(&first).unwrap();
    add(&keeper, "a@example.com");
    keeper.stop();
    let refused = Keeper::start(&other);
    assert!(matches!(refused, Err(AppError::Ledger(LedgerError::RulesChanged { .. }))));
    Keeper::start(&first).unwrap().stop();
}

#[test]
fn the_lock_is_for_one_and_names_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("optgate.db");
    let lock = LedgerLock::take(&ledger, Holder::Gate, Duration::ZERO).unwrap();
    let error = LedgerLock::take(&ledger, Holder::Command, Duration::ZERO).unwrap_err();
    let AppError::Taken { pid, holder, .. } = &error else { panic!("{error}") };
    assert_eq!(*pid, std::process::id());
    assert!(holder.contains("gate"));
    drop(lock);
    LedgerLock::take(&ledger, Holder::Command, Duration::ZERO).unwrap();
}

#[test]
fn a_waiting_add_gets_in_between_the_batches_of_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(&settings_of(folder.path())).unwrap();
    let importer = keeper.clone();
    let import = std::thread::spawn(move || {
        let maker = maker(&importer);
        for batch in 0..20 {
            let rows: Vec<_> =
                (0..200).map(|n| entry(&maker, &format!("u{batch}.{n}@example.com"))).collect();
            importer.ask(move |desk| desk.append(clock::now(), Some("big"), &rows)).unwrap();
        }
        importer.index().load().position()
    });
    add(&keeper, "bob@example.com");
    let Lookup::Suppressed(found) = look_up(&keeper, "bob@example.com") else { panic!() };
    let last = import.join().unwrap();
    assert!(u64::from(found.position) <= last, "{} {last}", found.position);
    keeper.stop();
}
