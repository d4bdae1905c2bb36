//! Postfix as a witness: what stands in its queue is what was sent, below its own field and
//! that of the gate, where gates and filters look at a message and change nothing.

use e2e::{Door, Gate, Letter, Postfix, Pymilter, Scratch, Setup, Smarthost};
use serde_json::json;

use crate::SENDER;

/// Content at which a relay could lose or add an octet at its end.
fn letters() -> Vec<Letter> {
    let header = "From: Shop <shop@corp.example>\r\nTo: a@example.com\r\nSubject: end\r\n\
                  Date: Mon, 2 Mar 2026 09:00:00 +0000\r\n";
    let mut all = Letter::all();
    for (name, rest) in [
        ("no body", ""),
        ("empty body", "\r\n"),
        ("empty lines at the end", "\r\ntext\r\n\r\n\r\n"),
        ("dots at the end", "\r\ntext\r\n.\r\n..\r\n"),
        ("spaces at the end", "\r\ntext \t \r\n \r\n"),
    ] {
        let id = name.replace(' ', "-");
        let content = format!("{header}Message-ID: <{id}@corp.example>\r\n{rest}");
        all.push(Letter { name, content: content.into_bytes() });
    }
    all
}

/// What the tests of this file vary: nothing of it changes a message.
fn ways(scratch: &Scratch) -> Vec<(&'static str, String, String, Option<Pymilter>)> {
    let mut ways = vec![
        ("through", String::new(), String::new(), None),
        ("held", "way = \"held\"\n".to_owned(), String::new(), None),
    ];
    for (name, lines) in [("milter", ""), ("milter, a copy", "changes = false\n")] {
        let door = Door::port();
        let milter = Pymilter::start(scratch, &name.replace([' ', ','], "-"), &door, &json!([]));
        ways.push((name, String::new(), door.table("it", lines), Some(milter)));
    }
    ways
}

#[test]
fn postfix_has_in_its_queue_what_was_sent_past_pymilter() {
    let scratch = Scratch::new();
    for (name, listener_lines, tables, _milter) in ways(&scratch) {
        let scratch = Scratch::new();
        let postfix = Postfix::start_keeping(&scratch);
        let setup = Setup { listener_lines, tables, ..Setup::new(postfix.address()) };
        let gate = Gate::start(&scratch.path().join("gate"), &setup);
        let letters = letters();
        let mut dialogue = gate.dialogue();
        for letter in &letters {
            let told = dialogue.mail(SENDER, &["alice@example.com"], &letter.content);
            let told = told.expect("an answer");
            assert_eq!(told.code, 250, "{name}, {}: {told:?}\n{}", letter.name, gate.log());
        }
        let kept = postfix.kept(letters.len());
        for letter in &letters {
            let copy = kept.iter().find(|copy| copy.content == letter.content);
            let copy = copy.unwrap_or_else(|| panic!("{name}: {} is not as it was", letter.name));
            let trace = copy.trace.as_deref().unwrap_or_default();
            assert!(trace.starts_with("Received: from client.test"), "{name}: {trace}");
            // Its own field tells who sent it: the gate, and nobody else is above.
            assert_eq!(copy.above.len(), 1, "{name}: {:?}", copy.above);
            assert!(copy.above[0].starts_with("Received: from gate.test "), "{:?}", copy.above);
        }
    }
}
