use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use policy::{Lists, LookUp, Lookup};

use super::*;
use crate::clock;
use crate::config::{Settings, Surroundings, load_text};
use crate::entry::EntryMaker;
use crate::keeper::{Keeper, KeeperSettings};
use crate::notices::Notices;

struct House {
    folder: tempfile::TempDir,
    settings: Arc<Settings>,
    keeper: Keeper,
}

/// A keeper and the settings for one CSV source, `list.csv`, with more lines of TOML.
fn house(more: &str) -> House {
    house_of(&format!("csv = \"list.csv\"\n{more}"))
}

/// A keeper and the settings for one source with these lines of TOML.
fn house_of(lines: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n[[source]]\nname = \"crm\"\n{lines}"
    );
    let around = Surroundings::default();
    let loaded = load_text(&folder.path().join("optgate.toml"), &text, &around);
    let settings = Arc::new(loaded.settings.unwrap());
    let keeper = keeper(&settings);
    House { folder, settings, keeper }
}

fn keeper(settings: &Settings) -> Keeper {
    Keeper::start(&KeeperSettings {
        ledger: settings.ledger.path.clone(),
        key: settings.ledger.key_file.clone(),
        rules: settings.ledger.person.clone(),
        if_missing: ledger::IfMissing::Create,
    })
    .unwrap()
}

impl House {
    fn list(&self) -> PathBuf {
        self.folder.path().join("list.csv")
    }

    /// Replaces the list as a careful export does: another name, then renamed.
    fn write(&self, text: &str) {
        let part = self.folder.path().join("list.part");
        std::fs::write(&part, text).unwrap();
        std::fs::rename(&part, self.list()).unwrap();
    }

    fn watch(&self) -> Watch {
        let watch = Watch::start(&self.keeper, &self.settings, &Notices::default()).unwrap();
        assert!(watch.settled(Duration::from_secs(60)));
        watch
    }

    fn look_up(&self, address: &str) -> Lookup {
        look_up(&self.keeper, &self.settings, address)
    }

    fn state(&self) -> ledger::SourceState {
        self.keeper.ask(|desk| desk.source_state("crm")).unwrap().unwrap()
    }

    #[track_caller]
    fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) {
        let until = clock::instant() + Duration::from_secs(60);
        while !is(self) {
            assert!(clock::instant() < until, "not within 60 s: {what}");
            clock::sleep(Duration::from_millis(20));
        }
    }
}

fn look_up(keeper: &Keeper, settings: &Settings, address: &str) -> Lookup {
    let maker = EntryMaker::new(
        keeper.keys().clone(),
        settings.ledger.person.clone(),
        settings.ledger.store,
    );
    let (lists, canonical) =
        (keeper.lists(settings.enforcement.grace), maker.canonical(address).unwrap());
    let (keys, stream) = (lists.keys(&canonical), suppression::Stream::default());
    let today = clock::now().day();
    let inquiry = policy::Inquiry {
        written: canonical.exact(),
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

fn rows(range: std::ops::Range<usize>) -> String {
    range.fold("email\n".to_owned(), |text, n| text + &format!("u{n}@example.com\n"))
}

fn age(path: &Path, days: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    #[expect(clippy::disallowed_methods, reason = "the file system's clock is the system's")]
    let now = std::time::SystemTime::now();
    file.set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
}

#[test]
fn a_list_that_was_never_loaded_defers_and_then_is_known() {
    let house = house("");
    let watch = house.watch();
    assert!(
        matches!(house.look_up("a@example.com"), Lookup::Unknown(why) if why.contains("never loaded"))
    );
    house.write("email\nbob@example.com\n");
    house.wait_until(
        "bob is refused",
        |h| matches!(h.look_up("bob@example.com"), Lookup::Suppressed(s) if s.source == "crm"),
    );
    house.wait_until("others are clear", |h| h.look_up("a@example.com") == Lookup::Clear);
    drop(watch);
    house.keeper.stop();
}

#[test]
fn a_change_is_noticed_and_who_disappears_stays_suppressed() {
    let house = house("");
    house.write(&rows(0..20));
    let watch = house.watch();
    assert_eq!(house.state().last_rows, Some(20));
    house.write(&rows(1..21));
    house.wait_until("the new row", |h| {
        matches!(h.look_up("u20@example.com"), Lookup::Suppressed(_))
    });
    assert!(matches!(house.look_up("u0@example.com"), Lookup::Suppressed(_)));
    house.wait_until("the state", |h| h.state().last_rows == Some(20));
    assert_eq!(house.keeper.index().load().len(), 21);
    drop(watch);
    house.keeper.stop();
}

#[test]
fn a_list_that_shrank_is_refused_and_the_last_good_one_stays() {
    let house = house("");
    house.write(&rows(0..100));
    let watch = house.watch();
    house.write(&rows(0..50));
    house.wait_until("refusal", |h| {
        h.state().last_error.is_some_and(|e| e.contains("shrink_limit"))
    });
    assert_eq!(house.state().last_rows, Some(100));
    assert!(matches!(house.look_up("u99@example.com"), Lookup::Suppressed(_)));
    assert_eq!(house.look_up("new@example.com"), Lookup::Clear);
    house.write("");
    house
        .wait_until("refusal", |h| h.state().last_error.is_some_and(|e| e.contains("allow_empty")));
    house.write(&rows(0..101));
    house.wait_until("recovery", |h| h.state().last_error.is_none());
    assert_eq!(house.state().last_rows, Some(101));
    drop(watch);
    house.keeper.stop();
}

#[test]
fn the_guards_are_those_of_the_configuration() {
    let house = house("shrink_limit = \"60%\"\nbad_rows = \"50%\"\nallow_empty = true\n");
    house.write("email\na@example.com\nb@example.com\nrubbish\nmore rubbish\n");
    let watch = house.watch();
    assert_eq!(house.state().last_error, None);
    house.write("email\n");
    house.wait_until("refusal", |h| h.state().last_error.is_some_and(|e| e.contains("60%")));
    drop(watch);
    house.keeper.stop();
}

#[test]
fn a_list_older_than_its_max_age_defers() {
    let house = house("max_age = \"7d\"\n");
    house.write("email\nbob@example.com\n");
    age(&house.list(), 6);
    let watch = house.watch();
    house.wait_until("known", |h| h.look_up("a@example.com") == Lookup::Clear);
    age(&house.list(), 8);
    house.wait_until("unknown", |h| matches!(h.look_up("a@example.com"), Lookup::Unknown(_)));
    assert!(matches!(house.look_up("bob@example.com"), Lookup::Suppressed(_)));
    drop(watch);
    house.keeper.stop();
}

#[test]
fn after_a_restart_without_the_file_the_last_good_list_is_in_force() {
    let house = house("");
    house.write("email\nbob@example.com\n");
    drop(house.watch());
    house.keeper.stop();
    std::fs::remove_file(house.list()).unwrap();
    let keeper = keeper(&house.settings);
    let watch = Watch::start(&keeper, &house.settings, &Notices::default()).unwrap();
    assert!(watch.settled(Duration::from_secs(60)));
    assert!(matches!(look_up(&keeper, &house.settings, "bob@example.com"), Lookup::Suppressed(_)));
    assert_eq!(look_up(&keeper, &house.settings, "a@example.com"), Lookup::Clear);
    let state = keeper.ask(|desk| desk.source_state("crm")).unwrap().unwrap();
    assert!(state.last_error.unwrap().contains("list.csv"));
    drop(watch);
    keeper.stop();
}

#[test]
fn reading_the_same_again_adds_nothing() {
    let house = house("");
    house.write(&rows(0..10));
    drop(house.watch());
    let position = house.keeper.index().load().position();
    // Another file with the same content, and one with another order.
    house.write(&rows(0..10));
    let watch = house.watch();
    house.write(&format!("{}# a line more\n", rows(0..10)));
    house.wait_until("another reading", |h| {
        h.state().fingerprint != Some(String::new()) && h.state().last_rows == Some(10)
    });
    assert_eq!(house.keeper.index().load().position(), position);
    drop(watch);
    house.keeper.stop();
}

/// What a list says comes back when it was taken from the ledger, and until then nobody is
/// taken for somebody who is not on it.
mod read_again {
    use super::*;

    /// Asks all the time while `act` runs and until `is`: never is `address` clear.
    fn never_clear<T>(
        house: &House,
        address: &str,
        act: impl FnOnce() -> T,
        is: impl Fn(&Lookup) -> bool,
    ) -> T {
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Acquire) {
                    assert_ne!(house.look_up(address), Lookup::Clear);
                }
            });
            let done = act();
            let until = clock::instant() + Duration::from_secs(60);
            while !is(&house.look_up(address)) && clock::instant() < until {
                clock::sleep(Duration::from_millis(5));
            }
            over.store(true, std::sync::atomic::Ordering::Release);
            assert!(is(&house.look_up(address)), "{:?}", house.look_up(address));
            done
        })
    }

    fn is_suppressed(lookup: &Lookup) -> bool {
        matches!(lookup, Lookup::Suppressed(_))
    }

    fn import(house: &House) -> String {
        house.keeper.ask(|desk| desk.imports()).unwrap().pop().unwrap().id
    }

    fn undo(house: &House) -> Vec<String> {
        let (id, now) = (import(house), clock::now());
        house.keeper.ask(move |desk| desk.undo_import(now, "me", "why", &id)).unwrap().1
    }

    #[test]
    fn after_its_import_was_undone() {
        let house = house("");
        house.write(&rows(0..50));
        let watch = house.watch();
        for round in 1..4_u64 {
            let named = never_clear(&house, "u7@example.com", || undo(&house), is_suppressed);
            assert_eq!(named, ["crm"]);
            house.wait_until("known", |h| h.look_up("a@example.com") == Lookup::Clear);
            assert_eq!(house.state().last_rows, Some(50));
            // What was taken back was added again, once.
            let position = house.keeper.index().load().position();
            assert_eq!(position, 50 + round * 51);
        }
        drop(watch);
        house.keeper.stop();
    }

    #[test]
    fn after_the_undo_of_a_wrong_file_the_right_one_may_be_much_shorter() {
        let house = house("");
        house.write(&rows(0..1000));
        let watch = house.watch();
        house.write(&rows(0..3));
        house.wait_until("refusal", |h| {
            h.state().last_error.is_some_and(|e| e.contains("shrink_limit"))
        });
        undo(&house);
        house.wait_until("open", |h| h.look_up("u999@example.com") == Lookup::Clear);
        assert!(is_suppressed(&house.look_up("u2@example.com")));
        assert_eq!(house.state().last_rows, Some(3));
        drop(watch);
        house.keeper.stop();
    }

    #[test]
    fn at_the_next_start_if_no_gate_was_running() {
        let house = house("");
        house.write(&rows(0..5));
        drop(house.watch());
        undo(&house);
        house.keeper.stop();
        let keeper = keeper(&house.settings);
        note_ages(&keeper, &house.settings.sources).unwrap();
        let asked = look_up(&keeper, &house.settings, "u1@example.com");
        assert!(matches!(asked, Lookup::Unknown(why) if why.contains("again")));
        let watch = Watch::start(&keeper, &house.settings, &Notices::default()).unwrap();
        assert!(watch.settled(Duration::from_secs(60)));
        assert!(is_suppressed(&look_up(&keeper, &house.settings, "u1@example.com")));
        assert_eq!(look_up(&keeper, &house.settings, "a@example.com"), Lookup::Clear);
        drop(watch);
        keeper.stop();
    }

    #[test]
    fn while_its_file_is_away_it_stays_unknown() {
        let house = house("");
        house.write(&rows(0..5));
        let watch = house.watch();
        std::fs::remove_file(house.list()).unwrap();
        let unknown = |lookup: &Lookup| matches!(lookup, Lookup::Unknown(_));
        never_clear(&house, "u1@example.com", || undo(&house), unknown);
        house.wait_until("a try", |h| h.state().last_error.is_some());
        never_clear(&house, "u1@example.com", || house.write(&rows(0..5)), is_suppressed);
        drop(watch);
        house.keeper.stop();
    }

    #[test]
    fn after_one_entry_was_taken_back_and_mail_to_others_goes_on() {
        let house = house("");
        house.write(&rows(0..5));
        let watch = house.watch();
        let taken = |position: u64| {
            let now = clock::now();
            let work =
                move |desk: &mut crate::keeper::Desk| desk.withdraw(now, "me", "why", &[position]);
            house.keeper.ask(work).unwrap().read_again
        };
        assert_eq!(taken(2), ["crm"]);
        assert_eq!(house.look_up("a@example.com"), Lookup::Clear);
        house.wait_until("u1 back", |h| is_suppressed(&h.look_up("u1@example.com")));
        // Corrected where it was wrong, it stays away.
        house.write("email\nu1@example.com\nu2@example.com\nu3@example.com\nu4@example.com\n");
        house.wait_until("another reading", |h| h.state().last_rows == Some(4));
        assert_eq!(taken(1), ["crm"]);
        let doubted = |h: &House| h.state().fingerprint.is_some_and(|text| text.starts_with('?'));
        house.wait_until("read again", |h| !doubted(h));
        assert_eq!(house.look_up("u0@example.com"), Lookup::Clear);
        assert!(is_suppressed(&house.look_up("u1@example.com")));
        drop(watch);
        house.keeper.stop();
    }

    #[test]
    fn after_a_restore_of_a_ledger_that_knew_less() {
        let house = house("");
        house.write(&rows(0..20));
        let watch = house.watch();
        let copy = house.folder.path().join("copy");
        crate::backup::run(&house.settings.ledger, &copy, &mut |_| ()).unwrap();
        house.write(&rows(0..21));
        house.wait_until("u20", |h| is_suppressed(&h.look_up("u20@example.com")));
        let parts = crate::clerk::ClerkParts {
            keeper: house.keeper.clone(),
            settings: house.settings.clone(),
            running: None,
            live: None,
        };
        let clerk = crate::clerk::Clerk::new(parts);
        let request =
            crate::keeper::RestoreRequest { folder: copy, replace: true, by: "me".into() };
        let request = crate::clerk::Request::Restore(request);
        for _ in 0..3 {
            let restore = || clerk.answer(&request, &mut |_| ()).unwrap();
            let told = never_clear(&house, "u20@example.com", restore, is_suppressed);
            assert_eq!(told["read_again"], serde_json::json!(["crm"]), "{told}");
            house.wait_until("known", |h| h.look_up("a@example.com") == Lookup::Clear);
        }
        drop(watch);
        // Nobody reads now: whatever the backup remembers of the file, it is in doubt.
        clerk.answer(&request, &mut |_| ()).unwrap();
        assert_eq!((house.state().fingerprint, house.state().last_rows), (None, Some(20)));
        assert!(matches!(house.look_up("u20@example.com"), Lookup::Unknown(_)));
        assert!(is_suppressed(&house.look_up("u19@example.com")));
        house.keeper.stop();
    }
}

/// What is said about how a list is read and what its rows mean.
mod keys_of_a_source {
    use super::*;

    /// Reads one file with these keys; the house with what came of it.
    fn read(name: &str, keys: &str, content: &[u8]) -> House {
        let folder = tempfile::tempdir().unwrap();
        let (kind, file) = name.split_once(' ').unwrap();
        std::fs::write(folder.path().join(file), content).unwrap();
        let text = format!(
            "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n[[source]]\nname = \"crm\"\n{kind} = \"{file}\"\n{keys}"
        );
        let loaded =
            load_text(&folder.path().join("optgate.toml"), &text, &Surroundings::default());
        let settings =
            Arc::new(loaded.settings.unwrap_or_else(|| panic!("{}", loaded.report.render(false))));
        let keeper = keeper(&settings);
        let house = House { folder, settings, keeper };
        drop(house.watch());
        house
    }

    fn entry(house: &House, address: &str) -> Option<suppression::Entry> {
        let maker = EntryMaker::new(
            house.keeper.keys().clone(),
            house.settings.ledger.person.clone(),
            house.settings.ledger.store,
        );
        let keys = house.keeper.keys().load().current().keys(&maker.canonical(address).unwrap());
        house.keeper.ask(move |desk| desk.entries_of(&keys)).unwrap().into_iter().next()
    }

    #[test]
    fn email_date_and_reason_name_columns() {
        let csv = b"a,b,c,d\nnew@example.com,old@example.com,2026-03-02,because\n";
        let house = read("csv l.csv", "email = \"b\"\ndate = 3\nreason = \"d\"\n", csv);
        let found = entry(&house, "old@example.com").unwrap();
        assert_eq!(found.stated.unwrap().to_string(), "2026-03-02T00:00:00Z");
        assert_eq!(found.reason.as_deref(), Some("because"));
        assert!(entry(&house, "new@example.com").is_none());
        let house = read("csv l.csv", "email = \"a\"\n", csv);
        assert!(entry(&house, "new@example.com").is_some());
    }

    #[test]
    fn delimiter_and_header_and_encoding_are_taken_as_said() {
        // Sniffing would take the first line for a row.
        let house = read("csv l.csv", "header = true\n", b"a@example.com\nb@example.com\n");
        assert!(entry(&house, "a@example.com").is_none());
        assert!(entry(&house, "b@example.com").is_some());
        let house = read(
            "csv l.csv",
            "delimiter = \"|\"\nemail = 2\n",
            b"x;y|a@example.com\nx;y|b@example.com\n",
        );
        assert!(entry(&house, "b@example.com").is_some());
        // A byte that UTF-8 does not have: the first setting cannot read it.
        let latin = b"email,reason\nb@example.com,M\xfcller\n";
        let house = read("csv l.csv", "encoding = \"utf-8\"\n", latin);
        assert!(house.state().last_error.unwrap().contains("encoding"));
        let house = read("csv l.csv", "encoding = \"latin-1\"\nreason = \"reason\"\n", latin);
        assert_eq!(entry(&house, "b@example.com").unwrap().reason.as_deref(), Some("Müller"));
    }

    #[test]
    fn record_selects_elements() {
        let xml = b"<l><p o='1'><e>a@example.com</e></p><p o='0'><e>b@example.com</e></p></l>";
        let house = read("xml l.xml", "record = \"/l/p[@o='1']\"\nemail = \"e\"\n", xml);
        assert!(
            entry(&house, "a@example.com").is_some() && entry(&house, "b@example.com").is_none()
        );
        let house = read("xml l.xml", "record = \"/l/p\"\nemail = \"e\"\n", xml);
        assert!(entry(&house, "b@example.com").is_some());
    }

    #[test]
    fn scope_and_kind_are_in_the_entries() {
        let house =
            read("csv l.csv", "scope = \"all\"\nkind = \"opt-out\"\n", b"email\na@example.com\n");
        let found = entry(&house, "a@example.com").unwrap();
        assert_eq!((found.scope, found.kind), (suppression::Scope::All, suppression::Kind::OptOut));
        let house = read("csv l.csv", "", b"email\na@example.com\n");
        assert_eq!(entry(&house, "a@example.com").unwrap().scope, suppression::Scope::Commercial);
    }

    #[test]
    fn bounces_lapse_after_the_time_that_is_said() {
        let csv = b"email,date\na@example.com,2026-03-02\nb@example.com,\n";
        let lapse = |keys: &str, address: &str| {
            let house = read("csv l.csv", &format!("kind = \"undeliverable\"\n{keys}"), csv);
            let found = entry(&house, address).unwrap();
            assert_eq!(found.kind, suppression::Kind::Undeliverable);
            found.expires.map(|at| at.day().to_string())
        };
        assert_eq!(lapse("", "a@example.com").as_deref(), Some("2026-05-31"));
        assert_eq!(
            lapse("expire_after = \"7d\"\n", "a@example.com").as_deref(),
            Some("2026-03-09")
        );
        assert_eq!(lapse("expire_after = \"never\"\n", "a@example.com"), None);
        // Without a date it counts from the first reading.
        let later = clock::now().day().plus_days(7).to_string();
        assert_eq!(lapse("expire_after = \"7d\"\n", "b@example.com"), Some(later));
    }

    #[test]
    fn consents_lapse_with_what_they_rest_on_and_need_a_date() {
        let csv = b"email,OPTIN_TIME\na@example.com,2026-01-31\nb@example.com,\n";
        let keys = |basis: &str| {
            format!("kind = \"consent\"\ndate = 2\nbad_rows = \"60%\"\nbasis = \"{basis}\"\n")
        };
        for (basis, lapses) in
            [("express", None), ("inquiry", Some("2026-07-31")), ("purchase", Some("2028-01-31"))]
        {
            let house = read("csv l.csv", &keys(basis), csv);
            let found = entry(&house, "a@example.com").unwrap();
            assert_eq!(found.kind, suppression::Kind::Consent);
            assert_eq!(found.expires.map(|at| at.day().to_string()).as_deref(), lapses, "{basis}");
            assert!(entry(&house, "b@example.com").is_none());
        }
    }

    #[test]
    fn a_list_of_subscribers_is_taken_only_when_told() {
        let csv =
            b"Email Address,OPTIN_TIME,OPTIN_IP\na@example.com,2026-01-01 00:00:00,192.0.2.1\n";
        let house = read("csv l.csv", "", csv);
        assert!(house.state().last_error.unwrap().contains("allow_subscribed"));
        assert!(entry(&house, "a@example.com").is_none());
        let house = read("csv l.csv", "allow_subscribed = true\n", csv);
        assert!(entry(&house, "a@example.com").is_some());
    }
}

mod mirror;
mod orders;
mod salt;
mod scopes;
mod tables;
mod web;
