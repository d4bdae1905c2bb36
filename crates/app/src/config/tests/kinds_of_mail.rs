//! `[[stream]]`, `[enforcement]`, and what a source says.

use std::time::Duration;

use suppression::{Basis, Calendar, Grace, Kind, Permission, Scope, StreamClass};

use super::*;

/// The settings of a file that has no fault worse than a warning.
#[track_caller]
fn settings(text: &str) -> Settings {
    let loaded = loaded(&format!("{SMARTHOST}{text}"));
    assert!(!loaded.report.is_fatal(), "{}", loaded.report.render(false));
    loaded.settings.unwrap()
}

/// Every message, in one text.
fn words(text: &str) -> String {
    faults(text).into_iter().map(|f| format!("{}: {}", f.line.unwrap(), f.message)).collect()
}

#[test]
fn a_stream_says_what_it_is_and_when_it_is_meant() {
    let settings = settings(
        "[[listener]]\naddress = \"127.0.0.1:2525\"\nmixed = \"refuse\"\n\
         [[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nlistener = [\"127.0.0.1:2525\"]\n\
         client = [\"10.1.0.0/16\"]\nsender = [\"<>\", \"@erp.corp.example\"]\n\
         [[stream]]\nname = \"spring\"\nscopes = [\"Spring offers\"]\npermission = \"opt-in\"\n\
         solicit = [\"org.example:ADV\"]\nheader = { List-Id = [\"*spring*\"], \"X-Kind\" = [\"promo\"] }\n",
    );
    assert_eq!(settings.listeners[0].mixed, Mixed::Refuse);
    let [receipts, spring] = &settings.streams[..] else { panic!("{:?}", settings.streams) };
    assert_eq!(&*receipts.stream.name, "receipts");
    assert_eq!(receipts.stream.class, StreamClass::Transactional);
    assert_eq!(receipts.listener, ["127.0.0.1:2525".parse().unwrap()]);
    assert_eq!(receipts.client, ["10.1.0.0/16".parse().unwrap()]);
    let shown: Vec<_> = receipts.sender.iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["<>", "@erp.corp.example"]);
    assert!(receipts.header.is_empty() && receipts.solicit.is_empty());
    assert_eq!(spring.stream.scopes, ["Spring offers"]);
    assert_eq!(spring.stream.permission, Permission::OptIn);
    assert!(spring.solicit[0].matches("org.example:ADV"));
    let (name, patterns) = &spring.header[0];
    assert_eq!(name.as_str(), "List-Id");
    assert!(patterns[0].matches("Spring <x.spring.corp.example>"));
    assert_eq!(spring.header.len(), 2);
    let none = loaded(SMARTHOST).settings.unwrap();
    assert!(none.streams.is_empty() && none.listeners[0].mixed == Mixed::Defer);
}

#[test]
fn transactional_mail_has_no_scopes() {
    one_fault(
        "[[stream]]\nname = \"a\"\nclass = \"transactional\"\nscopes = [\"news\"]\nsender = [\"<>\"]\n",
        (4, 10),
        "[\"news\"]",
        "a transactional stream has no scopes",
        "class = \"commercial\"",
    );
}

#[test]
fn two_streams_of_one_name_show_both_places() {
    let text = "[[stream]]\nname = \"a\"\nsender = [\"<>\"]\n[[stream]]\nname = \"A\"\n";
    one_fault(text, (5, 8), "\"A\"", "two streams are named \"A\"", "its own");
    let shown = loaded(&format!("{SMARTHOST}{text}")).report.render(false);
    assert!(shown.contains("the first is here"), "{shown}");
    one_fault("[[stream]]\nname = \"Default\"\n", (2, 8), "\"Default\"", "no stream takes", "rest");
}

#[test]
fn a_stream_behind_one_that_takes_everything_is_told() {
    let text = "[[stream]]\nname = \"rest\"\n[[stream]]\nname = \"news\"\nsender = [\"<>\"]\n";
    one_fault(text, (3, 1), "[[stream]]", "no mail can ever be on this stream", "last");
    let shown = loaded(&format!("{SMARTHOST}{text}")).report.render(false);
    assert!(shown.contains("takes everything"), "{shown}");
    // A condition that is mistyped was not left out.
    let text = "[[stream]]\nname = \"a\"\nsender = [\"corp.example\"]\n[[stream]]\nname = \"b\"\n";
    assert_eq!(faults(text).len(), 1, "{:?}", faults(text));
}

#[test]
fn a_login_that_nobody_has_is_a_warning() {
    let text = "[[stream]]\nname = \"a\"\nlogin = [\"erp\"]\n";
    one_fault(text, (3, 9), "[\"erp\"]", "no listener offers AUTH", "client");
    assert!(settings(text).streams[0].login[0].matches("ERP"));
}

#[test]
fn a_rule_for_a_listener_that_is_not_there_is_told_which_are() {
    one_fault(
        "[[stream]]\nname = \"a\"\nlistener = [\"127.0.0.1:25\"]\n",
        (3, 13),
        "\"127.0.0.1:25\"",
        "no [[listener]] is on 127.0.0.1:25",
        "there is: 127.0.0.1:2525",
    );
}

#[test]
fn an_empty_condition_is_not_taken_for_none() {
    for key in ["sender", "login", "solicit", "listener", "client"] {
        let found = faults(&format!("[[stream]]\nname = \"a\"\n{key} = []\n"));
        assert!(
            found.iter().any(|f| f.message.contains("nobody would match")
                || f.message.contains("nothing would match")),
            "{key}: {found:#?}"
        );
    }
    assert!(words("[[stream]]\nname = \"a\"\nheader = {}\n").contains("names no field"));
    assert!(
        words("[[stream]]\nname = \"a\"\nheader = { List-Id = [] }\n").contains("nothing would")
    );
}

#[test]
fn patterns_that_can_match_nothing_are_told_with_their_place() {
    for (key, value, why) in [
        ("sender", "corp.example", "no pattern of a sender"),
        ("sender", "News <news@corp.example>", "a domain that cannot be one"),
        ("sender", "news@corp example", "a domain that cannot be one"),
        ("sender", "@", "a domain that cannot be one"),
        ("sender", "", "no pattern of a sender"),
        ("solicit", "1:ADV", "is no keyword"),
        ("solicit", "org.example ADV", "is no keyword"),
        ("login", "", "is empty"),
    ] {
        let text = format!("[[stream]]\nname = \"a\"\n{key} = [\"{value}\"]\n");
        let found = faults(&text);
        assert!(found.iter().any(|f| f.message.contains(why) && f.line == Some(3)), "{found:#?}");
    }
    one_fault(
        "[[stream]]\nname = \"a\"\nheader = { \"List Id\" = [\"*\"] }\n",
        (3, 12),
        "\"List Id\"",
        "cannot be the name of a header field",
        "List-Id",
    );
    let twice = words("[[stream]]\nname = \"a\"\nheader = { a = [\"x\"], A = [\"y\"] }\n");
    assert!(twice.contains("there already"), "{twice}");
    for good in ["news@corp.example", "@corp.example", "*@*.corp.example", "<>", "*", "b*@x.y"] {
        let text = format!("[[stream]]\nname = \"a\"\nsender = [\"{good}\"]\n");
        assert_eq!(faults(&text).is_empty(), good != "*", "{good}: {:?}", faults(&text));
    }
}

#[test]
fn scopes_of_a_stream_are_names_of_lists() {
    let scopes = |value: &str| words(&format!("[[stream]]\nname = \"a\"\nscopes = {value}\n"));
    assert!(scopes("[\"all\"]").contains("\"all\" is no name of a list"));
    assert!(scopes("[\"news\", \"NEWS\"]").contains("there already"));
    assert!(scopes("[\"\"]").contains("no name of a list"));
    assert!(scopes("\"news\"").contains("expected a list of names"));
}

#[test]
fn grace_is_at_once_or_what_the_law_allows() {
    let grace = |text: &str| settings(&format!("[enforcement]\n{text}")).enforcement;
    assert_eq!(grace("").grace, None);
    assert_eq!(grace("grace = \"at once\"\n").grace, None);
    let ten = grace("grace = \"10 business days\"\ncalendar = \"us-federal\"\n");
    assert_eq!(ten.grace, Some(Grace { business_days: 10, calendar: Calendar::UsFederal }));
    assert_eq!(ten.calendar, Calendar::UsFederal);
    let one = grace("grace = \"1 business day\"\n").grace;
    assert_eq!(one, Some(Grace { business_days: 1, calendar: Calendar::Weekdays }));
    for (value, why) in [
        ("11 business days", "10 business days at most"),
        ("0 business days", "\"at once\""),
        ("10 days", "a number of business days"),
        ("soon", "a number of business days"),
    ] {
        let text = format!("[enforcement]\ngrace = \"{value}\"\n");
        one_fault(&text, (2, 9), &format!("\"{value}\""), why, "\"10 business days\"");
    }
}

#[test]
fn evidence_is_rotated_and_synced_as_told() {
    let default = settings("").evidence;
    assert_eq!(default.sync, EvidenceSync::System);
    assert_eq!((default.rotate_size, default.rotate_age), (Some(256 << 20), None));
    let told =
        settings("[evidence]\nsync = \"always\"\nrotate_size = \"never\"\nrotate_age = \"7d\"\n")
            .evidence;
    assert_eq!(told.sync, EvidenceSync::Always);
    let week = Duration::from_secs(7 * 86_400);
    assert_eq!((told.rotate_size, told.rotate_age), (None, Some(week)));
    one_fault("[evidence]\nrotate_size = \"1KiB\"\n", (2, 15), "\"1KiB\"", "at least 4 KiB", "");
    let text = "[evidence]\npath = \"stdout\"\nrotate_age = \"7d\"\n";
    one_fault(text, (3, 14), "\"7d\"", "no meaning for standard output", "");
}

fn source(keys: &str) -> String {
    format!("[[source]]\nname = \"s\"\ncsv = \"s.csv\"\n{keys}")
}

#[test]
fn a_source_says_what_its_rows_are() {
    let found = |keys: &str| settings(&source(keys)).sources.remove(0);
    let bounces = found("kind = \"undeliverable\"\nscope = \"all\"\n");
    assert_eq!((bounces.kind(), bounces.scope), (Kind::Undeliverable, Scope::All));
    assert_eq!(bounces.expire_after, Some(Duration::from_secs(90 * 86_400)));
    let keep = found("kind = \"undeliverable\"\nexpire_after = \"never\"\n");
    assert_eq!(keep.expire_after, None);
    let week = found("kind = \"undeliverable\"\nexpire_after = \"7d\"\n");
    assert_eq!(week.expire_after, Some(Duration::from_secs(7 * 86_400)));
    let consents = found("kind = \"consent\"\nscope = \"Spring offers\"\nbasis = \"purchase\"\n");
    assert_eq!((consents.kind(), consents.basis), (Kind::Consent, Basis::Purchase));
    assert_eq!(consents.scope, Scope::Named("Spring offers".to_owned()));
    assert_eq!(found("kind = \"consent\"\n").basis, Basis::Express);
    let plain = found("");
    assert_eq!((plain.kind(), plain.scope), (Kind::OptOut, Scope::Commercial));
    // An export that is recognised may have bounces in it.
    assert_eq!(plain.expire_after, Some(Duration::from_secs(90 * 86_400)));
}

#[test]
fn keys_that_go_with_another_kind_are_told() {
    let words = |keys: &str| words(&source(keys));
    let basis = words("kind = \"complaint\"\nbasis = \"express\"\n");
    assert!(basis.contains("5: `basis` has no meaning for kind \"complaint\""), "{basis}");
    let expire = words("kind = \"opt-out\"\nexpire_after = \"90d\"\n");
    assert!(expire.contains("kind \"opt-out\" does not expire"), "{expire}");
    let consent = words("kind = \"consent\"\nexpire_after = \"90d\"\nallow_subscribed = true\n");
    assert!(consent.contains("kind \"consent\" does not expire"), "{consent}");
    assert!(consent.contains("`allow_subscribed` has no meaning"), "{consent}");
    let withdrawn = words("kind = \"withdrawn\"\n");
    assert!(withdrawn.contains("\"withdrawn\" is not a kind of entry"), "{withdrawn}");
}

/// Which stream a message with this envelope is on, by the rules of a file.
mod conditions {
    use address::ReversePath;
    use policy::Circumstances;

    use super::*;

    /// Asks for the usual envelope, changed.
    fn on<'a>(condition: &str, change: impl FnOnce(&mut Circumstances<'a>)) -> String {
        let text = format!(
            "[[listener]]\naddress = \"127.0.0.1:2525\"\n[[listener]]\naddress = \"127.0.0.1:2526\"\n\
             [[stream]]\nname = \"it\"\n{condition}\n"
        );
        let rules = settings(&text).stream_rules();
        let sender: &'static ReversePath =
            Box::leak(Box::new(ReversePath::parse("<shop@corp.example>").unwrap()));
        let mut of = Circumstances {
            listener: "127.0.0.1:2525".parse().unwrap(),
            login: None,
            client: "10.1.2.3".parse().unwrap(),
            sender,
            solicit: None,
        };
        change(&mut of);
        let possible = rules.possible(&of);
        rules.get(possible.iter().next().unwrap()).name.to_string()
    }

    #[test]
    fn each_says_which_mail_is_meant() {
        let same = |_: &mut Circumstances<'_>| ();
        let listener = "listener = [\"127.0.0.1:2526\"]";
        assert_eq!(on(listener, same), "default");
        assert_eq!(on(listener, |of| of.listener.set_port(2526)), "it");
        let client = "client = [\"10.1.0.0/16\"]";
        assert_eq!(on(client, same), "it");
        assert_eq!(on(client, |of| of.client = "10.2.0.1".parse().unwrap()), "default");
        let login = "login = [\"erp-*\"]";
        assert_eq!(on(login, same), "default");
        assert_eq!(on(login, |of| of.login = Some("ERP-7")), "it");
        assert_eq!(on(login, |of| of.login = Some("shop")), "default");
        let solicit = "solicit = [\"org.example:*\"]";
        assert_eq!(on(solicit, same), "default");
        assert_eq!(on(solicit, |of| of.solicit = Some("net.x:ADV,org.example:ADV")), "it");
        let null = ReversePath::parse("<>").unwrap();
        assert_eq!(on("sender = [\"<>\"]", same), "default");
        assert_eq!(on("sender = [\"<>\"]", |of| of.sender = &null), "it");
        // All that are said must hold.
        let both = format!("{client}\n{listener}");
        assert_eq!(on(&both, same), "default");
        assert_eq!(on(&both, |of| of.listener.set_port(2526)), "it");
    }
}
