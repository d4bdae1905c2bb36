//! Milters with `early = true`: they read what streams by, long before the client's dot, and
//! none of it is kept.

use std::time::Duration;

use e2e::{Dialogue, Door, Gate, Pymilter, Scratch, Setup, Witness, wait_until};
use serde_json::json;

use super::{RECIPIENT, findings};
use crate::SENDER;

/// A gate with a milter that may change nothing, and next to no room to keep anything.
fn gate_without_room(scratch: &Scratch, witness: &Witness, door: &Door, lines: &str) -> Gate {
    let table = door.table("it", &format!("changes = false\nearly = true\n{lines}"));
    let limits = "held_message = \"64KiB\"\nheld_total = \"400KiB\"";
    let tables = format!("{table}\n[limits]\n{limits}\n");
    let setup = Setup { tables, ..Setup::new(witness.address) };
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// Up to DATA.
fn begun(gate: &Gate) -> Dialogue {
    let mut dialogue = gate.dialogue();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).expect("an answer");
    dialogue.ask(&format!("RCPT TO:<{RECIPIENT}>")).expect("an answer");
    assert_eq!(dialogue.ask("DATA").expect("an answer").code, 354);
    dialogue
}

/// `name` and some fields; lines that are all different, of so many octets together.
fn long(name: &str, octets: usize) -> String {
    let mut content = format!("Subject: {name}\r\nX-Folded: a\r\n b\r\n\r\n");
    for number in 0.. {
        if content.len() >= octets {
            break;
        }
        content.push_str(&format!("{number} {}\r\n", "x".repeat(number % 70)));
    }
    content
}

#[test]
fn pymilter_reads_what_streams_before_the_dot_and_all_of_it() {
    let scratch = Scratch::new();
    // So slow that the client has to wait for it.
    let script = json!([{"at": "body", "do": [["sleep", 0.05]]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::file(&scratch, "door"), &script);
    let witness = Witness::start(&[]);
    let gate = gate_without_room(&scratch, &witness, &milter.door, "");
    let mut dialogue = begun(&gate);
    let (first, second) = (long("first", 200_000), long("second", 2_000_000));
    dialogue.send(first.as_bytes()).expect("it is taken");
    milter.wait_for("body");
    assert_eq!(milter.steps(&["eoh", "eom"]), ["eoh"], "the end has not come");
    dialogue.send(second.as_bytes()).expect("it is taken");
    let told = dialogue.ask(".").expect("an answer");
    assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    let content = first + &second;
    assert!(witness.taken()[0].ends_with(content.as_bytes()), "it passes as it was");
    let (header, body) = content.split_once("\r\n\r\n").expect("it has both");
    let expected = header.replace("\r\n", "\n") + "\n\n" + body;
    assert_eq!(milter.wait_for("eom").told, [e2e::base64(expected.as_bytes())]);
}

#[test]
fn pymilter_refuses_early_and_the_client_is_told_at_its_dot() {
    for (step, word, code) in [("header", "reject", 550), ("body", "tempfail", 451)] {
        let scratch = Scratch::new();
        let script = json!([{"at": step, "do": [[word]]}]);
        let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
        let witness = Witness::start(&[]);
        let gate = gate_without_room(&scratch, &witness, &milter.door, "");
        let mut dialogue = begun(&gate);
        dialogue.send(long("early", 200_000).as_bytes()).expect("it is taken");
        milter.wait_for(step);
        dialogue.send(long("more", 200_000).as_bytes()).expect("it is taken");
        let told = dialogue.ask(".").expect("an answer");
        assert_eq!(told.code, code, "{step}: {told:?}\n{}", gate.log());
        assert!(told.text.contains("milter it"), "{told:?}");
        assert_eq!(milter.steps(&["eom"]), [""; 0], "{step}");
        assert!(witness.taken().is_empty(), "{step}");
        // The session goes on.
        assert_eq!(dialogue.ask("NOOP").expect("an answer").code, 250);
    }
}

/// Also where mail passes without it otherwise: a client may be slow on purpose.
#[test]
fn pymilter_dies_while_content_streams_and_nobody_gets_past_it() {
    for on_failure in ["defer", "permit"] {
        let scratch = Scratch::new();
        let mut milter = Pymilter::start(&scratch, "milter", &Door::port(), &json!([]));
        let witness = Witness::start(&[]);
        let lines = format!("on_failure = \"{on_failure}\"\n");
        let gate = gate_without_room(&scratch, &witness, &milter.door, &lines);
        let mut dialogue = begun(&gate);
        let content = long("death", 200_000);
        dialogue.send(content.as_bytes()).expect("it is taken");
        milter.wait_for("body");
        milter.kill();
        dialogue.send(content.as_bytes()).expect("it is taken");
        let told = dialogue.ask(".").expect("an answer");
        assert_eq!(told.code, 451, "{on_failure}: {told:?}\n{}", gate.log());
        assert!(witness.taken().is_empty(), "{on_failure}");
        let found = findings(&gate, 1);
        assert!(found.iter().any(|found| found["gate"] == "milter it"), "{found:?}");
    }
}

/// A client that goes away in the middle leaves a milter that can be asked about the next message.
#[test]
fn pymilter_hears_that_a_client_is_gone_in_the_middle() {
    let scratch = Scratch::new();
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &json!([]));
    let witness = Witness::start(&[]);
    let gate = gate_without_room(&scratch, &witness, &milter.door, "");
    let mut dialogue = begun(&gate);
    dialogue.send(long("gone", 200_000).as_bytes()).expect("it is taken");
    milter.wait_for("body");
    drop(dialogue);
    milter.wait_for("close");
    let accepted = wait_until(Duration::from_secs(30), || {
        let mut dialogue = begun(&gate);
        dialogue.send(long("next", 200_000).as_bytes()).expect("it is taken");
        (dialogue.ask(".").expect("an answer").code == 250).then_some(())
    });
    assert!(accepted.is_some(), "{}", gate.log());
    assert_eq!(witness.taken().len(), 1);
}
