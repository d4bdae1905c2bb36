//! What is not refused passes byte for byte, with one field on top.

use std::collections::BTreeSet;

use e2e::{Aiosmtpd, Client, Exim, Gate, Letter, Postfix, Scratch, Setup, Smarthost};

use crate::{SENDER, recipients};

/// Sends every letter by `client` and compares what `server` stored.
fn passes_unchanged(client: Client, server: &dyn Smarthost, scratch: &Scratch) {
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address()));
    let letters = Letter::all();
    for letter in &letters {
        let told = client.send(scratch, gate.address, SENDER, &["alice@example.com"], letter);
        assert!(told.accepted, "{client:?} {}: {}\n{}", letter.name, told.text, gate.log());
    }
    let stored = server.stored();
    assert_eq!(stored.len(), letters.len(), "as many messages arrive as were sent");
    for letter in &letters {
        let Some(copy) = stored.iter().find(|s| s.content == letter.content) else {
            panic!("{client:?}: {}: no stored message has the bytes that were sent", letter.name);
        };
        let trace = copy.trace.as_deref().unwrap_or_default();
        assert!(trace.starts_with("Received: from client.test"), "the one field on top: {trace}");
        assert_eq!(copy.recipient(), "alice@example.com");
    }
}

macro_rules! pairs {
    ($($name:ident: $client:ident, $server:ident;)*) => {$(
        #[test]
        fn $name() {
            let scratch = Scratch::new();
            let server = $server::start(&scratch);
            passes_unchanged(Client::$client, &server, &scratch);
        }
    )*};
}

pairs! {
    curl_to_postfix: Curl, Postfix;
    curl_to_exim: Curl, Exim;
    swaks_to_postfix: Swaks, Postfix;
    swaks_to_exim: Swaks, Exim;
    msmtp_to_postfix: Msmtp, Postfix;
    msmtp_to_exim: Msmtp, Exim;
    smtplib_to_postfix: Smtplib, Postfix;
    smtplib_to_exim: Smtplib, Exim;
    net_smtp_to_postfix: NetSmtp, Postfix;
    net_smtp_to_exim: NetSmtp, Exim;
    nodemailer_to_postfix: Nodemailer, Postfix;
    nodemailer_to_exim: Nodemailer, Exim;
}

/// Sends one letter to sixty recipients, five of which have opted out.
fn sixty_recipients(client: Client, server: &dyn Smarthost, scratch: &Scratch) {
    let all: Vec<String> = (0..60).map(|i| format!("customer{i}@shop{}.example", i % 7)).collect();
    let (out, kept): (Vec<&str>, Vec<&str>) =
        all.iter().map(String::as_str).partition(|r| r.starts_with("customer1") && r.contains('3'));
    let list = format!("email\n{}\n", out.join("\n"));
    let setup = Setup { list, ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);

    let to: Vec<&str> = all.iter().map(String::as_str).collect();
    let told = client.send(scratch, gate.address, SENDER, &to, &Letter::attachment());
    assert!(told.accepted, "{}\n{}", told.text, gate.log());

    let arrived: BTreeSet<String> = recipients(server).into_iter().collect();
    let expected: BTreeSet<String> = kept.iter().map(|&r| r.to_owned()).collect();
    assert!(!out.is_empty() && expected.len() < 60);
    assert_eq!(arrived, expected);
    assert!(server.stored().iter().all(|s| s.content == Letter::attachment().content));
}

#[test]
fn smtplib_to_sixty_recipients_at_postfix() {
    let scratch = Scratch::new();
    sixty_recipients(Client::Smtplib, &Postfix::start(&scratch), &scratch);
}

#[test]
fn swaks_to_sixty_recipients_at_exim() {
    let scratch = Scratch::new();
    sixty_recipients(Client::Swaks, &Exim::start(&scratch), &scratch);
}

/// A mail server adds trace fields and may hide a change; this peer shows the
/// envelope, the parameters and the content exactly as they crossed the wire.
#[test]
fn smtplib_to_aiosmtpd_bytes_on_the_wire() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    for letter in Letter::all() {
        let to = ["alice@example.com", "bob@example.com", "\"odd one\"@example.com"];
        let told = Client::Smtplib.send(&scratch, gate.address, SENDER, &to, &letter);
        assert!(told.accepted, "{}", told.text);
        let taken = server.taken().pop().expect("it was taken");
        assert_eq!(taken.from, SENDER);
        assert_eq!(taken.to, ["alice@example.com", "\"odd one\"@example.com"]);
        let (trace, content) = split_first_field(&taken.content);
        assert!(trace.starts_with(b"Received: from client.test"), "{}", letter.name);
        assert!(content == letter.content, "{}: other bytes arrived", letter.name);
    }
}

/// The parameters of MAIL reach the smarthost as it offered them.
#[test]
fn parameters_reach_aiosmtpd() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let mut dialogue = gate.dialogue();
    let letter = Letter::eight_bit();
    let size = letter.content.len();
    let mail = format!("MAIL FROM:<{SENDER}> BODY=8BITMIME SIZE={size}");
    assert_eq!(dialogue.ask(&mail).unwrap().code, 250);
    assert_eq!(dialogue.ask("RCPT TO:<alice@example.com>").unwrap().code, 250);
    assert_eq!(dialogue.ask("DATA").unwrap().code, 354);
    dialogue.send(&letter.content).unwrap();
    let reply = dialogue.ask(".").unwrap();
    assert_eq!((reply.code, reply.text.as_str()), (250, "2.0.0 taken as number 1"));
    let options = server.taken().remove(0).mail_options;
    assert!(options.contains(&"BODY=8BITMIME".to_owned()), "{options:?}");
}

/// The offer is what the gate and its smarthost can both do: this smarthost has
/// no DSN, so the gate has none either.
#[test]
fn the_offer_is_what_aiosmtpd_offers_too() {
    let scratch = Scratch::new();
    let server = Aiosmtpd::start(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(server.address));
    let mut dialogue = gate.dialogue();
    let offer = dialogue.ask("EHLO client.test").unwrap().text;
    assert!(offer.contains("8BITMIME"), "{offer}");
    assert!(offer.contains("SMTPUTF8"), "{offer}");
    assert!(!offer.contains("DSN"), "{offer}");
    assert!(!offer.contains("CHUNKING"), "{offer}");
    let size = offer.lines().find_map(|line| line.strip_prefix("SIZE ")).unwrap_or_default();
    assert_eq!(size, "10000000", "the smaller of the two limits: {offer}");
}

/// A client takes what it is not offered for a lasting no: an address in UTF-8 would be bounced.
#[test]
fn the_first_client_is_greeted_when_a_slow_postfix_has_said_what_it_offers() {
    let scratch = Scratch::new();
    let postfix = Postfix::start_slow(&scratch);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let offer = gate.dialogue().ask("EHLO client.test").unwrap().text;
    assert!(offer.contains("SMTPUTF8") && offer.contains("DSN"), "{offer}\n{}", gate.log());
}

/// The first header field, and everything below it.
fn split_first_field(content: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if at > 0 && !line.starts_with(b" ") && !line.starts_with(b"\t") {
            break;
        }
        at += line.len();
    }
    content.split_at(at)
}
