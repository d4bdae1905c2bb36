//! Milters that are not there, die, say nothing, or say what is no answer: mail waits with its
//! sender, or passes where the configuration says so, and nothing else ever happens.

use std::time::{Duration, Instant};

use e2e::{
    Does, Door, Gate, Letter, OddMilter, Postfix, Pymilter, Scratch, Smarthost, Witness, wait_until,
};
use serde_json::json;

use super::{RECIPIENT, findings, gate_with, gate_with_one, letter, send};
use crate::SENDER;

/// What a message came to, with `on_failure` as it is by default, and with "permit".
fn deferred_or_permitted(door: &Door, lines: &str, what: &str) {
    for (on_failure, code) in [("defer", 451), ("permit", 250)] {
        let scratch = Scratch::new();
        let witness = Witness::start(&[]);
        let lines = format!("on_failure = \"{on_failure}\"\n{lines}");
        let gate = gate_with(&scratch, witness.address, &door.table("it", &lines));
        let letter = Letter::leading_dots();
        let told = send(gate.address, &[RECIPIENT], &letter);
        assert_eq!(told.code, code, "{what}, {on_failure}: {told:?}\n{}", gate.log());
        let taken = witness.taken();
        if code == 250 {
            assert_eq!(taken.len(), 1);
            assert!(taken[0].ends_with(&letter.content), "{what}: it passes as it was");
            let found = findings(&gate, 1);
            assert!(found.iter().any(|found| found["gate"] == "milter it"), "{what}: {found:?}");
        } else {
            assert!(taken.is_empty(), "{what}");
            assert!(told.text.starts_with("4."), "{told:?}");
        }
    }
}

#[test]
fn no_milter_there_defers_or_permits() {
    deferred_or_permitted(&Door::port(), "", "nobody listens");
    let scratch = Scratch::new();
    deferred_or_permitted(&Door::file(&scratch, "nobody"), "", "no such socket");
}

#[test]
fn pymilter_dies_at_each_step_and_mail_is_deferred_or_permitted() {
    for step in ["connect", "helo", "mail", "rcpt", "data", "header", "eoh", "body", "eom"] {
        for (on_failure, code) in [("defer", 451), ("permit", 250)] {
            let scratch = Scratch::new();
            let door = Door::port();
            let script = json!([{"at": step, "do": [["die"]]}]);
            let _milter = Pymilter::start(&scratch, "milter", &door, &script);
            let witness = Witness::start(&[]);
            let lines = format!("on_failure = \"{on_failure}\"\n");
            let gate = gate_with(&scratch, witness.address, &door.table("it", &lines));
            let letter = letter("death", step);
            let told = send(gate.address, &[RECIPIENT], &letter);
            assert_eq!(told.code, code, "{step}, {on_failure}: {told:?}\n{}", gate.log());
            let taken = witness.taken();
            assert_eq!(taken.len(), usize::from(code == 250), "{step}, {on_failure}");
            assert!(taken.iter().all(|content| content.ends_with(&letter.content)));
        }
    }
}

/// One that was restarted is used again, also by a session that had a connection to it.
#[test]
fn pymilter_comes_back_before_postfix() {
    let scratch = Scratch::new();
    let door = Door::port();
    let script = json!([{"at": "eom", "do": [["add", "X-Checked", "yes"]]}]);
    let mut milter = Pymilter::start(&scratch, "before", &door, &script);
    let server = Postfix::start(&scratch);
    let gate = gate_with_one(&scratch, &server, &door, "");
    let mut dialogue = gate.dialogue();
    let mut mail = |id: &str| {
        dialogue.mail(SENDER, &[RECIPIENT], &letter(id, "x").content).expect("an answer").code
    };
    assert_eq!(mail("first"), 250, "{}", gate.log());
    milter.kill();
    let _milter = Pymilter::start(&scratch, "after", &door, &script);
    assert_eq!(mail("second"), 250, "{}", gate.log());
    let stored = server.stored();
    assert_eq!(stored.len(), 2);
    assert!(stored.iter().all(|copy| super::field(&copy.content, "X-Checked").is_some()));
}

#[test]
fn a_silent_milter_is_waited_for_no_longer_than_its_cap() {
    // Each letter of the protocol at which it falls silent.
    for silent in ['O', 'C', 'M', 'R', 'E'] {
        let odd = OddMilter::start(
            move |letter, _| {
                if letter == silent { Does::Nothing } else { Does::Usual }
            },
        );
        let began = Instant::now();
        deferred_or_permitted(&odd.door, "cap = \"1s\"\n", &format!("silent at {silent}"));
        // Two messages, and the cap by default is a minute for each.
        assert!(began.elapsed() < Duration::from_secs(100), "it has a cap");
    }
}

#[test]
fn a_milter_that_breaks_the_protocol_has_failed() {
    let odd: [(&str, char, Does); 8] = [
        ("hangs up at the negotiation", 'O', Does::HangsUp),
        ("hangs up at the end", 'E', Does::HangsUp),
        ("a letter that is none", 'M', Does::Packets(vec![('?', Vec::new())])),
        ("a packet without a letter", 'M', Does::Bytes(vec![0, 0, 0, 0])),
        ("a packet of four gigabytes", 'M', Does::Bytes(vec![0xff; 64])),
        ("SMTP", 'O', Does::Bytes(b"220 mail.example ESMTP\r\n".to_vec())),
        (
            "a recipient, not asked",
            'E',
            Does::Packets(vec![('+', b"<carol@example.com>\0".to_vec()), ('c', Vec::new())]),
        ),
        ("a reply that is none", 'E', Does::Packets(vec![('y', b"999 what?\0".to_vec())])),
    ];
    for (what, at, does) in odd {
        let milter = OddMilter::start(
            move |letter, _| {
                if letter == at { does.clone() } else { Does::Usual }
            },
        );
        deferred_or_permitted(&milter.door, "", what);
    }
}

/// What a filter wants to say to the client must be a reply, and one line of it stays one.
#[test]
fn a_milters_words_cannot_be_more_than_a_reply() {
    for words in
        ["550 5.7.1 no\r\n250 2.0.0 yes\0", "550 5.7.1 no\n250 yes\0", "550 5.7.1 n\u{e9}\u{7}\0"]
    {
        let milter = OddMilter::start(move |letter, _| match letter {
            'R' => Does::Packets(vec![('y', words.as_bytes().to_vec())]),
            _ => Does::Usual,
        });
        let scratch = Scratch::new();
        let witness = Witness::start(&[]);
        let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
        let mut dialogue = gate.dialogue();
        assert_eq!(dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).expect("an answer").code, 250);
        let rcpt = dialogue.ask(&format!("RCPT TO:<{RECIPIENT}>")).expect("an answer");
        assert!(matches!(rcpt.code, 550 | 451), "{rcpt:?}");
        assert!(rcpt.text.chars().all(|c| c == '\n' || !c.is_control()), "{rcpt:?}");
        // The next reply is that to the next command.
        assert_eq!(dialogue.ask("NOOP").expect("an answer").code, 250);
        assert!(dialogue.ask("VRFY x").expect("an answer").code >= 252);
        assert!(witness.taken().is_empty());
    }
}

/// Filters may break what they may change: what goes upstream is a message all the same.
#[test]
fn what_a_milter_makes_of_a_message_is_well_formed_or_nothing() {
    let change = |packets: Vec<(char, &[u8])>| -> Vec<u8> {
        let packets: Vec<(char, Vec<u8>)> =
            packets.into_iter().map(|(letter, data)| (letter, data.to_vec())).collect();
        let milter = OddMilter::start(move |letter, _| match letter {
            'E' => {
                let mut all = packets.clone();
                all.push(('c', Vec::new()));
                Does::Packets(all)
            }
            _ => Does::Usual,
        });
        let scratch = Scratch::new();
        let witness = Witness::start(&[]);
        let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
        let told = send(gate.address, &[RECIPIENT], &letter("odd", "x"));
        let mut taken = witness.taken();
        assert_eq!(told.code == 250, taken.len() == 1, "{told:?}\n{}", gate.log());
        taken.pop().unwrap_or_default()
    };
    let is_well_formed = |content: &[u8]| {
        let text = String::from_utf8_lossy(content).replace("\r\n", "");
        !text.contains(['\r', '\n', '\0'])
    };
    // Lines that end with LF alone become lines.
    let content = change(vec![('h', b"X-Two\0one\n two\0"), ('b', b"first\nsecond\n")]);
    assert!(is_well_formed(&content));
    let text = String::from_utf8_lossy(&content).into_owned();
    assert!(text.contains("X-Two: one\r\n two\r\n"), "{text}");
    assert!(text.ends_with("\r\n\r\nfirst\r\nsecond\r\n"), "{text}");
    // A field cannot become two, nor the header end early.
    for value in [&b"X-One\0yes\nBcc: everybody\0"[..], b"X-One\0yes\r\n\r\nbody\0"] {
        let content = change(vec![('h', value)]);
        let text = String::from_utf8_lossy(&content).into_owned();
        assert!(is_well_formed(&content));
        assert!(!text.contains("\r\nBcc:") && !text.contains("yes\r\n\r\n"), "{text}");
    }
    // What cannot be in a message is nothing that goes anywhere.
    for packets in [vec![('b', &b"zero \0 octet\r\n"[..])], vec![('h', &b"X Y:\0no name\0"[..])]] {
        assert_eq!(change(packets), b"");
    }
}

/// Peers of older versions are spoken to as far as they go.
#[test]
fn a_milter_of_version_two_is_asked_what_it_knows() {
    let milter = OddMilter::start(|letter, data| match letter {
        'O' => {
            // Version 2, what it did then, and no step left out.
            let mut terms = 2u32.to_be_bytes().to_vec();
            terms.extend(data.get(4..8).unwrap_or_default());
            terms.extend([0; 4]);
            Does::Packets(vec![('O', terms)])
        }
        'E' => Does::Packets(vec![('h', b"X-Version\0two\0".to_vec()), ('a', Vec::new())]),
        _ => Does::Usual,
    });
    let scratch = Scratch::new();
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, witness.address, &milter.door.table("it", ""));
    let told = send(gate.address, &[RECIPIENT], &letter("old", "x"));
    assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
    let text = String::from_utf8_lossy(&witness.taken().remove(0)).into_owned();
    assert!(text.contains("\r\nX-Version: two\r\n"), "{text}");
    let letters: String =
        milter.heard().iter().map(|(letter, _)| *letter).filter(|l| *l != 'D').collect();
    assert!(letters.starts_with("OCHMRL"), "it does not know DATA: {letters}");
}

/// A gate stays what it is beside a milter that takes its time.
#[test]
fn a_slow_milter_does_not_hold_up_other_sessions() {
    let milter = OddMilter::start(|letter, data| match letter {
        'M' if data.starts_with(b"<slow@") => Does::Nothing,
        _ => Does::Usual,
    });
    let scratch = Scratch::new();
    let witness = Witness::start(&[]);
    // It never answers them, and its cap is longer than this test waits for any reply.
    let table = milter.door.table("it", "cap = \"4m\"\n");
    let gate: Gate = gate_with(&scratch, witness.address, &table);
    let mut waiting: Vec<_> = (0..20).map(|_| gate.dialogue()).collect();
    for dialogue in &mut waiting {
        dialogue.send(b"MAIL FROM:<slow@corp.example>\r\n").expect("it is taken");
    }
    let asked = || milter.heard().iter().filter(|(letter, _)| *letter == 'M').count();
    let all = wait_until(Duration::from_secs(60), || (asked() == waiting.len()).then_some(()));
    assert!(all.is_some(), "they are asked about side by side: {}", asked());
    assert_eq!(gate.verdict(RECIPIENT).code, 250, "nobody else waits");
}
