//! Which stream a message is on: the first rule that fits, the default behind them all.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::sync::Arc;

use address::{Canonical, ForwardPath, PersonRules, ReversePath};
use policy::{
    Action, Carried, Circumstances, HeaderFields, Inquiry, Lists, LookUp, Lookup, OptOutGate,
    Reason, Ruling, StreamRule, Streams, Verdict,
};
use proptest::prelude::*;
use suppression::{
    AddressKeys, Day, Digest, Kind, Permission, Scope, Stream, StreamClass, Subject, Suppression,
};

fn rule(name: &str) -> StreamRule {
    let stream = Stream::new(name, StreamClass::Commercial);
    StreamRule { stream, ..StreamRule::default() }
}

/// What a message is, for the tests: every part from a handful.
#[derive(Debug, Clone)]
struct Message {
    listener: &'static str,
    login: Option<&'static str>,
    client: &'static str,
    sender: &'static str,
    solicit: Option<&'static str>,
    header: Vec<(&'static str, &'static str)>,
}

impl Message {
    fn plain() -> Self {
        Self {
            listener: "192.0.2.1:25",
            login: None,
            client: "10.0.0.1",
            sender: "<a@corp.example>",
            solicit: None,
            header: Vec::new(),
        }
    }

    /// The names of the streams possible at MAIL, and the one decided by the header.
    fn through(&self, streams: &Streams) -> (Vec<String>, String) {
        let sender = ReversePath::parse(self.sender).unwrap();
        let possible = streams.possible(&Circumstances {
            listener: self.listener.parse().unwrap(),
            login: self.login,
            client: self.client.parse().unwrap(),
            sender: &sender,
            solicit: self.solicit,
        });
        let mut fields = HeaderFields::default();
        for (name, value) in &self.header {
            let place = streams.wanted_fields().iter().position(|one| one.is(name.as_bytes()));
            if let Some(place) = place {
                fields.add(place, (*value).to_owned());
            }
        }
        let name = |id| streams.get(id).name.to_string();
        let decided = streams.resolve(&possible, &fields);
        (possible.iter().map(name).collect(), name(decided))
    }

    fn decided(&self, rules: Vec<StreamRule>) -> String {
        self.through(&Streams::new(rules)).1
    }
}

#[test]
fn without_rules_everything_is_the_default() {
    let (possible, decided) = Message::plain().through(&Streams::default());
    assert_eq!((possible, decided), (vec!["default".to_owned()], "default".to_owned()));
    assert!(Streams::default().wanted_fields().is_empty());
    assert!(!Streams::default().ask_for_solicit());
}

#[test]
fn each_condition_is_a_list_of_which_any_may_fit() {
    let set = |set: fn(&mut StreamRule)| {
        let mut one = rule("x");
        set(&mut one);
        vec![one]
    };
    let plain = Message::plain;
    let header = |name, value| Message { header: vec![(name, value)], ..plain() };
    type Row = (fn(&mut StreamRule), Message, Message);
    let rows: [Row; 7] = [
        (
            |r| r.listener = ["192.0.2.9:25", "192.0.2.1:25"].map(|a| a.parse().unwrap()).into(),
            plain(),
            Message { listener: "192.0.2.1:587", ..plain() },
        ),
        (
            |r| r.login = ["shop", "erp-*"].map(|p| p.parse().unwrap()).into(),
            Message { login: Some("ERP-7"), ..plain() },
            plain(),
        ),
        (
            |r| r.client = ["2001:db8::/32", "10.0.0.0/24"].map(|n| n.parse().unwrap()).into(),
            Message { client: "::ffff:10.0.0.7", ..plain() },
            Message { client: "10.0.1.7", ..plain() },
        ),
        (
            |r| r.sender = ["<>", "@corp.example"].map(|p| p.parse().unwrap()).into(),
            Message { sender: "<>", ..plain() },
            Message { sender: "<a@x.corp.example>", ..plain() },
        ),
        (
            |r| r.solicit = ["org.example:ADV", "net.example:*"].map(|p| p.parse().unwrap()).into(),
            Message { solicit: Some("a:b,NET.example:ADV:ADLT"), ..plain() },
            // Standards A-T5: no hierarchy.
            Message { solicit: Some("org.example:ADV:ADLT"), ..plain() },
        ),
        (
            |r| {
                let any = ["x*", "*<news.corp.example>"].map(|p| p.parse().unwrap()).into();
                r.header = vec![("List-Id".parse().unwrap(), any)];
            },
            header("list-id", "News of the day <news.corp.example>"),
            header("X-List-Id", "<news.corp.example>"),
        ),
        (
            |r| {
                let any = || vec!["*".parse().unwrap()];
                r.header = vec![("A".parse().unwrap(), any()), ("B".parse().unwrap(), any())];
            },
            Message { header: vec![("A", ""), ("C", "x"), ("B", "y")], ..plain() },
            Message { header: vec![("A", "x"), ("C", "y")], ..plain() },
        ),
    ];
    for (condition, fits, not) in rows {
        assert_eq!(fits.decided(set(condition)), "x", "{fits:?}");
        assert_eq!(not.decided(set(condition)), "default", "{not:?}");
    }
}

#[test]
fn a_rule_without_conditions_hides_those_behind_it() {
    let mut ads = rule("ads");
    ads.header = vec![("X".parse().unwrap(), vec!["*".parse().unwrap()])];
    let streams = Streams::new(vec![ads, rule("all"), rule("never")]);
    let (possible, decided) = Message::plain().through(&streams);
    assert_eq!(possible, ["ads", "all"]);
    assert_eq!(decided, "all");
}

/// Nobody can tell which of them counts, so the laxer reading does not win.
#[test]
fn a_field_that_is_there_several_times_fits_each_time_or_once_where_consent_is_needed() {
    let ask = |permission| {
        let mut news = rule("news");
        news.stream.permission = permission;
        news.header = vec![("List-Id".parse().unwrap(), vec!["news".parse().unwrap()])];
        news
    };
    let mixed = vec![("List-Id", "other"), ("List-Id", "NEWS"), ("List-Id", "third")];
    let twice = vec![("List-Id", "news"), ("List-Id", "NEWS")];
    for (permission, header, decided) in [
        (Permission::OptOut, &mixed, "default"),
        (Permission::OptIn, &mixed, "news"),
        (Permission::OptOut, &twice, "news"),
        (Permission::OptIn, &twice, "news"),
    ] {
        let message = Message { header: header.clone(), ..Message::plain() };
        assert_eq!(message.decided(vec![ask(permission)]), decided, "{permission:?} {header:?}");
    }
}

#[test]
fn two_rules_that_ask_for_one_field_share_it() {
    let ask = |name, field: &str, pattern: &str| {
        let mut one = rule(name);
        one.header = vec![(field.parse().unwrap(), vec![pattern.parse().unwrap()])];
        one
    };
    let streams = Streams::new(vec![ask("a", "List-Id", "a"), ask("b", "LIST-ID", "b")]);
    assert_eq!(streams.wanted_fields().len(), 1);
    let b = Message { header: vec![("list-id", "b")], ..Message::plain() };
    let (possible, decided) = b.through(&streams);
    assert_eq!(possible, ["a", "b", "default"]);
    assert_eq!(decided, "b");
}

const LISTENERS: [&str; 2] = ["192.0.2.1:25", "192.0.2.1:587"];
const LOGINS: [&str; 2] = ["shop", "erp"];
const CLIENTS: [&str; 3] = ["10.0.0.1", "10.1.0.1", "2001:db8::1"];
const SENDERS: [&str; 3] = ["<>", "<a@corp.example>", "<b@news.example>"];
const SOLICITS: [&str; 2] = ["a:b", "a:b,c:d"];
const FIELDS: [&str; 2] = ["List-Id", "X-Kind"];
const VALUES: [&str; 3] = ["x", "receipt", "receipt 7"];

fn message() -> impl Strategy<Value = Message> {
    let header = prop::collection::vec(
        (prop::sample::select(&FIELDS[..]), prop::sample::select(&VALUES[..])),
        0..4,
    );
    (
        prop::sample::select(&LISTENERS[..]),
        prop::option::of(prop::sample::select(&LOGINS[..])),
        prop::sample::select(&CLIENTS[..]),
        prop::sample::select(&SENDERS[..]),
        prop::option::of(prop::sample::select(&SOLICITS[..])),
        header,
    )
        .prop_map(|(listener, login, client, sender, solicit, header)| Message {
            listener,
            login,
            client,
            sender,
            solicit,
            header,
        })
}

fn some<T: Clone + std::fmt::Debug + 'static>(of: &'static [T]) -> impl Strategy<Value = Vec<T>> {
    prop_oneof![3 => Just(Vec::new()), 1 => prop::sample::subsequence(of, 1..=of.len())]
}

/// A rule in words, so that the model below reads it by itself.
#[derive(Debug, Clone)]
struct Words {
    listener: Vec<&'static str>,
    login: Vec<&'static str>,
    client: Vec<&'static str>,
    sender: Vec<&'static str>,
    solicit: Vec<&'static str>,
    header: Vec<(&'static str, Vec<&'static str>)>,
    opt_in: bool,
}

fn words() -> impl Strategy<Value = Words> {
    let asked = (
        prop::sample::select(&FIELDS[..]),
        prop::sample::subsequence(&VALUES[..], 1..=VALUES.len()),
    );
    let header = prop_oneof![1 => Just(Vec::new()), 2 => prop::collection::vec(asked, 1..3)];
    let clients = (some(&LISTENERS), some(&LOGINS), some(&CLIENTS));
    (clients, some(&SENDERS), some(&["a:b", "c:d"]), header, any::<bool>()).prop_map(
        |((listener, login, client), sender, solicit, header, opt_in)| Words {
            listener,
            login,
            client,
            sender,
            solicit,
            header,
            opt_in,
        },
    )
}

impl Words {
    fn rule(&self, name: &str) -> StreamRule {
        let patterns = |words: &[&str]| words.iter().map(|word| word.parse().unwrap()).collect();
        let permission = if self.opt_in { Permission::OptIn } else { Permission::OptOut };
        StreamRule {
            stream: Stream { permission, ..Stream::new(name, StreamClass::Commercial) },
            listener: self.listener.iter().map(|one| one.parse().unwrap()).collect(),
            login: patterns(&self.login),
            client: self
                .client
                .iter()
                .map(|one| one.parse::<std::net::IpAddr>().unwrap().into())
                .collect(),
            sender: self.sender.iter().map(|one| one.parse().unwrap()).collect(),
            solicit: patterns(&self.solicit),
            header: self
                .header
                .iter()
                .map(|(name, any)| (name.parse().unwrap(), patterns(any)))
                .collect(),
        }
    }

    fn fits_envelope(&self, message: &Message) -> bool {
        let one = |list: &[&str], word: Option<&str>| {
            list.is_empty() || word.is_some_and(|word| list.contains(&word))
        };
        one(&self.listener, Some(message.listener))
            && one(&self.login, message.login)
            && one(&self.client, Some(message.client))
            && one(&self.sender, Some(message.sender))
            && (self.solicit.is_empty()
                || message
                    .solicit
                    .is_some_and(|all| all.split(',').any(|class| self.solicit.contains(&class))))
    }

    fn fits_header(&self, message: &Message) -> bool {
        self.header.iter().all(|(name, any)| {
            let there = message.header.iter().filter(|(field, _)| field == name);
            let fitting = there.clone().filter(|(_, value)| any.contains(value)).count();
            fitting > 0 && (self.opt_in || fitting == there.count())
        })
    }
}

proptest! {
    #[test]
    fn the_first_rule_that_fits_wins_and_is_among_the_possible(
        words in prop::collection::vec(words(), 0..5),
        message in message(),
    ) {
        let rules = words.iter().enumerate().map(|(at, one)| one.rule(&at.to_string())).collect();
        let streams = Streams::new(rules);
        let (possible, decided) = message.through(&streams);
        let first = words
            .iter()
            .position(|one| one.fits_envelope(&message) && one.fits_header(&message));
        let expected = first.map_or("default".to_owned(), |at| at.to_string());
        prop_assert_eq!(&decided, &expected);
        prop_assert!(possible.contains(&decided));
        // In the order of the rules, the default last if it is there at all.
        let place = |name: &String| name.parse::<usize>().unwrap_or(usize::MAX);
        prop_assert!(possible.is_sorted_by_key(place));
        // Only a rule that asks for a header leaves anything open.
        let open = |at: &usize| {
            let one = &words[*at];
            one.fits_envelope(&message) && !one.header.is_empty()
        };
        if !(0..words.len()).any(|at| open(&at)) {
            prop_assert_eq!(possible.len(), 1);
        }
    }
}

/// Says one thing for each stream, by its name.
struct Says(Vec<(&'static str, Lookup)>);

impl Lists for Says {
    fn login_key(&self, _: &str) -> Digest {
        Digest([3; 32])
    }

    fn keys(&self, _: &Canonical) -> AddressKeys {
        AddressKeys { exact: Digest([1; 32]), person: Digest([2; 32]) }
    }

    fn look_up(&self, inquiry: &Inquiry<'_>) -> LookUp {
        let said = |stream: &&Stream| {
            let found = self.0.iter().find(|(name, _)| *name == &*stream.name);
            found.map(|(_, said)| said.clone())
        };
        LookUp::Now(inquiry.streams.iter().filter_map(said).collect())
    }

    fn epoch(&self) -> u64 {
        1
    }
}

fn entry(scope: Scope, subject: Subject) -> Suppression {
    Suppression {
        source: "crm.csv".to_owned(),
        kind: Kind::OptOut,
        scope,
        since: Day::from_number(20_514),
        subject,
        position: 9,
    }
}

fn listed() -> Lookup {
    Lookup::Suppressed(entry(Scope::Commercial, Subject::Address))
}

fn judge(says: Vec<(&'static str, Lookup)>, action: Action, path: &str) -> policy::Decision {
    let mut receipts = rule("receipts");
    receipts.header = vec![("X-Kind".parse().unwrap(), vec!["receipt*".parse().unwrap()])];
    let streams = Arc::new(Streams::new(vec![receipts]));
    let sender = ReversePath::Null;
    let possible = streams.possible(&Circumstances {
        listener: "192.0.2.1:25".parse().unwrap(),
        login: None,
        client: "10.0.0.1".parse().unwrap(),
        sender: &sender,
        solicit: None,
    });
    let own = vec!["corp.example".to_owned()];
    let gate = OptOutGate::new(Arc::new(Says(says)), PersonRules::default(), own, streams);
    let path = ForwardPath::parse(path).unwrap();
    match gate.judge(path, action, &possible, Carried::Unknown, Day::from_number(20_600)) {
        Ruling::Decided(decision) => decision,
        Ruling::Ask(asked) => panic!("asked: {asked:?}"),
    }
}

/// The second table of the gate, row by row.
#[test]
fn what_several_streams_say_together() {
    let unknown = || Lookup::Unknown("crm".to_owned());
    let grace =
        || Lookup::InGrace(entry(Scope::Commercial, Subject::Address), Day::from_number(20_700));
    let rows = [
        (Lookup::Clear, Lookup::Clear, "permit", "permit", "permit"),
        (Lookup::Clear, grace(), "permit", "permit", "permit"),
        (listed(), listed(), "refuse", "drop", "shadow"),
        (listed(), Lookup::NoConsent, "refuse", "drop", "shadow"),
        (listed(), unknown(), "defer", "defer", "shadow"),
        (unknown(), unknown(), "defer", "defer", "shadow"),
        (Lookup::Clear, listed(), "provisional", "provisional", "shadow"),
        (listed(), Lookup::Clear, "provisional", "provisional", "shadow"),
        (unknown(), Lookup::Clear, "provisional", "provisional", "shadow"),
        (grace(), Lookup::NoConsent, "provisional", "provisional", "shadow"),
    ];
    for (receipts, default, refuse, drop, shadow) in rows {
        let columns = [(Action::Refuse, refuse), (Action::Drop, drop), (Action::Shadow, shadow)];
        for (action, expected) in columns {
            let says = vec![("receipts", receipts.clone()), ("default", default.clone())];
            let decision = judge(says, action, "<bob@there.example>");
            let word = match &decision.verdict {
                Verdict::Permit(cleared, _) if cleared.is_shadowed() => "shadow",
                Verdict::Permit(..) => "permit",
                Verdict::Provisional(_) => "provisional",
                Verdict::Refuse(..) => "refuse",
                Verdict::Defer(..) => "defer",
                Verdict::Drop(..) => "drop",
            };
            assert_eq!(word, expected, "{receipts:?} {default:?} {action:?}");
            let refuses = |said: &Lookup| matches!(said, Lookup::Suppressed(_) | Lookup::NoConsent);
            let count = usize::from(refuses(&receipts)) + usize::from(refuses(&default));
            assert_eq!(decision.facts.refusing.len(), count);
        }
    }
}

#[test]
fn grace_says_until_when() {
    let until = Day::from_number(20_700);
    let grace = Lookup::InGrace(entry(Scope::Commercial, Subject::Address), until);
    let says = vec![("receipts", Lookup::Clear), ("default", grace)];
    let Verdict::Permit(_, Some(Reason::InGrace(entry, day))) =
        judge(says, Action::Refuse, "<bob@there.example>").verdict
    else {
        panic!("not in grace");
    };
    assert_eq!((day, entry.position), (until, 9));
}

#[test]
fn an_answer_that_is_missing_is_no_permission() {
    let says = vec![("receipts", Lookup::Clear)];
    let decision = judge(says, Action::Refuse, "<bob@there.example>");
    assert!(matches!(decision.verdict, Verdict::Provisional(_)), "{decision:?}");
    let decision = judge(Vec::new(), Action::Refuse, "<bob@there.example>");
    assert!(matches!(decision.verdict, Verdict::Defer(..)), "{decision:?}");
}

#[test]
fn postmaster_passes_on_every_stream() {
    for path in ["<postmaster>", "<Postmaster@corp.example>"] {
        let says = vec![("receipts", Lookup::NoConsent), ("default", listed())];
        let decision = judge(says, Action::Refuse, path);
        assert!(matches!(decision.verdict, Verdict::Permit(_, None)), "{path}");
    }
}

#[test]
fn a_provisional_recipient_is_cleared_by_the_stream_that_permits_it_and_no_other() {
    let settle = |receipts, default, name: &str| {
        let says = vec![("receipts", receipts), ("default", default)];
        let decision = judge(says, Action::Refuse, "<bob@there.example>");
        let Verdict::Provisional(provisional) = decision.verdict else { panic!("{decision:?}") };
        let streams = Streams::new(vec![rule("receipts"), rule("behind"), rule("one more")]);
        // Ids are places, so these fit: receipts is 0, the default of the gate is 1.
        let at = match name {
            "receipts" => "receipts",
            "default" => "behind",
            _ => "one more",
        };
        let stream = streams.named(at).unwrap().only().unwrap();
        provisional.settle(stream, "").map(|cleared| cleared.path().to_string())
    };
    let bob = || "<bob@there.example>".to_owned();
    assert_eq!(settle(Lookup::Clear, listed(), "receipts"), Ok(bob()));
    let refused = settle(Lookup::Clear, listed(), "default").unwrap_err();
    assert!(refused.permanent && matches!(refused.reason, Reason::Suppressed(_)));
    assert_eq!(refused.path.to_string(), bob());
    let unknown = Lookup::Unknown("crm".to_owned());
    let deferred = settle(unknown, Lookup::Clear, "receipts").unwrap_err();
    assert!(!deferred.permanent);
    let stranger = settle(Lookup::Clear, listed(), "a stream nobody asked about").unwrap_err();
    assert!(!stranger.permanent && matches!(stranger.reason, Reason::Unknown(_)));
}

#[test]
fn recipients_agree_when_every_stream_says_the_same_of_them() {
    let provisional = |receipts, default| {
        let says = vec![("receipts", receipts), ("default", default)];
        match judge(says, Action::Refuse, "<bob@there.example>").verdict {
            Verdict::Provisional(provisional) => provisional,
            other => panic!("{other:?}"),
        }
    };
    let one = provisional(Lookup::Clear, listed());
    assert!(one.same_set(&provisional(Lookup::Clear, Lookup::NoConsent)));
    assert!(!one.same_set(&provisional(listed(), Lookup::Clear)));
    assert!(!one.same_set(&provisional(Lookup::Clear, Lookup::Unknown(String::new()))));
    assert_ne!(one.set(), policy::VerdictSet::default());
}

#[test]
fn the_words_say_which_list_and_whether_a_whole_domain() {
    let news = || Scope::Named("news".to_owned());
    let words = |scope, subject| Reason::Suppressed(entry(scope, subject)).to_string();
    assert_eq!(
        words(news(), Subject::Address),
        "opted out of \"news\" on 2026-03-02 (list crm.csv)"
    );
    assert_eq!(
        words(Scope::All, Subject::Domain),
        "is at a domain that opted out on 2026-03-02 (list crm.csv)"
    );
    assert_eq!(Reason::NoConsent("news".into()).to_string(), "has not agreed to get \"news\" mail");
    let long = Scope::Named("ü".repeat(200));
    assert!(words(long, Subject::Address).len() < 200, "a reply line has 512 octets");
}
