//! `why`, `replay` and `report` over what real programs sent and logged.

use std::fs;
use std::time::Duration;

use e2e::{Client, Exim, Gate, Letter, Postfix, Scratch, Setup, Smarthost, wait_until};
use serde_json::Value;

use crate::{SENDER, recipients};

/// A watched list is read again, and records are written, within this time.
const SOON: Duration = Duration::from_secs(60);

/// Sends a letter; the gate and the smarthost take it.
fn send(scratch: &Scratch, gate: &Gate, sender: &str, to: &str) {
    let told = Client::Swaks.send(scratch, gate.address, sender, &[to], &Letter::plain("report"));
    assert!(told.accepted, "{}", told.text);
}

/// The outcomes are written behind the reply.
fn wait_for_outcomes(gate: &Gate, count: usize) {
    assert!(gate.records("outcome", count).len() >= count, "{:?}", gate.evidence());
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn deadlines_show_mail_past_a_listener_that_only_watches_swaks_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        listener_lines: "action = \"shadow\"\n".to_owned(),
        tables: "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"billing@corp.example\"]\n"
            .to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    send(&scratch, &gate, SENDER, "bob@example.com");
    send(&scratch, &gate, SENDER, "alice@example.com");
    // A receipt is no offence, however old the opt-out is.
    send(&scratch, &gate, "billing@corp.example", "carol@example.com");
    wait_for_outcomes(&gate, 3);
    let ran = gate.ask(&["report", "deadlines"]);
    assert_eq!(ran.code, 1, "{}", ran.text());
    for words in [
        "2026-03-16",
        "by 127.0.0.1 on default: the listener only watches  <bob@example.com>",
        "1  mail let through after a deadline",
    ] {
        assert!(ran.out.contains(words), "{words} in {}", ran.out);
    }
    assert!(!ran.out.contains("carol"), "{}", ran.out);
    let all = lines(&gate.ask(&["report", "deadlines", "-o", "json"]).out);
    let reference = all
        .iter()
        .find_map(|line| line.get("after_deadline")?.get(0)?.get("ref")?.as_str())
        .expect("the mail is named");
    assert_eq!(gate.ask(&["why", reference]).code, 0);

    let shadow = gate.ask(&["report", "shadow"]);
    assert_eq!(shadow.code, 0, "{}", shadow.text());
    assert!(shadow.out.contains("1 of 3 recipients would have been refused"), "{}", shadow.out);
    assert!(shadow.out.contains("crm.csv"), "{}", shadow.out);
    let streams = gate.ask(&["report", "streams"]);
    assert_eq!(streams.code, 0, "{}", streams.text());
    assert!(streams.out.contains("transactional"), "{}", streams.out);
}

#[test]
fn deadlines_show_mail_past_a_list_that_came_back_late_swaks_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    // The export has stood still since March; the last good one stays in force.
    send(&scratch, &gate, SENDER, "dave@example.com");
    wait_for_outcomes(&gate, 1);
    let before = gate.ask(&["report", "deadlines"]);
    assert_eq!(before.code, 0, "nothing is known of dave yet: {}", before.text());
    let list = format!("{}dave@example.com,2026-04-01\n", Setup::LIST);
    fs::write(gate.folder().join("crm.csv"), list).unwrap();
    let refused = wait_until(SOON, || (gate.verdict("dave@example.com").code == 550).then_some(()));
    assert!(refused.is_some(), "{}", gate.log());
    let after = wait_until(SOON, || {
        let ran = gate.ask(&["report", "deadlines", "-o", "json"]);
        let all = lines(&ran.out);
        let late = all.into_iter().find(|line| line.get("mails_after") == Some(&1.into()))?;
        (!late.get("first_refusal")?.is_null()).then_some((ran.code, late))
    });
    let (code, late) =
        after.unwrap_or_else(|| panic!("{}", gate.ask(&["report", "deadlines"]).out));
    assert_eq!(code, 1);
    assert_eq!(late.get("late"), Some(&true.into()), "{late}");
    assert_eq!(late.get("deadline").and_then(Value::as_str), Some("2026-04-15"), "{late}");
    let why = late.get("after_deadline").and_then(|mails| mails.get(0)?.get("why")?.as_str());
    assert_eq!(why, Some("the opt-out was not known yet"), "{late}");

    let past = gate.ask(&["why", "dave@example.com"]);
    assert_eq!(past.code, 1, "{}", past.text());
    assert!(past.out.contains("Before: 1 sent, "), "{}", past.out);
    assert!(past.out.contains("refuse "), "{}", past.out);
    assert_eq!(recipients(&postfix), ["dave@example.com"]);
}

#[test]
fn an_application_that_says_everything_is_transactional_is_marked_swaks_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup {
        tables:
            "[[stream]]\nname = \"mine\"\nclass = \"transactional\"\nclient = [\"127.0.0.0/8\"]\n"
                .to_owned(),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    send(&scratch, &gate, SENDER, "bob@example.com");
    wait_for_outcomes(&gate, 1);
    let ran = gate.ask(&["report", "streams"]);
    assert_eq!(ran.code, 1, "{}", ran.text());
    assert!(ran.out.contains("ALL TRANSACTIONAL"), "{}", ran.out);
}

/// The mail of a day, sent past the gate: what its log would have been before.
fn a_day_of_mail(scratch: &Scratch, server: &dyn Smarthost) {
    for (sender, to) in [
        (SENDER, &["alice@example.com", "bob@example.com"][..]),
        ("billing@corp.example", &["bob@example.com"]),
        ("", &["carol@example.com"]),
    ] {
        let letter = Letter::plain("replayed");
        let told = Client::Smtplib.send(scratch, server.address(), sender, to, &letter);
        assert!(told.accepted, "{}", told.text);
    }
    assert_eq!(server.stored().len(), 4);
}

const RULES: &str = "[[stream]]\nname = \"receipts\"\nclass = \"transactional\"\nsender = [\"billing@corp.example\", \"<>\"]\n";

/// What `replay` says of the log of that day.
fn replayed(gate: &Gate, log: &str) {
    fs::write(gate.folder().join("mail.log"), log).unwrap();
    let ran = gate.ask(&["replay", "mail.log"]);
    assert_eq!(ran.code, 1, "{}\n{log}", ran.text());
    let mut said: Vec<_> = ran.out.lines().collect();
    said.sort_unstable();
    let expected = [
        "permit   alice@example.com  on default",
        "permit   bob@example.com  on receipts",
        "permit   carol@example.com  on receipts",
        "refuse   bob@example.com  on default  opted out on 2026-03-02 (list crm.csv)",
    ];
    assert_eq!(said, expected, "{log}");
    assert!(ran.text().contains("default: 1 would be permitted, 1 refused"), "{}", ran.text());
    assert!(ran.text().contains("receipts: 2 would be permitted, 0 refused"), "{}", ran.text());
}

#[test]
fn the_log_of_a_running_mail_server_is_replayed_smtplib_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let setup = Setup { tables: RULES.to_owned(), ..Setup::new(postfix.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    a_day_of_mail(&scratch, &postfix);
    let removed = || (postfix.log().matches(": removed").count() >= 3).then_some(());
    assert!(wait_until(SOON, removed).is_some(), "{}", postfix.log());
    replayed(&gate, &postfix.log());
}

#[test]
fn the_log_of_another_running_mail_server_is_replayed_smtplib_exim() {
    let scratch = Scratch::new();
    let exim = Exim::start(&scratch);
    let setup = Setup { tables: RULES.to_owned(), ..Setup::new(exim.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    a_day_of_mail(&scratch, &exim);
    let completed = || (exim.log().matches(" Completed").count() >= 3).then_some(());
    assert!(wait_until(SOON, completed).is_some(), "{}", exim.log());
    replayed(&gate, &exim.log());
}
