use proptest::prelude::*;

use super::*;
use crate::{
    Circumstances, GateRule, GateVerdict, HeaderGate, HeaderGates, Possible, StreamId, StreamRule,
    Streams,
};
use suppression::{Stream, StreamClass};

fn header(text: &str) -> Header {
    Header::parse(text.as_bytes())
}

fn names(names: &[&str]) -> Vec<FieldName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn found(check: &HeaderCheck, text: &str) -> bool {
    let found = check.find(&header(text));
    if let Some(words) = &found {
        assert!(words.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{words}");
    }
    found.is_some()
}

#[test]
fn from_is_one_and_of_an_own_domain() {
    let own = HeaderCheck::From(["corp.example".parse().unwrap()].into());
    let any = HeaderCheck::From([].into());
    for (text, of_any, of_own) in [
        ("From: a@corp.example\r\n\r\n", false, false),
        ("From: \"A\" <a@corp.example>, b@corp.example\r\n\r\n", false, false),
        ("From: a@bank.example\r\n\r\n", false, true),
        ("From: a@corp.example\r\nFrom: a@corp.example\r\n\r\n", true, true),
        ("From: a@corp.example\r\nno field\r\nFROM : b@bank.example\r\n\r\n", true, true),
        ("no field\r\nFrom: a@corp.example\r\n\r\n", true, true),
        ("Sender: a@corp.example\r\n\r\nFrom: a@corp.example\r\n", true, true),
        ("From: a@corp.example <b@bank.example>\r\n\r\n", true, true),
        ("From: a@corp.example (<b@bank.example>)\r\n\r\n", true, true),
        ("From: =?utf-8?q?=3Cb=40bank.example=3E?= <a@corp.example>\r\n\r\n", true, true),
        ("From: undisclosed:;\r\n\r\n", true, true),
        ("From:\r\n\r\n", true, true),
    ] {
        assert_eq!((found(&any, text), found(&own, text)), (of_any, of_own), "{text}");
    }
}

#[test]
fn required_fields_are_where_everybody_looks_and_forbidden_ones_nowhere() {
    let required = HeaderCheck::Required(names(&["Date", "Message-ID"]));
    let forbidden = HeaderCheck::Forbidden(names(&["Bcc", "X-Spam"]));
    for (text, missing, there) in [
        ("Date: x\r\nmessage-id: y\r\n\r\n", false, false),
        ("Date: x\r\n\r\nMessage-ID: y\r\n", true, false),
        ("Date: x\r\nno field\r\nMessage-ID: y\r\n\r\n", true, false),
        ("DATE: x\r\nMessage-ID: y\r\nbcc : z\r\n\r\n", false, true),
        ("Date: x\r\nMessage-ID: y\r\nno field\r\nX-Spam:\r\n\r\n", false, true),
        (" Bcc: z\r\nDate: x\r\nMessage-ID: y\r\n\r\n", true, true),
        ("Date: x\r\nMessage-ID : y\r\n\r\n", true, false),
        ("Date: x\r\n \r\nMessage-ID: y\r\nX-Spam : z\r\n\r\n", true, true),
    ] {
        assert_eq!((found(&required, text), found(&forbidden, text)), (missing, there), "{text}");
    }
}

#[test]
fn a_field_is_held_against_its_expression_as_it_stands_and_decoded() {
    let check =
        |regex: &str| HeaderCheck::Field("Subject".parse().unwrap(), regex.parse().unwrap());
    for (regex, text, fits) in [
        ("(?i)viagra", "Subject: =?utf-8?q?Vi?=\r\n =?utf-8?B?YWdyYQ==?=\r\n\r\n", true),
        ("(?i)viagra", "Subject: fine\r\nSubject: Viagra\r\n\r\n", true),
        ("(?i)viagra", "no field\r\nSubject: Viagra\r\n\r\n", true),
        ("(?i)viagra", "Subject: fine\r\n\r\nSubject: Viagra\r\n", false),
        ("(?i)viagra", "X-Subject: Viagra\r\n\r\n", false),
        // What the eye joins, and what some programs join.
        ("(?i)viagra", "Subject: Vi\u{ad}agra\r\n\r\n", true),
        ("(?i)viagra", "Subject: =?utf-8?q?Via=E2=80=8Bgra?=\r\n\r\n", true),
        ("(?i)viagra", "Subject: =?utf-8?b?Vml?= =?utf-8?b?hZ3Jh?=\r\n\r\n", true),
        ("(?i)viagra", "Subject: \u{ff36}iagra\r\n\r\n", true),
        ("\u{ad}", "Subject: Vi\u{ad}agra\r\n\r\n", true),
        (r"=\?koi8-r\?", "Subject: =?koi8-r?b?8PLJ18XU?=\r\n\r\n", true),
        ("^a b$", "Subject: a\r\n b \r\n\r\n", true),
    ] {
        assert_eq!(found(&check(regex), text), fits, "{regex} {text}");
    }
}

#[test]
fn received_fields_are_counted() {
    let check = HeaderCheck::Received(2);
    assert!(!found(&check, "Received: a\r\nreceived: b\r\n\r\nReceived: c\r\n"));
    assert!(found(&check, "Received: a\r\nreceived : b\r\nno field\r\nReceived: c\r\n\r\n"));
}

#[test]
fn subjects_that_may_mislead() {
    for (text, misleads) in [
        ("Subject: Our new shop\r\n\r\n", false),
        ("\r\n", true),
        ("Subject: \r\n\r\n", true),
        ("Subject: a\r\nSubject: b\r\n\r\n", true),
        ("Subject: Re: your order\r\n\r\n", true),
        ("Subject: RE : your order\r\nIn-Reply-To: <a@b>\r\n\r\n", false),
        ("Subject: Fwd: look\r\nReferences: <a@b>\r\n\r\n", false),
        ("Subject: AW: Angebot\r\n\r\n", true),
        ("Subject: Regarding: you\r\n\r\n", false),
        ("Subject: Your ACCOUNT\r\n  has been Suspended!\r\n\r\n", true),
        ("Subject: =?utf-8?q?security_alert?=\r\n\r\n", true),
    ] {
        assert_eq!(found(&HeaderCheck::Subject, text), misleads, "{text}");
    }
}

#[test]
fn advertisements_are_marked_at_the_beginning() {
    let check = HeaderCheck::Advertisement(vec!["ADV".to_owned(), "[ad]".to_owned()]);
    for (text, unmarked) in [
        ("Subject: ADV: shoes\r\n\r\n", false),
        ("Subject: adv shoes\r\n\r\n", false),
        ("Subject: =?utf-8?q?ADV=3A_shoes?=\r\n\r\n", false),
        ("Subject: [AD]shoes\r\n\r\n", false),
        ("Subject: Advice for you\r\n\r\n", true),
        ("Subject: shoes ADV\r\n\r\n", true),
        ("Subject: ADV\r\nSubject: shoes\r\n\r\n", true),
        ("\r\n", true),
    ] {
        assert_eq!(found(&check, text), unmarked, "{text}");
    }
}

fn gate(name: &str, verdict: GateVerdict, check: HeaderCheck) -> HeaderGate {
    let rule = GateRule { name: name.into(), streams: None, verdict, text: None };
    HeaderGate { rule, check }
}

#[test]
fn the_search_goes_on_behind_shadows_and_ends_at_anything_else() {
    let missing = |name: &str| HeaderCheck::Required(names(&[name]));
    let gates = HeaderGates::new(vec![
        gate("a", GateVerdict::Shadow, missing("A")),
        gate("b", GateVerdict::Permit, HeaderCheck::Forbidden(names(&["Pass"]))),
        gate("c", GateVerdict::Shadow, missing("C")),
        gate("d", GateVerdict::Defer, missing("D")),
        gate("e", GateVerdict::Refuse, missing("E")),
    ]);
    let possible = Streams::default().fallback();
    for (text, watched, last) in [
        ("X: x\r\n\r\n", &["a", "c"][..], Some(("d", GateVerdict::Defer))),
        ("Pass: x\r\n\r\n", &["a"], Some(("b", GateVerdict::Permit))),
        ("A: x\r\nD: x\r\n\r\n", &["c"], Some(("e", GateVerdict::Refuse))),
        ("A: x\r\nC: x\r\nD: x\r\nE: x\r\n\r\n", &[], None),
    ] {
        let findings = gates.judge(&header(text), &possible);
        let names: Vec<&str> = findings.watched.iter().map(|one| &*one.gate).collect();
        let found = findings.last.as_ref().map(|one| (&*one.gate, one.verdict));
        assert_eq!((names.as_slice(), found), (watched, last), "{text}");
    }
}

#[test]
fn c_t4_a_signature_that_will_cover_both_fields_counts() {
    let fields =
        "List-Unsubscribe: <https://x/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
    let signed = "DKIM-Signature: v=1; d=corp.example; h=from; b=x\r\n";
    let here = HeaderCheck::OneClick(vec![
        vec!["shop.example".parse().unwrap()],
        vec!["corp.example".parse().unwrap(), "*.corp.example".parse().unwrap()],
    ]);
    let elsewhere = HeaderCheck::OneClick(Vec::new());
    for (text, is_found_here) in [
        (format!("{signed}From: a@corp.example\r\n{fields}\r\n"), false),
        (format!("{signed}From: a@news.corp.example\r\n{fields}\r\n"), false),
        (format!("{signed}From: a@bank.example\r\n{fields}\r\n"), true),
        // One signature is for all authors, or it is not made.
        (format!("{signed}From: a@corp.example, b@shop.example\r\n{fields}\r\n"), true),
        (format!("{signed}From: a@corp.example\r\nFrom: a@corp.example\r\n{fields}\r\n"), true),
        (format!("{signed}{fields}\r\n"), true),
        // The signer does not take this for From, or that for the field.
        (format!("{signed}From : a@corp.example\r\n{fields}\r\n"), true),
        (format!("{signed}From: a@corp.example\r\n{}\r\n", fields.replace("be:", "be :")), true),
    ] {
        assert_eq!(found(&here, &text), is_found_here, "{text}");
        assert!(found(&elsewhere, &text), "{text}");
    }
    // It makes no other fault good.
    assert!(found(&here, "From: a@corp.example\r\n\r\n"));
}

#[test]
fn a_gate_for_some_streams_looks_at_no_other() {
    let streams = Streams::default();
    let possible = streams.fallback();
    let mut one = gate("a", GateVerdict::Refuse, HeaderCheck::OneClick(Vec::new()));
    one.rule.streams = Some(Vec::new());
    let gates = HeaderGates::new(vec![one.clone()]);
    assert!(!gates.want(&possible));
    assert_eq!(gates.judge(&header("\r\n"), &possible), Default::default());
    one.rule.streams = Some(possible.iter().collect());
    let gates = HeaderGates::new(vec![one]);
    assert!(gates.want(&possible) && gates.judge(&header("\r\n"), &possible).last.is_some());
}

proptest! {
    #[test]
    fn any_header_is_judged_in_plain_words(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let header = Header::parse(&bytes);
        for check in [
            HeaderCheck::From(["corp.example".parse().unwrap()].into()),
            HeaderCheck::OneClick(Vec::new()),
            HeaderCheck::Subject,
            HeaderCheck::Advertisement(vec!["ADV".to_owned()]),
            HeaderCheck::Received(0),
        ] {
            let words = check.find(&header).unwrap_or_default();
            prop_assert!(words.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
        }
    }
}

#[test]
fn where_the_stream_is_not_decided_nobody_is_let_past_by_a_rule_of_one() {
    let rules = ["one", "two"].map(|name| StreamRule {
        stream: Stream::new(name, StreamClass::Commercial),
        header: vec![("X-Kind".parse().unwrap(), vec![name.parse().unwrap()])],
        ..StreamRule::default()
    });
    let streams = Streams::new(rules.to_vec());
    let all: Vec<_> =
        ["one", "two", "default"].map(|name| streams.named(name).unwrap().only().unwrap()).to_vec();
    let judge = |own: &[StreamId], verdict, possible: &Possible| {
        let streams = Some(own.to_vec());
        let rule = GateRule { name: "gate".into(), streams, verdict, text: None };
        let check = HeaderCheck::Forbidden(names(&["X"]));
        let gates = HeaderGates::new(vec![HeaderGate { rule, check }]);
        gates.judge(&header("X: y\r\n\r\n"), possible).last.is_some()
    };
    let any = streams.possible(&Circumstances {
        listener: "127.0.0.1:25".parse().unwrap(),
        client: "192.0.2.1".parse().unwrap(),
        login: None,
        sender: &address::ReversePath::Null,
        solicit: None,
    });
    assert_eq!(any.count(), 3);
    for verdict in [GateVerdict::Refuse, GateVerdict::Defer, GateVerdict::Permit] {
        let permits = verdict == GateVerdict::Permit;
        assert_eq!(judge(&all[..1], verdict, &any), !permits);
        assert_eq!(judge(&all[..2], verdict, &any), !permits);
        assert!(judge(&all, verdict, &any));
        assert!(judge(&all[..1], verdict, &streams.only(all[0])));
        assert!(!judge(&all[..1], verdict, &streams.only(all[1])));
    }
}
