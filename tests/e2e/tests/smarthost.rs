//! The smarthost's own words reach the client; what goes wrong there is told as
//! a temporary failure, and never as a success.

use std::time::Duration;

use e2e::{
    Aiosmtpd, Client, Exim, Gate, Letter, Postfix, Scratch, Setup, Smarthost, free_port, wait_until,
};

use crate::{SENDER, recipients};

#[test]
fn a_smarthost_that_is_down_means_try_again_and_then_postfix_comes_up() {
    let scratch = Scratch::new();
    let address = free_port();
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(address));
    let reply = gate.verdict("alice@example.com");
    assert_eq!(reply.code, 451, "{reply:?}");
    // Who has opted out is told so, whatever the smarthost does.
    assert_eq!(gate.verdict("bob@example.com").code, 550);

    let postfix = Postfix::start_at(&scratch, address);
    let accepted = wait_until(Duration::from_secs(90), || {
        let letter = Letter::plain("after the weekend");
        let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content).ok()?;
        (reply.code == 250).then_some(())
    });
    assert!(accepted.is_some(), "{}", gate.log());
    assert_eq!(recipients(&postfix), ["alice@example.com"]);

    postfix.stop();
    assert_eq!(gate.verdict("alice@example.com").code, 451);
}

#[test]
fn the_words_of_postfix_reach_the_client_verbatim() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let reply = gate.verdict("gone@example.com");
    let words = format!("5.1.1 <gone@example.com>: Recipient address rejected: {}", Postfix::GONE);
    assert_eq!((reply.code, reply.text), (550, words));
    let reply = gate.verdict("busy@example.com");
    assert_eq!(reply.code, 450);
    assert!(reply.text.ends_with("The mailbox is being moved; come back in an hour"), "{reply:?}");
}

#[test]
fn the_words_of_exim_reach_the_client_on_every_line() {
    let scratch = Scratch::new();
    let exim = Exim::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(exim.address()));
    let reply = gate.verdict("gone@example.com");
    // Exim gives no enhanced code; the gate offers ENHANCEDSTATUSCODES only if
    // its smarthost does, or supplies X.0.0.
    let lines: Vec<&str> =
        reply.text.lines().map(|line| line.trim_start_matches("5.0.0 ")).collect();
    assert_eq!(reply.code, 550);
    assert_eq!(lines, Exim::GONE);
}

#[test]
fn odd_replies_of_aiosmtpd_are_passed_on() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let lines = "5.1.1 no such mailbox here;\n5.1.1 see https://help.example/gone?id=17%";
    let reply = gate.verdict("gone@example.com");
    assert_eq!((reply.code, reply.text.as_str()), (550, lines));
    let reply = gate.verdict("full@example.com");
    assert_eq!((reply.code, reply.text.as_str()), (452, "4.2.2 mailbox full, 0 octets left"));
    // A missing enhanced code is supplied as X.0.0 (DESIGN s3).
    let reply = gate.verdict("bare@example.com");
    let text = "5.0.0 no such user, and no enhanced code";
    assert_eq!((reply.code, reply.text.as_str()), (550, text));
    let reply = gate.verdict("elsewhere@example.com");
    assert_eq!(reply.code / 10, 25, "251 is a yes: {reply:?}");
}

#[test]
fn a_sender_that_aiosmtpd_refuses_is_refused_in_its_words() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let letter = Letter::plain("unwanted");
    let to = ["alice@example.com"];
    let reply = gate.dialogue().mail("unwanted@corp.example", &to, &letter.content).unwrap();
    assert_eq!(reply.code, 553, "{reply:?}");
    assert_eq!(reply.text, "5.1.8 we take nothing from you");
    assert!(server.taken().is_empty());
}

#[test]
fn what_aiosmtpd_says_to_the_message_is_what_the_client_hears() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let answer = |answer: &str| {
        let content = format!("X-Answer: {answer}\r\nSubject: odd\r\n\r\nText.\r\n");
        gate.dialogue().mail(SENDER, &["alice@example.com"], content.as_bytes()).unwrap()
    };
    let reply = answer("554 5.6.0 this message is not to our taste");
    assert_eq!((reply.code, reply.text.as_str()), (554, "5.6.0 this message is not to our taste"));
    let reply = answer("452 4.3.1 disk full");
    assert_eq!((reply.code, reply.text.as_str()), (452, "4.3.1 disk full"));
    // Gone after the final dot: nobody knows whether it took the message.
    let reply = answer("hangup");
    assert_eq!(reply.code, 451, "{reply:?}");
    assert!(server.taken().is_empty());
    let unknown = wait_until(Duration::from_secs(60), || {
        gate.evidence().iter().any(|line| line.to_string().contains("unknown")).then_some(())
    });
    assert!(unknown.is_some(), "the evidence says that the outcome is not known");
    let reply = answer("250");
    assert_eq!((reply.code, reply.text.as_str()), (250, "2.0.0 taken as number 1"));
}

#[test]
fn a_smarthost_that_hangs_up_at_a_recipient_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    assert_eq!(gate.verdict("hangup@example.com").code, 451);
    // Its 421 is about its connection with us, not about ours with the client.
    assert_eq!(gate.verdict("closing@example.com").code, 451);
    assert_eq!(gate.verdict("alice@example.com").code, 250, "the next session is untouched");
}

#[test]
fn a_smarthost_that_dies_during_the_mail_data_aiosmtpd() {
    let scratch = Scratch::new();
    let mut server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let mut dialogue = gate.dialogue();
    dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap();
    assert_eq!(dialogue.ask("RCPT TO:<alice@example.com>").unwrap().code, 250);
    assert_eq!(dialogue.ask("DATA").unwrap().code, 354);
    let letter = Letter::attachment();
    let (half, rest) = letter.content.split_at(letter.content.len() / 2);
    dialogue.send(half).unwrap();
    server.kill();
    dialogue.send(rest).unwrap();
    let reply = dialogue.ask(".").unwrap();
    assert_eq!(reply.code, 451, "{reply:?}");
    assert_eq!(dialogue.ask("NOOP").unwrap().code, 250, "the session goes on");
}

#[test]
fn a_pipelined_envelope_keeps_its_order_swaks_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let letter = Letter::plain("pipelined");
    // All of an envelope in one segment: replies in order, one refused inside.
    let mut dialogue = gate.dialogue();
    let burst = format!(
        "MAIL FROM:<{SENDER}>\r\nRCPT TO:<alice@example.com>\r\nRCPT TO:<bob@example.com>\r\n\
         RCPT TO:<gone@example.com>\r\nRCPT TO:<dave@example.com>\r\nDATA\r\n"
    );
    dialogue.send(burst.as_bytes()).unwrap();
    let codes: Vec<u16> = (0..6).map(|_| dialogue.read().unwrap().code).collect();
    assert_eq!(codes, [250, 250, 550, 550, 250, 354]);
    dialogue.send(&letter.content).unwrap();
    assert_eq!(dialogue.ask(".").unwrap().code, 250);
    assert_eq!(recipients(&postfix), ["alice@example.com", "dave@example.com"]);
    let told = Client::Swaks.send(&scratch, gate.address, SENDER, &["erin@example.com"], &letter);
    assert!(told.accepted, "{}", told.text);
}
