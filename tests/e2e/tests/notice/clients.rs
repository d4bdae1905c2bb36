//! What clients make of a greeting, and what is made of a smarthost's.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use e2e::{
    Client, Dialogue, Gate, Impostor, Letter, Postfix, Scratch, Setup, Smarthost, free_port,
    wait_until,
};

use super::{LONG, PATIENCE};
use crate::{SENDER, recipients};

const CLIENTS: [(Client, &str); 6] = [
    (Client::Curl, "curl"),
    (Client::Swaks, "swaks"),
    (Client::Smtplib, "smtplib"),
    (Client::Msmtp, "msmtp"),
    (Client::NetSmtp, "net-smtp"),
    (Client::Nodemailer, "nodemailer"),
];

#[test]
fn mail_of_curl_swaks_smtplib_msmtp_net_smtp_nodemailer_and_postfix_passes_a_greeting_of_any_length()
 {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let second = free_port();
    let setup = Setup {
        listener_lines: LONG.to_owned(),
        tables: format!("[[listener]]\naddress = \"{second}\"\nnotice = \"Be kind.\"\n"),
        ..Setup::new(postfix.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    let (_, greeting) = Dialogue::open(gate.address).unwrap();
    assert_eq!(greeting.text.lines().count(), 2, "{greeting:?}");
    let mut expected = Vec::new();
    for (lines, address, last) in
        [("several", gate.address, "this is the last word"), ("one", second, "ESMTP Be kind.")]
    {
        for (client, name) in CLIENTS {
            let to = format!("{name}-{lines}@example.com");
            let letter = Letter::plain(&to);
            let told = client.send(&scratch, address, SENDER, &[&to], &letter);
            assert!(told.accepted, "{name} {lines}: {}", told.text);
            if matches!(client, Client::Curl | Client::Swaks | Client::Msmtp) {
                assert!(told.text.contains(last), "{name} {lines}: {}", told.text);
            }
            expected.push(to);
        }
        // Postfix as the client: its queue, and the gate as its relayhost.
        let at = Scratch::new();
        let client = Postfix::start_relaying(&at, address);
        let to = format!("postfix-{lines}@example.com");
        let (mut dialogue, _) = Dialogue::open(client.address()).unwrap();
        assert_eq!(dialogue.ask("EHLO client.test").unwrap().code, 250);
        let sent = dialogue.mail(SENDER, &[&to], &Letter::plain(&to).content).unwrap();
        assert_eq!(sent.code, 250, "{sent:?}");
        let status = || client.log().contains("status=sent").then_some(());
        wait_until(PATIENCE, status).unwrap_or_else(|| panic!("{}", client.log()));
        expected.push(to);
    }
    expected.sort();
    assert_eq!(recipients(&postfix), expected);
}

/// A smarthost that says what it wants no part of, and takes everything.
fn with_keywords(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220-mx.test ESMTP\r\n220 NO UCE C=US L=CA\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        match line.get(..4).unwrap_or_default() {
            "QUIT" => return stream.write_all(b"221 bye\r\n"),
            _ => stream.write_all(b"250 ok\r\n")?,
        }
    }
    Ok(())
}

#[test]
fn the_keywords_of_a_smarthost_are_logged_once_and_decide_nothing() {
    let scratch = Scratch::new();
    let smarthost = Impostor::start(with_keywords);
    let mut setup = Setup::new(smarthost.address);
    // A connection for each.
    setup.smarthost_lines = "idle = 0\n".to_owned();
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    for _ in 0..2 {
        assert_eq!(gate.verdict("alice@example.com").code, 250);
    }
    let log = gate.log();
    let told: Vec<_> = log.lines().filter(|line| line.contains("anti-UCE keywords")).collect();
    let [told] = told.as_slice() else { panic!("{log}") };
    for word in ["INFO", "no_uce=true", "no_ube=false", "US", "CA", "for information"] {
        assert!(told.contains(word), "{word}: {told}");
    }
}
