//! NO-SOLICITING between a client and a smarthost, both of which know it (RFC 3865).

use e2e::{Gate, Postfix, Scratch, Setup, Smarthost, Witness, wait_until};
use std::time::Duration;

use crate::SENDER;

const CLASS: &str = "net.example:ADV";

fn gate_with(scratch: &Scratch, witness: &Witness, classes: &str) -> Gate {
    let setup = Setup {
        listener_lines: format!("no_soliciting = [{classes}]\n"),
        ..Setup::new(witness.address)
    };
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// A message that says in its header what it is; the replies to MAIL, RCPT and the dot, as far
/// as it came.
fn send(gate: &Gate, parameter: &str, header: &str, to: &str) -> Vec<(u16, String)> {
    let mut dialogue = gate.dialogue();
    let mut replies = Vec::new();
    for line in
        [format!("MAIL FROM:<{SENDER}>{parameter}"), format!("RCPT TO:<{to}>"), "DATA".into()]
    {
        let reply = dialogue.ask(&line).expect("an answer");
        let ends = reply.code >= 400;
        if reply.code != 354 {
            replies.push((reply.code, reply.text));
        }
        if ends {
            return replies;
        }
    }
    let content = format!("From: <{SENDER}>\r\n{header}\r\nBuy.\r\n.\r\n");
    dialogue.send(content.as_bytes()).expect("it is taken");
    let reply = dialogue.read().expect("an answer");
    replies.push((reply.code, reply.text));
    replies
}

/// Waits until the gate knows what the smarthost offers; by that it is told parameters.
fn offer(gate: &Gate) -> String {
    let offered = wait_until(Duration::from_secs(60), || {
        let mut dialogue = gate.dialogue();
        let reply = dialogue.ask("EHLO client.test").ok()?;
        reply.text.contains("8BITMIME").then_some(reply.text)
    });
    offered.expect("the smarthost is known")
}

#[test]
fn a_class_of_the_listener_is_refused_by_parameter_and_by_header() {
    let scratch = Scratch::new();
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, &witness, &format!("\"{CLASS}\""));
    assert!(offer(&gate).contains(&format!("NO-SOLICITING {CLASS}")));
    let header = format!("Solicitation: {CLASS}\r\n");
    let by_parameter = send(&gate, &format!(" SOLICIT={CLASS}"), &header, "alice@example.com");
    assert_eq!(by_parameter.len(), 1, "at MAIL: {by_parameter:?}");
    assert_eq!(by_parameter[0].0, 550);
    assert!(by_parameter[0].1.starts_with(&format!("5.7.1 SOLICIT={CLASS}")), "{by_parameter:?}");
    let by_header = send(&gate, "", &header, "alice@example.com");
    let (code, text) = by_header.last().expect("an answer");
    assert_eq!((by_header.len(), *code), (3, 550), "at the dot: {by_header:?}");
    assert!(text.contains(&format!("SOLICIT={CLASS}")), "{text}");
    let other = send(&gate, "", "Solicitation: net.example:OTHER\r\n", "alice@example.com");
    assert_eq!(other.last().map(|(code, _)| *code), Some(250), "{other:?}");
    assert_eq!(witness.taken().len(), 1);
}

#[test]
fn a_recipient_refuses_a_class_and_nothing_else() {
    let scratch = Scratch::new();
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, &witness, "");
    let words = ["optout", "add", "dora@example.com", "--class", CLASS, "--config", "optgate.toml"];
    let added = gate.ask(&words);
    assert_eq!(added.code, 0, "{}", added.text());
    offer(&gate);
    let header = format!("Solicitation: {CLASS}\r\n");
    let parameter = format!(" SOLICIT={CLASS}");
    let refused = send(&gate, &parameter, &header, "dora@example.com");
    assert_eq!(refused.len(), 2, "at RCPT: {refused:?}");
    assert!(refused[1].1.starts_with(&format!("5.7.1 <dora@example.com> SOLICIT={CLASS}")));
    let refused = send(&gate, "", &header, "dora@example.com");
    assert_eq!(refused.last().map(|(code, _)| *code), Some(550), "{refused:?}");
    assert!(witness.taken().is_empty());
    for (to, header) in [("alice@example.com", header.as_str()), ("dora@example.com", "")] {
        let taken = send(&gate, "", header, to);
        assert_eq!(taken.last().map(|(code, _)| *code), Some(250), "{to}: {taken:?}");
    }
    assert_eq!(witness.taken().len(), 2);
}

#[test]
fn a_smarthost_that_knows_it_is_told_and_one_that_refuses_the_class_is_heeded() {
    let scratch = Scratch::new();
    let witness = Witness::start(&["NO-SOLICITING org.example:NEVER"]);
    let gate = gate_with(&scratch, &witness, "");
    offer(&gate);
    let header = format!("Solicitation: {CLASS}\r\n");
    for parameter in [format!(" SOLICIT={CLASS}"), String::new()] {
        let told = send(&gate, &parameter, &header, "alice@example.com");
        assert_eq!(told.last().map(|(code, _)| *code), Some(250), "{parameter}: {told:?}");
        let lines: Vec<String> = witness.transaction().into_iter().map(|seen| seen.line).collect();
        assert!(lines[0].contains(&format!("SOLICIT={CLASS}")), "{parameter}: {lines:?}");
    }
    // Known before DATA, it stands in our field as well.
    let content = String::from_utf8_lossy(&witness.taken().remove(0)).into_owned();
    assert!(
        content.split("\r\nFrom:").next().is_some_and(|field| field.contains(CLASS)),
        "{content}"
    );
    let never = send(
        &gate,
        " SOLICIT=org.example:NEVER",
        "Solicitation: org.example:NEVER\r\n",
        "alice@example.com",
    );
    assert_eq!(never.last().map(|(code, _)| *code), Some(550), "{never:?}");
    let differs = send(&gate, &format!(" SOLICIT={CLASS}"), "", "alice@example.com");
    let (code, text) = differs.last().expect("an answer");
    assert_eq!(*code, 550, "{differs:?}");
    assert!(text.starts_with("5.6.0"), "{text}");
    assert_eq!(witness.taken().len(), 2);
}

#[test]
fn classes_of_the_header_go_upstream_by_a_second_envelope_and_only_where_there_are_some() {
    let scratch = Scratch::new();
    let witness = Witness::start(&["NO-SOLICITING"]);
    let gate = gate_with(&scratch, &witness, "");
    offer(&gate);
    let commands = |from: usize| -> Vec<String> {
        let words = ["MAIL", "RCPT", "RSET", "DATA"];
        let seen = witness.seen().into_iter().skip(from).map(|seen| seen.line);
        seen.filter(|line| words.iter().any(|word| line.starts_with(word))).collect()
    };
    // A client that says nothing of the kind.
    let plain = send(&gate, "", "", "alice@example.com");
    assert_eq!(plain.last().map(|(code, _)| *code), Some(250), "{plain:?}");
    let lines = commands(0);
    let verbs: Vec<&str> = lines.iter().map(|line| &line[..4]).collect();
    assert_eq!(verbs, ["MAIL", "RCPT", "DATA"]);
    assert!(lines.iter().all(|line| !line.contains("SOLICIT")), "{lines:?}");
    let before = witness.seen().len();
    let header = format!("Solicitation: {CLASS}\r\n");
    let told = send(&gate, "", &header, "alice@example.com");
    assert_eq!(told.last().map(|(code, _)| *code), Some(250), "{told:?}");
    let lines = commands(before);
    let parameters: Vec<bool> = lines.iter().map(|line| line.contains("SOLICIT=")).collect();
    let verbs: Vec<&str> = lines.iter().map(|line| &line[..4]).collect();
    let last: Vec<&str> = verbs.iter().rev().take(6).rev().copied().collect();
    assert_eq!(last, ["MAIL", "RCPT", "RSET", "MAIL", "RCPT", "DATA"], "{lines:?}");
    let said: Vec<bool> = parameters.iter().rev().take(6).rev().copied().collect();
    assert_eq!(said, [false, false, false, true, false, false], "{lines:?}");
}

/// Standards A-T7.
#[test]
fn a_list_of_a_thousand_octets_is_taken_and_a_longer_one_is_not() {
    let scratch = Scratch::new();
    let witness = Witness::start(&["NO-SOLICITING"]);
    let gate = gate_with(&scratch, &witness, "");
    offer(&gate);
    let longest = format!("net.example:{}", "A".repeat(988));
    let header = format!("Solicitation:\r\n {longest}\r\n");
    let taken = send(&gate, &format!(" SOLICIT={longest}"), &header, "alice@example.com");
    assert_eq!(taken.last().map(|(code, _)| *code), Some(250), "{taken:?}");
    let lines = witness.transaction();
    assert!(lines[0].line.ends_with(&format!(" SOLICIT={longest}")), "{}", lines[0].line);
    let longer = send(&gate, &format!(" SOLICIT={longest}A"), &header, "alice@example.com");
    assert_eq!((longer.len(), longer[0].0), (1, 501), "{longer:?}");
    assert!(longer[0].1.starts_with("5.5.4"), "{longer:?}");
}

#[test]
fn an_imported_class_is_refused_and_told_by_why() {
    let scratch = Scratch::new();
    let witness = Witness::start(&[]);
    let gate = gate_with(&scratch, &witness, "");
    let list = format!("email,list\ndora@example.com,{CLASS}\nerin@example.com,shop\n");
    std::fs::write(gate.folder().join("classes.csv"), list).expect("a list can be written");
    let words = ["optout", "import", "classes.csv", "--scope-column", "list"];
    let read = gate.ask(&[&words[..], &["--config", "optgate.toml"]].concat());
    assert_eq!(read.code, 0, "{}", read.text());
    offer(&gate);
    let why = gate.ask(&["why", "Dora+x@example.com", "--config", "optgate.toml"]);
    assert!(why.text().contains(&format!("where it says SOLICIT={CLASS}")), "{}", why.text());
    let header = format!("Solicitation: {CLASS}\r\n");
    let refused = send(&gate, "", &header, "dora+x@example.com");
    let (code, text) = refused.last().expect("an answer");
    assert_eq!(*code, 550, "{refused:?}");
    assert!(text.contains(&format!("SOLICIT={CLASS}")), "{text}");
    let reference = text.rsplit("ref ").next().expect("a reference");
    let reference = reference.split(|c: char| !c.is_ascii_alphanumeric()).next().expect("a word");
    let told = wait_until(Duration::from_secs(60), || {
        let told = gate.ask(&["why", reference, "--config", "optgate.toml"]);
        told.text().contains(&format!("SOLICIT={CLASS}")).then_some(())
    });
    assert!(told.is_some(), "why {reference}");
    let plain = send(&gate, "", "", "dora@example.com");
    assert_eq!(plain.last().map(|(code, _)| *code), Some(250), "{plain:?}");
    // Of the same list, on another scope: as any opt-out.
    let other = send(&gate, "", "", "erin@example.com");
    assert_eq!(other.last().map(|(code, _)| *code), Some(550), "{other:?}");
    assert_eq!(witness.taken().len(), 1);
}

#[test]
fn postfix_is_not_told_and_has_the_header_as_it_was() {
    let scratch = Scratch::new();
    let server = Postfix::start(&scratch);
    let setup =
        Setup { listener_lines: "no_soliciting = []\n".to_owned(), ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    offer(&gate);
    let header = format!("SOLICITATION:\r\n\t{CLASS}\r\n");
    for parameter in [format!(" SOLICIT={CLASS}"), String::new()] {
        let taken = send(&gate, &parameter, &header, "alice@example.com");
        assert_eq!(taken.last().map(|(code, _)| *code), Some(250), "{parameter}: {taken:?}");
    }
    let stored = server.stored();
    assert_eq!(stored.len(), 2);
    for stored in stored {
        let content = String::from_utf8_lossy(&stored.content).into_owned();
        assert_eq!(content, format!("From: <{SENDER}>\r\n{header}\r\nBuy.\r\n"));
    }
}
