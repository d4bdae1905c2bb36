//! A milter that looks into bodies: EICAR's test file is refused wherever it is, and what is
//! clean arrives as it was sent.

use e2e::{Clamav, Client, Letter, Postfix, Scratch, Smarthost};

use super::{RECIPIENT, findings, gate_with_one, letter, only, send};
use crate::SENDER;

/// A message with the test file attached, in base64.
fn attached() -> Letter {
    let mut letter = Letter::attachment();
    let text = String::from_utf8_lossy(&letter.content).into_owned();
    let (above, below) = text.rsplit_once("--part--").expect("it ends so");
    let virus = e2e::base64(Clamav::eicar().as_bytes());
    let more = format!(
        "--part\r\nContent-Type: application/x-msdos-program; name=invoice.com\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{virus}\r\n"
    );
    letter.content = format!("{above}{more}--part--{below}").into_bytes();
    letter
}

#[test]
fn clamav_has_eicar_refused_and_clean_mail_reaches_postfix_as_it_was() {
    for lines in ["", "changes = false\n"] {
        let scratch = Scratch::new();
        let clamav = Clamav::start(&scratch);
        let server = Postfix::start(&scratch);
        let gate = gate_with_one(&scratch, &server, &clamav.door, lines);
        for infected in [letter("plain-virus", &Clamav::eicar()), attached()] {
            let told = send(gate.address, &[RECIPIENT], &infected);
            assert_eq!(told.code, 550, "{told:?}\n{}", gate.log());
            assert!(told.text.contains("Infected with Eicar-Test"), "{told:?}");
        }
        for clean in Letter::all() {
            let told = send(gate.address, &[RECIPIENT], &clean);
            assert_eq!(told.code, 250, "{lines:?} {}: {told:?}\n{}", clean.name, gate.log());
        }
        let stored = server.stored();
        assert_eq!(stored.len(), Letter::all().len());
        for clean in Letter::all() {
            assert!(stored.iter().any(|copy| copy.content == clean.content), "{}", clean.name);
        }
        let found = findings(&gate, 2);
        assert_eq!(found.len(), 2, "{found:?}");
        for one in &found {
            assert_eq!(one["gate"], "milter it");
            assert_eq!(one["verdict"], "refuse");
        }
    }
}

/// What a person sees who sends one.
#[test]
fn swaks_is_told_why_by_clamav_before_postfix() {
    let scratch = Scratch::new();
    let clamav = Clamav::start(&scratch);
    let server = Postfix::start(&scratch);
    let gate = gate_with_one(&scratch, &server, &clamav.door, "");
    let virus = letter("plain-virus", &Clamav::eicar());
    let told = Client::Swaks.send(&scratch, gate.address, SENDER, &[RECIPIENT], &virus);
    assert!(!told.accepted, "{}", told.text);
    assert!(told.text.contains("550 5.7.1 Infected with Eicar-Test"), "{}", told.text);
    let clean = letter("clean", "nothing in it");
    let told = Client::Swaks.send(&scratch, gate.address, SENDER, &[RECIPIENT], &clean);
    assert!(told.accepted, "{}", told.text);
    assert_eq!(only(&server).content, clean.content);
}
