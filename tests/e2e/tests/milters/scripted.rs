//! A milter that does what its script says: what it is shown, and what becomes of what it
//! says at each step.

use e2e::{Door, Gate, Letter, Postfix, Pymilter, Scratch, Setup, Smarthost, Witness, wait_until};
use serde_json::json;
use std::time::Duration;

use super::{RECIPIENT, findings, gate_with, gate_with_one, letter, only, send};
use crate::SENDER;

/// The session, as it is told to a milter: who, from where, for whom, and the content.
#[test]
fn pymilter_is_shown_the_session_as_it_was_before_postfix() {
    let scratch = Scratch::new();
    let milter = Pymilter::start(&scratch, "milter", &Door::file(&scratch, "door"), &json!([]));
    let server = Postfix::start(&scratch);
    let gate = gate_with_one(&scratch, &server, &milter.door, "");
    let mut dialogue = gate.dialogue();
    let port = dialogue.stream().local_addr().expect("it is connected").port().to_string();
    // The first recipient has opted out, so the filter never hears of it.
    let letter = Letter::leading_dots();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME")).expect("an answer");
    assert_eq!(dialogue.ask("RCPT TO:<bob@example.com>").expect("an answer").code, 550);
    assert_eq!(dialogue.ask("RSET").expect("an answer").code, 250);
    let second = dialogue.mail(SENDER, &[RECIPIENT, "dora@example.com"], &letter.content);
    assert_eq!(second.expect("an answer").code, 250, "{}", gate.log());
    assert_eq!(dialogue.ask("QUIT").expect("an answer").code, 221);
    milter.wait_for("close");

    let steps = milter.steps(&["connect", "helo", "mail", "rcpt", "data", "eoh", "eom", "abort"]);
    assert_eq!(
        steps,
        ["connect", "helo", "mail", "abort", "mail", "rcpt", "rcpt", "data", "eoh", "eom"]
    );
    let shown = milter.shown();
    let step =
        |name: &str| shown.iter().rfind(|shown| shown.step == name).expect("it was shown").clone();
    let connect = step("connect");
    assert!(connect.told[1].contains("127.0.0.1") && connect.told[1].contains(&port));
    assert_eq!(connect.symbol("j"), Some("gate.test"));
    assert!(connect.symbol("v").is_some_and(|v| v.contains("optgate")), "{connect:?}");
    assert_eq!(connect.symbol("{daemon_addr}"), Some("127.0.0.1"), "{connect:?}");
    assert_eq!(step("helo").told, ["client.test"]);
    let mail = step("mail");
    assert_eq!(mail.told[0], format!("<{SENDER}>"));
    assert_eq!(mail.symbol("{mail_addr}"), Some(SENDER));
    assert_eq!(mail.symbol("{client_addr}"), Some("127.0.0.1"));
    assert_eq!(mail.symbol("{auth_authen}"), None, "nobody has logged in");
    let rcpt = step("rcpt");
    assert_eq!(rcpt.told[0], "<dora@example.com>");
    assert_eq!(rcpt.symbol("{rcpt_addr}"), Some("dora@example.com"));
    assert!(!shown.iter().any(|shown| shown.told.iter().any(|word| word.contains("bob"))));
    // Our name for the message, by which a person finds it.
    let reference = step("eom").symbol("i").expect("it has a name").to_owned();
    // Written behind the reply.
    gate.records("outcome", 1);
    let why = gate.ask(&["why", &reference, "--config", "optgate.toml"]);
    assert!(why.out.contains("dora@example.com") && why.out.contains("accepted"), "{}", why.text());
    // What it was shown is what was sent; header lines end as milters are shown them.
    let expected = String::from_utf8_lossy(&letter.content).into_owned();
    let (header, body) = expected.split_once("\r\n\r\n").expect("it has both");
    let expected = header.replace("\r\n", "\n") + "\n\n" + body;
    assert_eq!(step("eom").told, [e2e::base64(expected.as_bytes())]);
    assert!(only_two(&server), "a filter that says nothing changes nothing");
    assert!(server.stored().iter().all(|copy| copy.content == letter.content));
}

fn only_two(server: &Postfix) -> bool {
    server.stored().len() == 2
}

#[test]
fn pymilter_refuses_one_recipient_and_the_smarthost_never_hears_of_it() {
    let scratch = Scratch::new();
    let script = json!([
        {"at": "rcpt", "when": "dora", "do": [["reply", "550", "5.7.1", "not dora", "not today"]]},
        {"at": "rcpt", "when": "emil", "do": [["tempfail"]]},
    ]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
    let mut dialogue = gate.dialogue();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).expect("an answer");
    let mut codes = Vec::new();
    for name in ["dora", RECIPIENT, "emil", "bob"] {
        let address =
            if name.contains('@') { name.to_owned() } else { name.to_owned() + "@example.com" };
        let reply = dialogue.ask(&format!("RCPT TO:<{address}>")).expect("an answer");
        if name == "dora" {
            assert!(
                reply.text.contains("not dora") && reply.text.contains("not today"),
                "{reply:?}"
            );
        }
        codes.push(reply.code);
    }
    assert_eq!(codes, [550, 250, 451, 550]);
    assert_eq!(dialogue.ask("DATA").expect("an answer").code, 354);
    dialogue.send(&Letter::plain("some").content).expect("it is taken");
    assert_eq!(dialogue.ask(".").expect("an answer").code, 250, "{}", gate.log());
    let lines: Vec<String> = witness.seen().into_iter().map(|seen| seen.line).collect();
    let told: Vec<&String> = lines.iter().filter(|line| line.starts_with("RCPT")).collect();
    assert_eq!(told.len(), 1, "{lines:?}");
    assert!(told[0].contains(RECIPIENT));
    // Each is a decision of its own in the evidence, with who made it.
    let by_milter = |line: &serde_json::Value| line["gate"] == "milter it";
    let decisions = gate.records("decision", 4);
    assert_eq!(decisions.iter().filter(|one| by_milter(one)).count(), 2, "{decisions:#?}");
}

#[test]
fn pymilter_wants_mail_to_vanish_and_it_is_refused_unless_the_listener_drops() {
    for (action, code) in [("refuse", 550), ("drop", 250)] {
        let scratch = Scratch::new();
        let script = json!([
            {"at": "mail", "from": "first@corp.example", "do": [["discard"]]},
            {"at": "rcpt", "from": "second@corp.example", "do": [["discard"]]},
            {"at": "eom", "from": "third@corp.example", "do": [["discard"]]},
        ]);
        let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
        let witness = Witness::start(&[]);
        let setup = Setup {
            tables: milter.door.table("it", ""),
            listener_lines: format!("action = \"{action}\"\n"),
            ..Setup::new(witness.address)
        };
        let gate = Gate::start(&scratch.path().join("gate"), &setup);
        for sender in ["first", "second", "third"] {
            let from = format!("{sender}@corp.example");
            let told = super::send_from(gate.address, &from, &[RECIPIENT], &letter(sender, "hush"));
            assert_eq!(told.code, code, "{action} {sender}: {told:?}\n{}", gate.log());
        }
        assert!(witness.taken().is_empty(), "{action}: it vanishes");
    }
}

/// Several in the order of the file, and a refusal is the end.
#[test]
fn pymilter_pairs_are_asked_in_order_before_postfix() {
    let scratch = Scratch::new();
    let first = json!([
        {"at": "eom", "from": "good@corp.example", "do": [["insert", 1, "X-First", "was here"]]},
        {"at": "eom", "from": "bad@corp.example", "do": [["reject"]]},
    ]);
    let first = Pymilter::start(&scratch, "first", &Door::port(), &first);
    let second = json!([{"at": "eom", "do": [["insert", 1, "X-Second", "was here"]]}]);
    let second = Pymilter::start(&scratch, "second", &Door::port(), &second);
    let server = Postfix::start(&scratch);
    let tables = first.door.table("first", "") + &second.door.table("second", "");
    let gate = gate_with(&scratch, server.address(), &tables);
    let bad = super::send_from(gate.address, "bad@corp.example", &[RECIPIENT], &letter("bad", "x"));
    assert_eq!(bad.code, 550, "{bad:?}\n{}", gate.log());
    assert!(second.steps(&["eom"]).is_empty(), "who comes later is not asked any more");
    let good =
        super::send_from(gate.address, "good@corp.example", &[RECIPIENT], &letter("good", "x"));
    assert_eq!(good.code, 250, "{good:?}\n{}", gate.log());
    let content = only(&server).content;
    assert!(content.starts_with(b"X-Second: was here\r\nX-First: was here\r\nDate: "));
    let shown = second.shown();
    let told = |shown: &e2e::Shown| shown.step == "header" && shown.told == ["X-First", "was here"];
    assert!(shown.iter().any(told), "the second is shown what the first has left");
    let changes: Vec<_> =
        findings(&gate, 3).into_iter().filter(|found| found["verdict"] == "permit").collect();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    assert_eq!(changes[0]["gate"], "milter first");
    assert!(changes[0]["reason"].as_str().is_some_and(|why| why.contains("X-First")));
}

/// Recipients and sender are not a filter's, whatever it asks for.
#[test]
fn pymilter_cannot_change_the_envelope() {
    let scratch = Scratch::new();
    let script = json!([{"at": "eom", "do": [
        ["addrcpt", "<carol@example.com>"],
        ["delrcpt", "<alice@example.com>"],
        ["chgfrom", "<other@corp.example>"],
        ["add", "X-Added", "yes"],
    ]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
    let told = send(gate.address, &[RECIPIENT], &letter("envelope", "x"));
    assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    let records = milter.records();
    let failed: Vec<&str> = records.iter().filter_map(|record| record["failed"].as_str()).collect();
    assert_eq!(failed, ["addrcpt", "delrcpt", "chgfrom"], "{records:?}");
    let lines: Vec<String> = witness.transaction().into_iter().map(|seen| seen.line).collect();
    assert!(lines[0].starts_with(&format!("MAIL FROM:<{SENDER}>")), "{lines:?}");
    let told: Vec<&String> = lines.iter().filter(|line| line.starts_with("RCPT")).collect();
    assert_eq!(told, ["RCPT TO:<alice@example.com>"]);
    let content = witness.taken().remove(0);
    assert!(String::from_utf8_lossy(&content).contains("\r\nX-Added: yes\r\n"));
}

/// There is nowhere to put a message aside, so it stays with its sender.
#[test]
fn pymilter_wants_mail_put_aside_and_it_is_refused() {
    let scratch = Scratch::new();
    let script = json!([{"at": "eom", "do": [["quarantine", "looks odd"]]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
    let told = send(gate.address, &[RECIPIENT], &letter("aside", "x"));
    assert_eq!(told.code, 550, "{told:?}\n{}", gate.log());
    assert!(witness.taken().is_empty());
}

/// One that may not change anything is shown a copy: the smarthost has all of the message by
/// then but its final dot.
#[test]
fn pymilter_without_changes_judges_while_the_smarthost_waits_for_the_dot() {
    let scratch = Scratch::new();
    let script = json!([
        {"at": "eom", "do": [["add", "X-Added", "yes"], ["body", "other"]]},
        {"at": "eom", "from": "bad@corp.example", "do": [["sleep", 1.0], ["reject"]]},
    ]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let witness = Witness::start(&[]);
    let table = milter.door.table("it", "changes = false\n");
    let gate = gate_with(&scratch, witness.address, &table);
    let letter = Letter::attachment();
    let good = send(gate.address, &[RECIPIENT], &letter);
    assert_eq!(good.code, 250, "{good:?}\n{}", gate.log());
    let content = witness.taken().remove(0);
    assert!(content.ends_with(&letter.content), "it is not changed");
    let failed = milter.records().iter().filter(|record| record["failed"].is_string()).count();
    assert_eq!(failed, 2, "it was told that it may not");

    let bad = super::send_from(gate.address, "bad@corp.example", &[RECIPIENT], &letter);
    assert_eq!(bad.code, 550, "{bad:?}");
    let lines: Vec<String> = witness.transaction().into_iter().map(|seen| seen.line).collect();
    assert_eq!(lines.last().map(String::as_str), Some("DATA"), "and then never a dot: {lines:?}");
    assert_eq!(witness.taken().len(), 1);
}

/// A second message on the same session starts from nothing, whatever became of the first.
#[test]
fn pymilter_keeps_its_connection_over_messages_to_postfix() {
    let scratch = Scratch::new();
    let script = json!([{"at": "eom", "from": "bad@corp.example", "do": [["reject"]]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let server = Postfix::start(&scratch);
    let gate = gate_with_one(&scratch, &server, &milter.door, "");
    let mut dialogue = gate.dialogue();
    for (from, code) in
        [("bad@corp.example", 550), (SENDER, 250), ("bad@corp.example", 550), (SENDER, 250)]
    {
        let told = dialogue.mail(from, &[RECIPIENT], &letter("again", from).content);
        assert_eq!(told.expect("an answer").code, code, "{}", gate.log());
    }
    drop(dialogue);
    milter.wait_for("close");
    assert_eq!(milter.steps(&["connect", "close"]), ["connect", "close"]);
    assert_eq!(milter.steps(&["mail"]).len(), 4);
    assert_eq!(server.stored().len(), 2);
}

/// A client that goes away in the middle is an abort for the filter, and its session ends.
#[test]
fn pymilter_is_told_when_the_client_is_gone() {
    let scratch = Scratch::new();
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &json!([]));
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
    let mut dialogue = gate.dialogue();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).expect("an answer");
    dialogue.ask(&format!("RCPT TO:<{RECIPIENT}>")).expect("an answer");
    assert_eq!(dialogue.ask("DATA").expect("an answer").code, 354);
    dialogue.send(b"Subject: half a mess").expect("it is taken");
    drop(dialogue);
    milter.wait_for("close");
    assert!(milter.steps(&["eom"]).is_empty());
    let over = wait_until(Duration::from_secs(60), || {
        let seen = witness.transaction();
        (!seen.is_empty() && !seen.iter().any(|seen| seen.line == "CONTENT")).then_some(())
    });
    assert!(over.is_some(), "{:?}", witness.seen());
}
