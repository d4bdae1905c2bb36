//! A smarthost is told who the client is.

use e2e::{Gate, Letter, Postfix, Scratch, Setup, Smarthost};

use crate::SENDER;

/// A gate whose clients, told by a front end on loopback, are in two networks.
fn gate_with(scratch: &Scratch, postfix: &Postfix, identity: &str) -> Gate {
    let setup = Setup {
        smarthost_lines: format!("identity = \"{identity}\"\n"),
        listener_lines: "allow = [\"127.0.0.0/8\", \"198.51.100.0/24\", \"2001:db8::/32\"]\n\
                         xclient = [\"127.0.0.0/8\"]\n"
            .to_owned(),
        ..Setup::new(postfix.address())
    };
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// A message of the client that the front end tells of.
fn send_as(gate: &Gate, client: &str, words: &str) {
    let mut dialogue = gate.dialogue();
    assert_eq!(dialogue.ask(&format!("XCLIENT {client}")).expect("an answer").code, 220);
    assert_eq!(dialogue.ask("EHLO frontend.test").expect("an answer").code, 250);
    let letter = Letter::plain(words);
    let sent = dialogue.mail(SENDER, &["alice@example.com"], &letter.content);
    assert_eq!(sent.expect("an answer").code, 250, "{}", gate.log());
}

const CLIENTS: [(&str, &str, &str); 3] = [
    ("ADDR=198.51.100.7 HELO=first.test", "198.51.100.7", "first.test"),
    ("ADDR=IPV6:2001:db8::8 HELO=second.test", "2001:db8::8", "second.test"),
    ("ADDR=198.51.100.7 HELO=first.test", "198.51.100.7", "first.test"),
];

#[test]
fn postfix_logs_each_client_of_a_shared_connection_by_xforward() {
    let scratch = Scratch::new();
    let postfix = Postfix::start_told(&scratch);
    let gate = gate_with(&scratch, &postfix, "xforward");
    let before = postfix.log().matches(": connect from ").count();
    for (client, _, _) in CLIENTS {
        send_as(&gate, client, "who am I?");
    }
    let log = postfix.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains(": client=")).collect();
    assert_eq!(told.len(), CLIENTS.len(), "{log}");
    for (line, (_, address, _)) in told.iter().zip(CLIENTS) {
        assert!(line.contains("client=unknown["), "{line}");
        assert!(line.contains(&format!("[{address}]")), "{line}");
    }
    assert!(log.matches(": connect from ").count() - before <= 2, "the asking and one more: {log}");
    assert!(!log.contains("too many errors") && !gate.log().contains("XFORWARD"));
}

#[test]
fn postfix_takes_each_client_for_itself_by_xclient() {
    let scratch = Scratch::new();
    let postfix = Postfix::start_told(&scratch);
    let gate = gate_with(&scratch, &postfix, "xclient");
    for (client, _, _) in CLIENTS {
        send_as(&gate, client, "who am I?");
    }
    let stored = postfix.stored();
    assert_eq!(stored.len(), CLIENTS.len());
    for (_, address, helo) in CLIENTS {
        let from = format!("Received: from {helo} ");
        let is_theirs = |field: &String| field.starts_with(&from) && field.contains(address);
        let theirs = stored.iter().filter(|one| one.above.iter().any(is_theirs));
        let expected = CLIENTS.iter().filter(|(_, other, _)| *other == address).count();
        assert_eq!(theirs.count(), expected, "{helo} {address}");
    }
    assert!(!gate.log().contains("XCLIENT"), "{}", gate.log());
}

#[test]
fn a_smarthost_that_offers_neither_gets_the_mail_and_it_is_said_once() {
    for (identity, word) in [("xforward", "XFORWARD"), ("xclient", "XCLIENT")] {
        let scratch = Scratch::new();
        let postfix = Postfix::start(&scratch);
        let gate = gate_with(&scratch, &postfix, identity);
        for (client, _, _) in CLIENTS {
            send_as(&gate, client, "who am I?");
        }
        assert_eq!(postfix.stored().len(), CLIENTS.len());
        assert_eq!(gate.log().matches(word).count(), 1, "{}", gate.log());
    }
}
