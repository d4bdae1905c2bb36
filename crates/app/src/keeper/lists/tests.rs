use address::{Mailbox, PersonRules};
use suppression::{
    Calendar, Hasher, IndexKey, KeyId, KeyRing, Kind, Origin, Permission, Scope, StreamClass,
    Subject,
};

use super::*;

mod classes;

/// 2026-11-20, a Friday; its tenth business day is 2026-12-04 (standards D2.6).
const FRIDAY: &str = "2026-11-20";

fn day(text: &str) -> Day {
    text.parse().unwrap()
}

fn canonical(address: &str) -> Canonical {
    Mailbox::parse(address).unwrap().canonical(&PersonRules::default()).unwrap()
}

fn hasher(id: u32) -> Hasher {
    Hasher::new(KeyId(id), &[u8::try_from(id).unwrap(); 32])
}

/// Entries under these keys: whom, kind, scope, day.
struct Facts(Vec<(IndexKey, Origin, Day, u32)>);

impl Facts {
    fn add(&mut self, hasher: &Hasher, whom: &str, kind: Kind, scope: Scope, since: &str) {
        let mut origin = Origin::new("crm", kind, scope);
        let keys = match whom.strip_prefix('@') {
            Some(domain) => {
                origin.subject = Subject::Domain;
                hasher.domain_keys(&canonical(&format!("any@{domain}")))
            }
            // A list that holds the digest of this.
            None if let Some((form, text)) = whom.split_once(": ") => {
                let form: HashedForm = form.parse().unwrap();
                let keys = hasher.hashed_key(&form, &form.digest(text)).unwrap();
                origin.subject = Subject::Hashed(Arc::new(form));
                keys
            }
            None => hasher.keys(&canonical(whom)),
        };
        let digest = if kind == Kind::Consent { &keys.exact } else { &keys.person };
        let row = u32::try_from(self.0.len()).unwrap() + 1;
        self.0.push((IndexKey::from(digest), origin, day(since), row));
    }

    fn lists(self, ring: impl Into<KeyRing>, grace: Option<Grace>) -> LedgerLists {
        let index = Index::empty().with(self.0, 100).unwrap();
        let shared = Arc::new(SharedIndex::new(index));
        LedgerLists::new(Keys::new(ring), shared, Arc::default(), grace)
    }
}

fn ask(lists: &LedgerLists, address: &str, stream: &Stream, today: &str) -> Lookup {
    let (written, address) = (address, canonical(address));
    let keys = lists.keys(&address);
    let (streams, today) = ([stream], day(today));
    match lists.look_up(&Inquiry {
        written,
        address: &address,
        keys: &keys,
        streams: &streams,
        today,
    }) {
        LookUp::Now(mut answers) => answers.pop().unwrap(),
        LookUp::Later => panic!("the index never asks"),
    }
}

fn is_suppressed(lists: &LedgerLists, address: &str) -> bool {
    matches!(ask(lists, address, &Stream::default(), "2026-12-24"), Lookup::Suppressed(_))
}

#[test]
fn an_address_is_found_under_every_key() {
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "old@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    facts.add(&hasher(2), "new@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    facts.add(&hasher(1), "@old.example", Kind::Manual, Scope::All, FRIDAY);
    let lists = facts.lists(KeyRing::new(hasher(2), vec![hasher(1)]), None);
    assert!(is_suppressed(&lists, "old@example.com"));
    assert!(is_suppressed(&lists, "new@example.com"));
    assert!(is_suppressed(&lists, "anybody@old.example"));
    assert!(!is_suppressed(&lists, "other@example.com"));
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "old@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    // The key is what finds it: without the older one nobody would.
    assert!(!is_suppressed(&facts.lists(hasher(2), None), "old@example.com"));
}

#[test]
fn a_list_that_is_read_again_between_index_and_state_permits_nobody() {
    let lists = Facts(Vec::new()).lists(hasher(1), None);
    let address = canonical("a@example.com");
    let keys = lists.keys(&address);
    lists.states.unknown("crm", "it is to be read again");
    let times = std::cell::Cell::new(0);
    let answer = lists.steadily(|index| {
        let case = lists.case(index, ("a@example.com", &address), &keys);
        if times.replace(times.get() + 1) == 0 {
            // Read again at this moment: in the next index, and known.
            let row = (IndexKey::from(&keys.person), origin(), day(FRIDAY), 1);
            lists.index.update(|index| index.with([row], 1)).unwrap();
            lists.states.known("crm");
        }
        lists.answer(&case, &Stream::default(), day(FRIDAY))
    });
    assert!(matches!(answer, Lookup::Suppressed(_)), "{answer:?}");
    assert_eq!(times.get(), 2);
}

fn origin() -> Origin {
    Origin::new("crm", Kind::OptOut, Scope::Commercial)
}

#[test]
fn an_address_is_found_by_its_digests_under_every_key() {
    let mut facts = Facts(Vec::new());
    let mut add = |key, whom: &str| {
        facts.add(&hasher(key), whom, Kind::OptOut, Scope::Commercial, FRIDAY);
    };
    add(1, "md5 lower: old@example.com");
    add(2, "md5 lower: new@example.com");
    add(2, "sha512 as-is behind=706570: Case@Example.com");
    add(1, "sha1 lower: @all.example");
    let lists = facts.lists(KeyRing::new(hasher(2), vec![hasher(1)]), None);
    for address in [
        "old@example.com",
        "New@EXAMPLE.com",
        "new+tag@example.com",
        "Case@Example.com",
        "anybody@all.example",
        // Of a digest nobody can tell that it is a domain's.
        "postmaster@all.example",
    ] {
        assert!(is_suppressed(&lists, address), "{address}");
    }
    for address in ["other@example.com", "CASE@example.com", "anybody@not.all.example"] {
        assert!(!is_suppressed(&lists, address), "{address}");
    }
    // What it says is decided as ever, and who was found by a digest is told apart.
    let found = ask(&lists, "old@example.com", &Stream::default(), FRIDAY);
    let Lookup::Suppressed(found) = found else { panic!() };
    assert!(matches!(found.subject, Subject::Hashed(_)));
    let receipts = Stream::new("receipts", StreamClass::Transactional);
    assert_eq!(ask(&lists, "old@example.com", &receipts, FRIDAY), Lookup::Clear);
}

#[test]
fn a_consent_ends_what_a_list_of_digests_says() {
    let mut facts = Facts(Vec::new());
    let (list, consent) = ("md5 lower: a@example.com", "2026-11-21");
    facts.add(&hasher(1), list, Kind::OptOut, Scope::Commercial, FRIDAY);
    facts.add(&hasher(1), "a@example.com", Kind::Consent, Scope::Commercial, consent);
    let lists = facts.lists(hasher(1), None);
    assert!(!is_suppressed(&lists, "a@example.com"));
    assert!(is_suppressed(&lists, "a+x@example.com"));
}

#[test]
fn a_key_that_came_between_the_two_questions_is_asked_for() {
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(2), "new@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    let lists = facts.lists(hasher(1), None);
    let address = canonical("new@example.com");
    let keys = lists.keys(&address);
    lists.keys.replace(KeyRing::new(hasher(2), vec![hasher(1)]));
    let (stream, today) = (Stream::default(), day(FRIDAY));
    let inquiry = Inquiry {
        written: address.exact(),
        address: &address,
        keys: &keys,
        streams: &[&stream],
        today,
    };
    let LookUp::Now(answers) = lists.look_up(&inquiry) else { panic!() };
    assert!(matches!(answers.as_slice(), [Lookup::Suppressed(_)]));
}

#[test]
fn a_whole_domain_is_caught_but_for_its_role_addresses() {
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "@example.com", Kind::OptOut, Scope::All, FRIDAY);
    facts.add(&hasher(1), "abuse@other.example", Kind::OptOut, Scope::All, FRIDAY);
    let lists = facts.lists(hasher(1), None);
    assert!(is_suppressed(&lists, "anybody@EXAMPLE.com"));
    for role in ["postmaster", "abuse", "Abuse", "abuse+x", "POSTMASTER"] {
        assert!(!is_suppressed(&lists, &format!("{role}@example.com")), "{role}");
    }
    assert!(is_suppressed(&lists, "abuser@example.com"));
    assert!(!is_suppressed(&lists, "anybody@sub.example.com"));
    // An entry about the role address itself is about it.
    assert!(is_suppressed(&lists, "abuse@other.example"));
}

#[test]
fn grace_ends_with_its_last_day_and_is_for_opt_outs_only() {
    let grace = Grace { business_days: 10, calendar: Calendar::Weekdays };
    let mut facts = Facts(Vec::new());
    facts.add(&hasher(1), "a@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    facts.add(&hasher(1), "c@example.com", Kind::Complaint, Scope::Commercial, FRIDAY);
    let lists = facts.lists(hasher(1), Some(grace));
    let stream = Stream::default();
    let last = ask(&lists, "a@example.com", &stream, "2026-12-04");
    assert!(matches!(last, Lookup::InGrace(_, until) if until == day("2026-12-04")), "{last:?}");
    assert!(matches!(ask(&lists, "a@example.com", &stream, "2026-12-05"), Lookup::Suppressed(_)));
    assert!(matches!(ask(&lists, "c@example.com", &stream, FRIDAY), Lookup::Suppressed(_)));
    // A list that nobody has read may hold a complaint: grace is no yes then.
    lists.states.unknown_of(
        "crm",
        &[Origin::new("crm", Kind::Complaint, Scope::Commercial)],
        "too old",
    );
    assert!(matches!(ask(&lists, "a@example.com", &stream, FRIDAY), Lookup::Unknown(_)));
}

#[test]
fn streams_are_answered_each_for_itself() {
    let mut facts = Facts(Vec::new());
    let news = || Scope::Named("news".to_owned());
    facts.add(&hasher(1), "a@example.com", Kind::OptOut, Scope::Commercial, FRIDAY);
    facts.add(&hasher(1), "a@example.com", Kind::Consent, news(), "2026-11-21");
    let lists = facts.lists(hasher(1), None);
    let named = |name: &str| Stream {
        scopes: vec![name.to_owned()],
        ..Stream::new(name, StreamClass::Commercial)
    };
    let opt_in = Stream { permission: Permission::OptIn, ..named("spring") };
    let (transactional, news) = (Stream::new("t", StreamClass::Transactional), named("NEWS"));
    let address = canonical("a@example.com");
    let keys = lists.keys(&address);
    let rest = Stream::default();
    let streams = [&transactional, &news, &rest, &opt_in];
    let today = day("2026-11-22");
    let asked = Inquiry {
        written: address.exact(),
        address: &address,
        keys: &keys,
        streams: &streams,
        today,
    };
    let LookUp::Now(answers) = lists.look_up(&asked) else { panic!() };
    let permitted: Vec<_> = answers.iter().map(|a| matches!(a, Lookup::Clear)).collect();
    assert_eq!(permitted, [true, true, false, false]);
    // Consents are about the address as written, not the person.
    assert!(matches!(ask(&lists, "a+x@example.com", &news, "2026-11-22"), Lookup::Suppressed(_)));
    // Who never agreed is not mailed; a list of consents that was never read makes it a doubt.
    let nobody = || ask(&lists, "b@example.com", &opt_in, "2026-11-22");
    assert_eq!(nobody(), Lookup::NoConsent);
    let consents = Origin::new("agreed", Kind::Consent, Scope::Commercial);
    lists.states.unknown_of("agreed", &[consents], "it was never loaded");
    assert!(matches!(nobody(), Lookup::Unknown(why) if why.starts_with("list agreed:")));
    assert_eq!(ask(&lists, "b@example.com", &rest, "2026-11-22"), Lookup::Clear);
}
