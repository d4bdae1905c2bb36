//! What is asked about people who stand in the ledger by a digest of their address.

use std::collections::BTreeMap;
use std::sync::Arc;

use suppression::{HashedForm, Kind, NewEntry, Scope};

use super::*;
use crate::clock;
use crate::config::{Surroundings, load_text};
use crate::entry::EntryFacts;
use crate::keeper::{Keeper, KeeperSettings};
use crate::live::{Consultant, LiveSources};

const FORM: &str = "md5 lower before=706570706572";

struct House {
    _folder: tempfile::TempDir,
    keeper: Keeper,
    clerk: Clerk,
}

fn house() -> House {
    house_with("")
}

/// With more lines of TOML.
fn house_with(more: &str) -> House {
    let folder = tempfile::tempdir().unwrap();
    let text = format!(
        "[smarthost]\naddress = \"127.0.0.1:9\"\n[server]\nhostname = \"mail.example.com\"\n{more}"
    );
    drop(rusqlite::Connection::open(folder.path().join("crm.db")).unwrap());
    let loaded = load_text(&folder.path().join("optgate.toml"), &text, &Surroundings::default());
    let settings = Arc::new(loaded.settings.unwrap());
    let keeper = Keeper::start(&KeeperSettings {
        ledger: settings.ledger.path.clone(),
        key: settings.ledger.key_file.clone(),
        rules: settings.ledger.person.clone(),
        if_missing: ledger::IfMissing::Create,
    })
    .unwrap();
    let live = LiveSources::of(&settings).map(Consultant::alone);
    let clerk = Clerk::new(ClerkParts { keeper: keeper.clone(), settings, running: None, live });
    House { _folder: folder, keeper, clerk }
}

impl House {
    fn entry(&self, spelled: &str) -> NewEntry {
        let form: Arc<HashedForm> = Arc::new(FORM.parse().unwrap());
        let facts = EntryFacts {
            kind: Kind::OptOut,
            scope: Scope::Commercial,
            source: "partner".to_owned(),
            stated: None,
            expires: None,
            reason: Some("a reason".to_owned()),
            evidence: BTreeMap::new(),
        };
        self.clerk.maker.hashed_entry(&form, &form.digest(spelled), facts).unwrap()
    }

    /// Records that a list has the digest of this.
    fn listed(&self, spelled: &str) {
        let entry = self.entry(spelled);
        self.keeper.ask(move |desk| desk.append(clock::now(), None, &[entry])).unwrap();
    }

    fn rekey(&self) {
        self.keeper.ask(|desk| desk.rekey(clock::now(), "me", None)).unwrap();
    }

    fn why(&self, address: &str) -> WhyAnswer {
        let request = Request::Why { address: address.to_owned(), stream: None };
        let answer = self.clerk.answer(&request, &mut |_| ()).unwrap();
        serde_json::from_value(answer).unwrap()
    }

    fn withdraw(&self, what: Withdrawn) -> Result<WithdrawnOutcome, crate::AppError> {
        let (reason, by) = ("a mistake".to_owned(), "me".to_owned());
        let request = Request::Withdraw(Withdrawal { what, class: None, reason, by });
        let answer = self.clerk.answer(&request, &mut |_| ())?;
        Ok(serde_json::from_value(answer).unwrap())
    }

    fn erase(&self, about: About) -> ErasedOutcome {
        let (by, reason) = ("me".to_owned(), "Art. 17".to_owned());
        let request = Request::Ledger(Custody::Erase { by, about, reason });
        serde_json::from_value(self.clerk.answer(&request, &mut |_| ()).unwrap()).unwrap()
    }
}

#[test]
fn why_finds_an_entry_by_its_digest_and_says_of_which_list_and_how_it_was_made() {
    let house = house();
    house.listed("pat@example.com");
    house.rekey();
    for address in ["pat@example.com", "<Pat+shop@EXAMPLE.com>"] {
        let why = house.why(address);
        assert_eq!(why.verdict, VerdictWord::Refuse, "{address}");
        let [entry] = &why.entries[..] else { panic!("{address}: {:?}", why.entries) };
        assert_eq!(entry.list, "partner");
        let form = "MD5 of the address in lower case, salted";
        assert_eq!(entry.hashed.as_deref(), Some(form));
        assert!(!entry.domain);
        assert!(entry.standing.iter().all(|standing| standing.counts), "{:?}", entry.standing);
        // The keys that are shown are those of the address, one for each key of the ledger.
        assert_eq!(why.exact_keys.len(), 2);
    }
    assert_eq!(house.why("sam@example.com").entries, []);
    // The salt is the secret of whoever made the list.
    assert!(!format!("{:?}", house.why("pat@example.com")).contains("706570706572"));
    house.keeper.stop();
}

#[test]
fn an_entry_under_a_digest_is_taken_back_by_the_address() {
    let house = house();
    house.listed("pat@example.com");
    house.listed("@example.com");
    let objections = |address: &str| Withdrawn::Objections(address.to_owned());
    let domain = |name: &str| Withdrawn::Domain(name.to_owned());
    // Of the person, and not of everybody at the domain.
    let done = house.withdraw(objections("Pat@Example.com")).unwrap();
    assert_eq!(done.taken_back.iter().map(|line| line.entry).collect::<Vec<_>>(), [1]);
    assert!(house.withdraw(objections("pat@example.com")).is_err());
    assert_eq!(house.why("pat@example.com").verdict, VerdictWord::Refuse);
    assert!(house.withdraw(domain("example.net")).is_err());
    let done = house.withdraw(domain("example.com")).unwrap();
    assert_eq!(done.taken_back.iter().map(|line| line.entry).collect::<Vec<_>>(), [2]);
    let why = house.why("pat@example.com");
    assert_eq!(why.verdict, VerdictWord::Permit);
    assert_eq!(why.entries.len(), 4, "what was taken back, and the rows that did");
    // The list says so still: recorded again, and refused again.
    house.listed("pat@example.com");
    assert_eq!(house.why("pat@example.com").verdict, VerdictWord::Refuse);
    house.keeper.stop();
}

#[test]
fn what_the_ledger_holds_about_somebody_under_a_digest_is_erased() {
    let house = house();
    house.listed("pat@example.com");
    house.rekey();
    house.listed("pat@example.com");
    house.listed("example.com");
    assert_eq!(house.erase(About::Person("Pat@example.com".to_owned())).entries, [1, 2]);
    assert_eq!(house.erase(About::Domain("example.com".to_owned())).entries, [3]);
    let why = house.why("pat@example.com");
    assert_eq!(why.verdict, VerdictWord::Refuse);
    assert!(why.entries.iter().all(|entry| entry.erased && entry.reason.is_none()));
    house.keeper.stop();
}

#[test]
fn a_digest_of_another_length_is_recorded_for_nobody() {
    let house = house();
    let form: Arc<HashedForm> = Arc::new(FORM.parse().unwrap());
    let facts = EntryFacts {
        kind: Kind::OptOut,
        scope: Scope::All,
        source: "partner".to_owned(),
        stated: None,
        expires: None,
        reason: None,
        evidence: BTreeMap::new(),
    };
    for length in [0, 15, 17, 20, 64] {
        let made = house.clerk.maker.hashed_entry(&form, &vec![7; length], facts.clone());
        assert!(made.unwrap_err().to_string().contains("those of md5 have 16"), "{length}");
    }
    let consent = NewEntry { kind: Kind::Consent, ..house.entry("pat@example.com") };
    let refused = house.keeper.ask(move |desk| desk.append(clock::now(), None, &[consent]));
    assert!(refused.unwrap_err().to_string().contains("nobody can tell"));
    house.keeper.stop();
}

#[test]
fn why_says_of_a_consent_that_a_live_list_is_later() {
    let house = house_with(
        "[[source]]\nname = \"crm\"\nsqlite = \"crm.db\"\nmode = \"live\"\n\
         query = \"SELECT @recipient AS email\"\n",
    );
    let facts = EntryFacts {
        kind: Kind::Consent,
        scope: Scope::Commercial,
        source: "form".to_owned(),
        stated: None,
        expires: None,
        reason: None,
        evidence: BTreeMap::new(),
    };
    let maker = &house.clerk.maker;
    let entry = maker.entry(&maker.canonical("bob@example.com").unwrap(), facts);
    house.keeper.ask(move |desk| desk.append(clock::now(), None, &[entry])).unwrap();
    let why = house.why("bob@example.com");
    assert_eq!(why.live[0].words, "opt-out for commercial without a date");
    let standing = &why.entries[0].standing[0];
    assert!(!standing.counts);
    assert_eq!(standing.words, "is not of a later day than what a live list says");
}

#[test]
fn why_says_of_a_class_what_it_stops() {
    let house = house_with(
        "[[stream]]\nname = \"adverts\"\nclass = \"commercial\"\n\
         scopes = [\"net.example:ADV\"]\nsender = [\"@ads.example.com\"]\n",
    );
    let record = |kind: Kind, scope: &str| {
        let facts = EntryFacts {
            kind,
            scope: scope.parse().unwrap(),
            source: "form".to_owned(),
            stated: (kind == Kind::OptOut).then(|| "2026-01-02".parse().unwrap()),
            expires: None,
            reason: None,
            evidence: BTreeMap::new(),
        };
        let maker = &house.clerk.maker;
        let entry = maker.entry(&maker.canonical("bob@example.com").unwrap(), facts);
        house.keeper.ask(move |desk| desk.append(clock::now(), None, &[entry])).unwrap();
    };
    record(Kind::OptOut, "net.example:ADV");
    let words = || {
        let why = house.why("Bob+x@example.com");
        let standing = why.entries.into_iter().flat_map(|one| one.standing);
        standing.map(|one| (one.stream, one.counts, one.words)).collect::<Vec<_>>()
    };
    let said =
        |stream: &str, counts: bool, words: &str| (stream.to_owned(), counts, words.to_owned());
    let class = "stops this mail where it says SOLICIT=net.example:ADV";
    let of_it = said("adverts", true, "stops this mail");
    assert_eq!(words(), [of_it.clone(), said("default", false, class)]);
    // Another class, and a wider entry beside it, which stops all the same.
    record(Kind::OptOut, "commercial");
    let wider = ["adverts", "default"].map(|stream| said(stream, true, "stops this mail"));
    assert_eq!(words()[..2], [of_it, said("default", false, class)]);
    assert_eq!(words()[2..], wider);
    // A consent to the class, and the class alone taken back.
    record(Kind::Consent, "net.example:ADV");
    let why = house.why("bob@example.com");
    let consent = &why.entries.last().unwrap().standing[1];
    assert_eq!(consent.words, "permits mail that says SOLICIT=net.example:ADV");
    let of_class = Withdrawal {
        what: Withdrawn::Objections("bob@example.com".to_owned()),
        class: Some("NET.example:adv".parse().unwrap()),
        reason: "asked for".to_owned(),
        by: "me".to_owned(),
    };
    let done = house.clerk.withdraw(&of_class).unwrap();
    assert_eq!(
        done.taken_back.iter().map(|one| one.scope.as_str()).collect::<Vec<_>>(),
        ["net.example:ADV"]
    );
    assert!(house.clerk.withdraw(&of_class).unwrap_err().to_string().contains("of this class"));
    assert_eq!(house.why("bob@example.com").verdict, VerdictWord::Refuse, "the wider one stands");
    house.withdraw(Withdrawn::Objections("bob@example.com".to_owned())).unwrap();
    assert!(words().iter().all(|(_, counts, _)| !counts), "{:?}", words());
    assert_eq!(words()[1], said("default", false, "was taken back by entry 4"));
}
