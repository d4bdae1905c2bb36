use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
    let inquiry = policy::Inquiry {
        written: address,
        address: &canonical,
        keys: &keys,
        streams: &[&stream],
        today,
    };
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
    let until = clock::instant() + Duration::from_secs(60);
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

/// What the index says of each of these addresses, on a commercial and on a
/// transactional stream.
fn answers(keeper: &Keeper, addresses: &[String]) -> Vec<(Lookup, Lookup)> {
    let lists = keeper.lists(None);
    let streams = [
        suppression::Stream::default(),
        suppression::Stream::new("receipts", suppression::StreamClass::Transactional),
    ];
    let today = clock::now().day();
    let one = |address: &String| {
        let canonical = maker(keeper).canonical(address).unwrap();
        let keys = lists.keys(&canonical);
        let streams = [&streams[0], &streams[1]];
        let inquiry = policy::Inquiry {
            written: canonical.exact(),
            address: &canonical,
            keys: &keys,
            streams: &streams,
            today,
        };
        match lists.look_up(&inquiry) {
            LookUp::Now(mut answers) => {
                let transactional = answers.pop().unwrap();
                (answers.pop().unwrap(), transactional)
            }
            LookUp::Later => panic!("the index never asks"),
        }
    };
    addresses.iter().map(one).collect()
}

/// Does one of everything, chosen by `dice`; the addresses are few, so that it meets.
fn live(keeper: &Keeper, dice: &mut testkit::Dice, addresses: &[String]) {
    let (now, maker) = (clock::now(), maker(keeper));
    let address = addresses[dice.below(addresses.len())].clone();
    let canonical = maker.canonical(&address).unwrap();
    let kind = Kind::ALL[dice.below(5)];
    let day = suppression::Day::from_number(20_000 + u16::try_from(dice.below(9)).unwrap());
    let facts = EntryFacts {
        kind,
        scope: [Scope::All, Scope::Commercial][dice.below(2)].clone(),
        source: ["crm", "shop"][dice.below(2)].to_owned(),
        stated: (dice.below(3) > 0).then(|| day.start()),
        expires: (kind == Kind::Undeliverable).then(|| now.day().plus_days(9).start()),
        reason: None,
        evidence: BTreeMap::new(),
    };
    match dice.below(13) {
        0..=5 => {
            let entry = maker.entry(&canonical, facts);
            keeper.ask(move |desk| desk.append(now, None, &[entry])).unwrap();
        }
        6 if kind != Kind::Consent => {
            let entry = maker.domain_entry(&canonical, facts);
            keeper.ask(move |desk| desk.append(now, None, &[entry])).unwrap();
        }
        11 if kind != Kind::Consent => {
            let form = ["md5 lower", "sha256 lower before=61"][dice.below(2)];
            let form: Arc<suppression::HashedForm> = Arc::new(form.parse().unwrap());
            let digest = form.digest([&address, canonical.person()][dice.below(2)]);
            let entry = maker.hashed_entry(&form, &digest, facts).unwrap();
            keeper.ask(move |desk| desk.append(now, None, &[entry])).unwrap();
        }
        7 | 8 => {
            let import = format!("import-{}", dice.below(4));
            let rows: Vec<_> = addresses
                .iter()
                .take(3)
                .map(|a| maker.entry(&maker.canonical(a).unwrap(), facts.clone()))
                .collect();
            keeper.ask(move |desk| desk.append(now, Some(&import), &rows)).unwrap();
        }
        9 => {
            let import = format!("import-{}", dice.below(4));
            // There may be none of that name, or nothing of it left.
            let _ = keeper.ask(move |desk| desk.undo_import(now, "me", "a test", &import));
        }
        10 => {
            let keys: Vec<_> = keeper.keys().load().keys(&canonical).collect();
            let found = keeper.ask(move |desk| desk.found(&keys)).unwrap();
            if let Some(found) = found.first() {
                let position = found.entry.position;
                let _ = keeper.ask(move |desk| desk.withdraw(now, "me", "a test", &[position]));
            }
        }
        _ => {
            keeper.ask(move |desk| desk.rekey(now, "me", None)).unwrap();
        }
    }
}

#[test]
fn the_index_that_grew_answers_like_one_that_is_made_anew() {
    let addresses: Vec<String> = (0..8)
        .map(|n| format!("p{n}@example{}.com", n % 3))
        .chain(["postmaster@example1.com".to_owned()])
        .collect();
    for seed in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let settings = settings_of(folder.path());
        let mut dice = testkit::Dice::new(seed);
        let keeper = Keeper::start(&settings).unwrap();
        for _ in 0..60 {
            live(&keeper, &mut dice, &addresses);
        }
        let grown = answers(&keeper, &addresses);
        keeper.stop();
        // From the image, after a few more rows behind it, and from the ledger alone.
        let keeper = Keeper::start(&settings).unwrap();
        assert_eq!(answers(&keeper, &addresses), grown, "seed {seed}, from the image");
        for _ in 0..10 {
            live(&keeper, &mut dice, &addresses);
        }
        let grown = answers(&keeper, &addresses);
        keeper.stop();
        std::fs::remove_file(image::path_of(&settings.ledger)).unwrap();
        let keeper = Keeper::start(&settings).unwrap();
        assert_eq!(answers(&keeper, &addresses), grown, "seed {seed}, from the ledger");
        keeper.stop();
    }
}

/// Reads a list of a mirrored source, in batches, and takes back what it does not name.
fn mirror(keeper: &Keeper, import: &str, addresses: &[String], stop: &AtomicBool) -> Gone {
    let maker = maker(keeper);
    let mut named = ledger::Named::default();
    for batch in addresses.chunks(300) {
        let rows: Vec<_> = batch.iter().map(|address| entry(&maker, address)).collect();
        let (prepared, import) = (ledger::Prepared::new(rows).unwrap(), import.to_owned());
        let appended =
            keeper.ask(move |desk| desk.append_mirrored(clock::now(), &import, &prepared)).unwrap();
        named.note(&appended);
    }
    keeper.take_back_missing("test", named, stop).unwrap()
}

#[test]
fn the_gate_goes_by_a_mirrored_list_when_its_reading_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(&settings_of(folder.path())).unwrap();
    let go = AtomicBool::new(false);
    let of = |range: std::ops::Range<usize>| -> Vec<String> {
        range.map(|n| format!("u{n}@example.com")).collect()
    };
    let gone = |rows| Gone { rows, stopped: false };
    assert_eq!(mirror(&keeper, "one", &of(0..3000), &go), gone(0));
    add(&keeper, "typed@example.com");
    assert_eq!(mirror(&keeper, "two", &of(2900..3000), &go), gone(2900));
    let is_out = |address: &str| matches!(look_up(&keeper, address), Lookup::Suppressed(_));
    assert!(!is_out("u0@example.com") && !is_out("u2899@example.com"));
    assert!(is_out("u2900@example.com") && is_out("typed@example.com"));
    assert_eq!(mirror(&keeper, "three", &of(2900..3000), &go), gone(0));
    // One that is stopped takes nothing back, and leaves it to the next.
    let stopped = Gone { rows: 0, stopped: true };
    assert_eq!(mirror(&keeper, "four", &[], &AtomicBool::new(true)), stopped);
    assert!(is_out("u2900@example.com"));
    assert_eq!(mirror(&keeper, "five", &of(0..1), &go), gone(100));
    assert!(is_out("u0@example.com") && !is_out("u2900@example.com"));
    keeper.stop();
}

#[test]
fn who_comes_back_to_a_mirrored_list_is_refused_in_spite_of_an_earlier_consent() {
    let folder = tempfile::tempdir().unwrap();
    let keeper = Keeper::start(&settings_of(folder.path())).unwrap();
    let maker = maker(&keeper);
    let read = |import: &str, entries: Vec<NewEntry>| {
        let (prepared, import) = (ledger::Prepared::new(entries).unwrap(), import.to_owned());
        let mut named = ledger::Named::default();
        let appended =
            keeper.ask(move |desk| desk.append_mirrored(clock::now(), &import, &prepared)).unwrap();
        named.note(&appended);
        keeper.take_back_missing("test", named, &AtomicBool::new(false)).unwrap()
    };
    let day = |text: &str| Some(text.parse().unwrap());
    let listed = || NewEntry { stated: day("2024-01-01"), ..entry(&maker, "pat@example.com") };
    read("one", vec![listed()]);
    read("two", Vec::new());
    let consent = NewEntry {
        kind: Kind::Consent,
        stated: day("2025-01-01"),
        source: "web".into(),
        ..listed()
    };
    keeper.ask(move |desk| desk.append(clock::now(), None, &[consent])).unwrap();
    assert_eq!(look_up(&keeper, "pat@example.com"), Lookup::Clear);
    // The index was told of the row that was taken back, and may have forgotten it.
    while keeper.index().merge_once() {}
    read("three", vec![listed()]);
    let Lookup::Suppressed(found) = look_up(&keeper, "pat@example.com") else { panic!() };
    assert_eq!(found.since, clock::now().day());
    keeper.stop();
}

#[test]
fn a_new_key_of_another_process_is_followed_with_the_entries_under_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(folder.path());
    let keeper = Keeper::start(&settings).unwrap();
    add(&keeper, "before@example.com");
    let key = KeyFile::load(&settings.key).unwrap();
    let mut ledger = Ledger::open(&settings.ledger, &key).unwrap();
    let made = ledger.rekey(clock::now(), "somebody", "a test", &settings.key).unwrap();
    let other =
        EntryMaker::new(Keys::new(made.ring.clone()), PersonRules::default(), Store::Hashed);
    ledger.append(clock::now(), None, &[entry(&other, "after@example.com")]).unwrap();
    let until = clock::instant() + Duration::from_secs(60);
    while look_up(&keeper, "after@example.com") == Lookup::Clear {
        assert!(clock::instant() < until, "not followed");
        clock::sleep(Duration::from_millis(20));
    }
    assert!(matches!(look_up(&keeper, "before@example.com"), Lookup::Suppressed(_)));
    assert_eq!(look_up(&keeper, "alice@example.com"), Lookup::Clear);
    // A key without an entry under it is noticed as well.
    let made = ledger.rekey(clock::now(), "somebody", "a test", &settings.key).unwrap();
    let newest = made.ring.current().key_id();
    while keeper.keys().current().key_id() != newest {
        assert!(clock::instant() < until + Duration::from_secs(60), "not noticed");
        clock::sleep(Duration::from_millis(20));
    }
    // Entries under a key that nobody has: who is on no list is not known any more.
    let aside = folder.path().join("aside.key");
    std::fs::copy(&settings.key, &aside).unwrap();
    let lost = ledger.rekey(clock::now(), "somebody", "a test", &settings.key).unwrap();
    let lost = EntryMaker::new(Keys::new(lost.ring), PersonRules::default(), Store::Hashed);
    std::fs::rename(&aside, &settings.key).unwrap();
    ledger.append(clock::now(), None, &[entry(&lost, "lost@example.com")]).unwrap();
    while !matches!(look_up(&keeper, "alice@example.com"), Lookup::Unknown(_)) {
        assert!(clock::instant() < until + Duration::from_secs(120), "not deferred");
        clock::sleep(Duration::from_millis(20));
    }
    assert!(matches!(look_up(&keeper, "before@example.com"), Lookup::Suppressed(_)));
    keeper.stop();
}

#[test]
fn a_ledger_that_is_taken_away_records_nothing_and_makes_the_rest_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings_of(folder.path());
    let keeper = Keeper::start(&settings).unwrap();
    add(&keeper, "bob@example.com");
    let aside = folder.path().join("aside.db");
    let eventually = |wanted: fn(&Lookup) -> bool| {
        let until = clock::instant() + Duration::from_secs(60);
        while !wanted(&look_up(&keeper, "alice@example.com")) {
            assert!(clock::instant() < until, "{:?}", look_up(&keeper, "alice@example.com"));
            clock::sleep(Duration::from_millis(20));
        }
    };
    for replaced in [false, true] {
        std::fs::rename(&settings.ledger, &aside).unwrap();
        if replaced {
            std::fs::copy(&aside, &settings.ledger).unwrap();
        }
        let entry = entry(&maker(&keeper), "carl@example.com");
        let refused = keeper.ask(move |desk| desk.append(clock::now(), None, &[entry]));
        assert!(matches!(refused, Err(AppError::Displaced(_))), "{refused:?}");
        eventually(|answer| matches!(answer, Lookup::Unknown(_)));
        assert!(matches!(look_up(&keeper, "bob@example.com"), Lookup::Suppressed(_)));
        std::fs::rename(&aside, &settings.ledger).unwrap();
        eventually(|answer| *answer == Lookup::Clear);
        add(&keeper, "carl@example.com");
    }
    keeper.stop();
}
