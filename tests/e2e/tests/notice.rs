//! The notice in the greeting, as clients see it, and the proof that they have.

use std::time::Duration;

use e2e::{Client, Dialogue, Gate, Letter, Postfix, Scratch, Setup, Smarthost, wait_until};

use crate::SENDER;

const NOTICE: &str = "notice = { ready = [\"no-uce\", \"california-17538.45\"], country = \"US\", \
                      state = \"CA\", provider = \"Example Corp\", \
                      policy = \"https://example.com/mail-policy\" }\nnotice_lines = \"wrap\"\n\
                      notice_version = \"2026-03\"\n";

/// Current clients read a greeting of several lines, and send their mail.
#[test]
fn curl_swaks_smtplib_net_smtp_msmtp_nodemailer_and_postfix_read_a_long_notice() {
    let scratch = Scratch::new();
    let server = Postfix::start(&scratch);
    let setup = Setup { listener_lines: NOTICE.to_owned(), ..Setup::new(server.address()) };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let (_, greeting) = Dialogue::open(gate.address).expect("the gate answers");
    assert_eq!(greeting.code, 220);
    assert!(greeting.text.starts_with("gate.test ESMTP"), "{greeting:?}");
    let words = greeting.text.replace('\n', " ");
    for part in
        ["NO UCE C=US L=CA", "California", "Example Corp", "https://example.com/mail-policy"]
    {
        assert!(words.contains(part), "{part}: {greeting:?}");
    }
    let clients = [
        Client::Curl,
        Client::Swaks,
        Client::Msmtp,
        Client::Smtplib,
        Client::NetSmtp,
        Client::Nodemailer,
    ];
    for client in clients {
        let letter = Letter::plain(&format!("{client:?}"));
        let to = ["alice@example.com"];
        let told = client.send(&scratch, gate.address, SENDER, &to, &letter);
        assert!(told.accepted, "{client:?}: {}", told.text);
    }
    assert_eq!(server.stored().len(), clients.len());

    // Each of them is in the evidence, and the text behind its hash.
    let proof = wait_until(Duration::from_secs(20), || {
        let words = ["evidence", "--client", "127.0.0.1", "--config", "optgate.toml"];
        let told = gate.ask(&words);
        let shown = gate.evidence().iter().filter(|line| line["record"] == "notice").count();
        (told.code == 0 && shown > clients.len()).then_some(told)
    });
    let proof = proof.unwrap_or_else(|| panic!("{:?}\n{}", gate.evidence(), gate.log()));
    assert!(
        proof.out.contains("NO UCE C=US L=CA") && proof.out.contains("2026-03"),
        "{}",
        proof.out
    );
    let nobody = gate.ask(&["evidence", "--client", "192.0.2.7", "--config", "optgate.toml"]);
    assert!(!nobody.out.contains("NO UCE"), "{}", nobody.text());
}

/// What a word processor makes of a quote is an error that shows where, and what to type.
#[test]
fn a_typographic_quote_is_shown_with_what_to_type() {
    let scratch = Scratch::new();
    let text = "[smarthost]\naddress = \"127.0.0.1:9\"\n\n[[listener]]\naddress = \"127.0.0.1:0\"\n\
                notice = \"No \u{201c}spam\u{201d} here\"\n";
    scratch.write("optgate.toml", text);
    let told = e2e::optgate(scratch.path(), &["check", "--config", "optgate.toml"]);
    assert_ne!(told.code, 0, "{}", told.text());
    assert!(told.text().contains("optgate.toml:6:"), "{}", told.text());
    assert!(told.text().contains("U+201C"), "{}", told.text());
}
