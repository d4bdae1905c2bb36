//! `[[gate]]`.

use std::time::Duration;

use policy::{AttachmentRules, ContentCheck, GateVerdict, HeaderCheck, NoticeWords};

use super::*;
use crate::config::ContentJudging;

const STREAMS: &str = "[[stream]]\nname = \"newsletter\"\nsender = [\"@news.corp.example\"]\n\
    [[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"@shop.corp.example\"]\n";

#[track_caller]
fn gate(keys: &str) -> GateSettings {
    let loaded = loaded(&format!("{SMARTHOST}{STREAMS}[[gate]]\nname = \"g\"\n{keys}\n"));
    assert!(loaded.report.is_clean(), "{}", loaded.report.render(false));
    loaded.settings.unwrap().gates.remove(0)
}

fn header_check(keys: &str) -> HeaderCheck {
    match gate(keys).check {
        GateCheck::Header(check) => check,
        GateCheck::Content(check, _) => panic!("{check:?}"),
    }
}

fn names(names: &[&str]) -> Vec<policy::FieldName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

#[test]
fn every_check_has_its_keys() {
    for (keys, expected) in [
        ("check = \"from\"", HeaderCheck::From([].into())),
        (
            "check = \"from\"\ndomains = [\"corp.example\"]",
            HeaderCheck::From(["corp.example".parse().unwrap()].into()),
        ),
        ("check = \"required\"\nfields = [\"Date\"]", HeaderCheck::Required(names(&["Date"]))),
        ("check = \"forbidden\"\nfields = [\"Bcc\"]", HeaderCheck::Forbidden(names(&["Bcc"]))),
        (
            "check = \"field\"\nfield = \"Subject\"\nregex = '(?i)lottery\\b'",
            HeaderCheck::Field("Subject".parse().unwrap(), r"(?i)lottery\b".parse().unwrap()),
        ),
        ("check = \"one-click\"", HeaderCheck::OneClick(Vec::new())),
        ("check = \"received\"\nmore_than = 25", HeaderCheck::Received(25)),
        ("check = \"subject\"", HeaderCheck::Subject),
        (
            "check = \"advertisement\"\nmarks = [\"ADV\", \"[ad]\"]",
            HeaderCheck::Advertisement(vec!["ADV".to_owned(), "[ad]".to_owned()]),
        ),
    ] {
        assert_eq!(header_check(keys), expected, "{keys}");
    }
}

#[test]
fn a_gate_refuses_unless_it_says_otherwise_or_only_guesses() {
    for (keys, verdict) in [
        ("check = \"one-click\"", GateVerdict::Refuse),
        ("check = \"subject\"", GateVerdict::Shadow),
        ("check = \"subject\"\nverdict = \"refuse\"", GateVerdict::Refuse),
        ("check = \"one-click\"\nverdict = \"defer\"", GateVerdict::Defer),
        (
            "check = \"field\"\nfield = \"X-Probe\"\nregex = '^yes$'\nverdict = \"permit\"",
            GateVerdict::Permit,
        ),
        ("check = \"text\"\nregex = 'x'\nverdict = \"permit\"", GateVerdict::Permit),
        ("check = \"forbidden\"\nfields = [\"X\"]\nverdict = \"permit\"", GateVerdict::Permit),
        ("check = \"attachments\"\nnames = [\"*.ics\"]\nverdict = \"permit\"", GateVerdict::Permit),
    ] {
        assert_eq!(gate(keys).rule.verdict, verdict, "{keys}");
    }
}

#[test]
fn nobody_is_let_past_for_what_is_wrong() {
    for (check, keys) in [
        ("from", "domains = [\"corp.example\"]\n"),
        ("required", "fields = [\"Date\"]\n"),
        ("one-click", ""),
        ("received", "more_than = 25\n"),
        ("subject", ""),
        ("advertisement", "marks = [\"ADV\"]\n"),
        ("postal-address", "addresses = [\"Corp, 12 Harbour Street, Springfield\"]\n"),
        ("opt-out-notice", ""),
    ] {
        let gate = format!("[[gate]]\nname = \"g\"\ncheck = \"{check}\"\n{keys}");
        let line = 4 + keys.lines().count();
        one_fault(
            &format!("{gate}verdict = \"permit\"\n"),
            (line, 11),
            "\"permit\"",
            &format!("check = \"{check}\" finds what is wrong with a message"),
            "to let others past the further gates, say what they have: check = \"field\"",
        );
    }
}

#[test]
fn streams_classes_and_listeners_narrow_it() {
    let places = |keys: &str| -> Option<Vec<usize>> {
        let streams = gate(&format!("check = \"one-click\"\n{keys}")).rule.streams?;
        Some(streams.iter().map(|id| id.place()).collect())
    };
    assert_eq!(places(""), None);
    assert_eq!(places("stream = [\"receipts\"]"), Some(vec![1]));
    assert_eq!(places("stream = [\"newsletter\", \"default\"]"), Some(vec![0, 2]));
    assert_eq!(places("class = \"commercial\""), Some(vec![0, 2]));
    assert_eq!(places("class = \"transactional\""), Some(vec![1]));
    assert_eq!(places("stream = [\"newsletter\"]\nclass = \"commercial\""), Some(vec![0]));
    let one = gate("check = \"one-click\"\nlistener = [\"127.0.0.1:2525\"]");
    assert!(one.is_for("127.0.0.1:2525".parse().unwrap()));
    assert!(!one.is_for("127.0.0.1:25".parse().unwrap()));
}

#[test]
fn what_is_wrong_with_a_gate_is_told_with_its_place() {
    let one = |keys: &str, at, value: &str, words: &str, help: &str| {
        one_fault(&format!("[[gate]]\nname = \"g\"\n{keys}\n"), at, value, words, help);
    };
    one(
        "check = \"from\"\nfields = [\"Date\"]",
        (4, 10),
        "[\"Date\"]",
        "`fields` goes with check = \"required\" or check = \"forbidden\", not with \"from\"",
        "check = \"from\" has `domains`",
    );
    one(
        "check = \"one-click\"\nmarks = [\"ADV\"]",
        (4, 9),
        "[\"ADV\"]",
        "not with \"one-click\"",
        "has no key of its own",
    );
    one(
        "check = \"field\"\nfield = \"Subject\"",
        (3, 9),
        "\"field\"",
        "needs `regex`",
        "add: regex",
    );
    one("check = \"required\"", (3, 9), "\"required\"", "needs `fields`", "add: fields = [");
    one(
        "check = \"reqired\"",
        (3, 9),
        "\"reqired\"",
        "is not a check",
        "did you mean \"required\"?",
    );
    one(
        "check = \"one-click\"\nstream = [\"news\"]",
        (4, 11),
        "\"news\"",
        "no [[stream]] is named \"news\"",
        "there is: default",
    );
    one(
        "check = \"one-click\"\nlistener = [\"127.0.0.1:26\"]",
        (4, 13),
        "\"127.0.0.1:26\"",
        "no [[listener]] is on 127.0.0.1:26",
        "127.0.0.1:2525",
    );
    one(
        "check = \"one-click\"\nstream = [\"default\"]\nclass = \"transactional\"",
        (4, 10),
        "[\"default\"]",
        "no stream that is named here is transactional",
        "",
    );
}

#[test]
fn the_place_within_an_expression_or_a_text_is_shown() {
    one_fault(
        "[[gate]]\nname = \"g\"\ncheck = \"field\"\nfield = \"Subject\"\nregex = 'a[z-a]'\n",
        (5, 12),
        "z-a",
        "invalid character class range",
        "single quotes",
    );
    one_fault(
        "[[gate]]\nname = \"g\"\ncheck = \"one-click\"\ntext = \"don\u{2019}t\"\n",
        (4, 12),
        "\u{2019}",
        "cannot stand in a reply",
        "ASCII",
    );
    let large = "[[gate]]\nname = \"g\"\ncheck = \"field\"\nfield = \"Subject\"\nregex = '(\\w{500}){500}'\n";
    one_fault(large, (5, 9), "'(\\w{500}){500}'", "more than 1024 KiB of memory", "");
}

#[test]
fn completion_without_a_signature_behind_it_is_warned_of() {
    let text = "[[listener]]\ncomplete = true\n";
    one_fault(text, (2, 12), "true", "completes messages that nobody signs", "[[dkim]]");
    let loaded = loaded(&format!("{SMARTHOST}{text}"));
    assert!(!loaded.report.is_fatal() && loaded.settings.unwrap().listeners[0].complete);
}

#[test]
fn two_gates_have_two_names() {
    let two = "[[gate]]\nname = \"g\"\ncheck = \"one-click\"\n[[gate]]\nname = \"G\"\ncheck = \"subject\"\n";
    one_fault(two, (5, 8), "\"G\"", "two gates are named", "by their names");
}

fn content_check(keys: &str) -> (ContentCheck, ContentJudging) {
    match gate(keys).check {
        GateCheck::Content(check, how) => (check, how),
        GateCheck::Header(check) => panic!("{check:?}"),
    }
}

#[test]
fn checks_of_content_have_their_keys() {
    let address = policy::PostalAddress::new("Example Corp, 12 Harbour Street").unwrap();
    let patterns = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect();
    for (keys, expected) in [
        (
            "check = \"postal-address\"\naddresses = [\"Example Corp, 12 Harbour Street\"]",
            ContentCheck::PostalAddress(vec![address]),
        ),
        ("check = \"opt-out-notice\"", ContentCheck::OptOutNotice(NoticeWords::default())),
        (
            "check = \"opt-out-notice\"\nwords = [\"take me off\"]",
            ContentCheck::OptOutNotice(NoticeWords::new(["take me off"]).unwrap()),
        ),
        ("check = \"text\"\nregex = 'a+'", ContentCheck::Text("a+".parse().unwrap())),
        (
            "check = \"attachments\"\nnames = [\"*.exe\"]\ntypes = [\"video/*\"]\n\
             double_extensions = true\nlarger_than = \"10MB\"\nall_larger_than = \"25MB\"",
            ContentCheck::Attachments(AttachmentRules {
                names: patterns(&["*.exe"]),
                types: patterns(&["video/*"]),
                double_extensions: true,
                larger_than: Some(10_000_000),
                all_larger_than: Some(25_000_000),
            }),
        ),
    ] {
        assert_eq!(content_check(keys).0, expected, "{keys}");
    }
}

#[test]
fn what_is_done_without_a_judgement() {
    use GateVerdict::{Defer, Permit, Refuse, Shadow};
    let how = |keys: &str| content_check(&format!("check = \"text\"\nregex = 'x'\n{keys}")).1;
    let ten = Duration::from_secs(10);
    for (keys, cap, when_slow, when_unreadable) in [
        ("", ten, Defer, Refuse),
        ("verdict = \"defer\"", ten, Defer, Defer),
        ("verdict = \"shadow\"", ten, Shadow, Shadow),
        ("verdict = \"permit\"", ten, Shadow, Shadow),
        ("cap = \"3s\"\nwhen_slow = \"refuse\"", Duration::from_secs(3), Refuse, Refuse),
        ("when_slow = \"permit\"\nwhen_unreadable = \"defer\"", ten, Permit, Defer),
    ] {
        assert_eq!(how(keys), ContentJudging { cap, when_slow, when_unreadable }, "{keys}");
    }
}

#[test]
fn content_keys_that_mean_nothing_are_told() {
    for (keys, what) in [
        ("check = \"postal-address\"", "check = \"postal-address\" needs `addresses`"),
        ("check = \"text\"", "check = \"text\" needs `regex`"),
        ("check = \"text\"\nregex = 'a('", "not a regular expression: unclosed group"),
        ("check = \"attachments\"", "looks for nothing"),
        ("check = \"attachments\"\nnames = []", "nothing would match"),
        ("check = \"attachments\"\ntypes = [\"exe\"]", "\"exe\" is no type"),
        ("check = \"attachments\"\nnames = [\"a/b\"]", "\"a/b\" can be no name"),
        ("check = \"postal-address\"\naddresses = [\"12\"]", "\"12\" is no postal address"),
        ("check = \"opt-out-notice\"\nwords = [\"--\"]", "\"--\" is no word"),
        ("check = \"opt-out-notice\"\ncap = \"0s\"", "0s"),
        ("check = \"opt-out-notice\"\nwhen_slow = \"shadow\"", "is not a way out"),
        (
            "check = \"one-click\"\ncap = \"1s\"",
            "`cap` goes with check = \"postal-address\" or check = \"opt-out-notice\"",
        ),
        (
            "check = \"text\"\nregex = 'a'\nnames = [\"*.exe\"]",
            "`names` goes with check = \"attach",
        ),
    ] {
        let loaded = loaded(&format!("{SMARTHOST}[[gate]]\nname = \"g\"\n{keys}\n"));
        let report = loaded.report.render(false);
        assert!(!loaded.report.is_clean() && report.contains(what), "{keys}\n{report}");
    }
}
