//! TLS with what others have built: openssl on the client's side, Postfix as the smarthost.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use e2e::{
    Authority, Dialogue, Encrypted, Gate, Impostor, Letter, Postfix, Scratch, Setup, Smarthost,
    free_port, wait_until,
};

use crate::{SENDER, recipients};

/// Files are looked at every few seconds; the machine is shared.
const SOON: Duration = Duration::from_secs(60);

fn certificate(certificate: &Path, key: &Path) -> String {
    format!(
        "[[certificate]]\ncertificate = \"{}\"\nkey = \"{}\"\n",
        certificate.display(),
        key.display()
    )
}

/// A gate with a certificate in front of a smarthost that nobody asks.
fn gate(scratch: &Scratch, authority: &Authority, change: impl FnOnce(&mut Setup)) -> Gate {
    let mut setup = Setup::new(free_port());
    setup.tables = certificate(&authority.certificate, &authority.key);
    change(&mut setup);
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// The name in the certificate that is shown.
fn shown(gate: &Gate, words: &[&str]) -> String {
    let ran = Encrypted::look(gate.address, words);
    let text = ran.text();
    let subject = text.lines().find_map(|line| line.strip_prefix("subject="));
    subject.unwrap_or_else(|| panic!("{text}")).replace(' ', "")
}

const STARTTLS: [&str; 2] = ["-starttls", "smtp"];

#[test]
fn mail_goes_through_starttls_and_implicit_tls_to_a_postfix_under_tls() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let postfix = Postfix::start_with_tls(&scratch, &authority, true);
    let second = free_port();
    let gate = gate(&scratch, &authority, |setup| {
        setup.smarthost = postfix.address();
        setup.smarthost_lines = format!("tls_ca = \"{}\"\n", authority.ca.display());
        let listener = format!("[[listener]]\naddress = \"{second}\"\ntls = \"implicit\"\n");
        setup.tables.push_str(&listener);
    });
    for (implicit, address) in [(false, gate.address), (true, second)] {
        let ca = authority.ca.display().to_string();
        let mut words =
            vec!["-CAfile", &ca, "-verify_return_error", "-verify_hostname", "localhost"];
        words.extend(if implicit { [].iter() } else { STARTTLS.iter() });
        let mut client = Encrypted::open(address, &words);
        if implicit {
            assert_eq!(client.read().unwrap().code, 220);
        }
        let hello = client.ask("EHLO client.test").unwrap();
        assert!(hello.code == 250 && !hello.text.contains("STARTTLS"), "{hello:?}");
        assert_eq!(client.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap().code, 250);
        assert_eq!(client.ask("RCPT TO:<alice@example.com>").unwrap().code, 250);
        assert_eq!(client.ask("RCPT TO:<bob@example.com>").unwrap().code, 550);
        assert_eq!(client.ask("DATA").unwrap().code, 354);
        let letter = Letter::plain("under TLS");
        client.send(&letter.content).unwrap();
        let reply = client.ask(".").unwrap();
        assert_eq!(reply.code, 250, "{reply:?}\n{}", gate.log());
        assert_eq!(client.ask("QUIT").unwrap().code, 221);
        assert!(client.read().is_err(), "it closes");
    }
    assert_eq!(recipients(&postfix), ["alice@example.com", "alice@example.com"]);
    assert!(postfix.log().contains("TLSv1.3"), "{}", postfix.log());
}

#[test]
fn the_certificate_follows_the_name_and_the_file_while_openssl_stays_connected() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let star = authority.issue("star.example.com", "DNS:*.example.com", "serverAuth");
    let second = authority.issue("second", "DNS:localhost", "serverAuth");
    let gate = gate(&scratch, &authority, |setup| {
        setup.tables.push_str(&certificate(&star.certificate, &star.key));
    });
    let named =
        |name: &'static str| shown(&gate, &[&STARTTLS[..], &["-servername", name]].concat());
    assert_eq!(named("mail.example.com"), "CN=star.example.com");
    assert_eq!(named("localhost"), "CN=localhost");
    assert_eq!(named("elsewhere.test"), "CN=localhost");
    assert_eq!(shown(&gate, &[&STARTTLS[..], &["-noservername"]].concat()), "CN=localhost");

    let mut client = Encrypted::open(gate.address, &STARTTLS);
    assert_eq!(client.ask("EHLO client.test").unwrap().code, 250);
    // Broken at first: what was there stays, and the log says why.
    fs::write(&authority.certificate, "no certificate\n").unwrap();
    let told = wait_until(SOON, || gate.log().contains("holds no certificate").then_some(()));
    assert!(told.is_some(), "{}", gate.log());
    assert_eq!(named("localhost"), "CN=localhost");
    fs::copy(&second.key, &authority.key).unwrap();
    fs::copy(&second.certificate, &authority.certificate).unwrap();
    let renewed = wait_until(SOON, || (named("localhost") == "CN=second").then_some(()));
    assert!(renewed.is_some(), "{}", gate.log());
    assert_eq!(client.ask("NOOP").unwrap().code, 250, "the session goes on");
}

#[test]
fn a_certificate_of_a_client_lets_it_in_and_openssl_shows_others_in_vain() {
    let scratch = Scratch::new();
    let (authority, stranger) =
        (Authority::new(&scratch, "authority"), Authority::new(&scratch, "stranger"));
    let good = authority.issue("shop", "DNS:shop.test", "clientAuth");
    let other = stranger.issue("shop", "DNS:shop.test", "clientAuth");
    let gate = gate(&scratch, &authority, |setup| {
        let ca = authority.ca.display();
        setup.listener_lines = format!("allow = [\"certificate\"]\nclient_ca = \"{ca}\"\n");
    });
    let mail = |issued: Option<&e2e::Issued>| {
        let mut words: Vec<String> = STARTTLS.iter().map(ToString::to_string).collect();
        if let Some(issued) = issued {
            words.extend(["-cert".to_owned(), issued.certificate.display().to_string()]);
            words.extend(["-key".to_owned(), issued.key.display().to_string()]);
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut client = Encrypted::open(gate.address, &words);
        assert_eq!(client.ask("EHLO client.test").unwrap().code, 250);
        client.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap().code
    };
    assert_eq!(mail(Some(&good)), 250);
    assert_eq!(mail(Some(&other)), 530);
    assert_eq!(mail(None), 530);
}

#[test]
fn old_tls_is_refused_to_openssl() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let gate = gate(&scratch, &authority, |_| {});
    let shakes = |version: &'static str| {
        let words = [&STARTTLS[..], &["-cipher", "ALL:@SECLEVEL=0", version]].concat();
        Encrypted::look(gate.address, &words).text().contains("Cipher is TLS")
            || Encrypted::look(gate.address, &words).text().contains("Cipher is ECDHE")
    };
    assert!(shakes("-tls1_3") && shakes("-tls1_2"));
    assert!(!shakes("-tls1_1") && !shakes("-tls1"));
}

#[test]
fn what_is_said_between_starttls_and_the_handshake_of_openssl_is_never_done() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let gate = gate(&scratch, &authority, |_| {});
    let hello = || {
        let (mut client, _) = Dialogue::open(gate.address).unwrap();
        assert!(client.ask("EHLO client.test").unwrap().text.contains("STARTTLS"));
        client
    };
    // In the same segment.
    let mut client = hello();
    client.send(b"STARTTLS\r\nRSET\r\n").unwrap();
    assert_ne!(client.read().map_or(0, |reply| reply.code), 220, "no handshake is begun");
    assert!(client.read().is_err(), "it is closed");
    // In the next one, instead of a handshake.
    let mut client = hello();
    assert_eq!(client.ask("STARTTLS").unwrap().code, 220);
    client.send(b"RSET\r\nMAIL FROM:<a@corp.example>\r\n").unwrap();
    let mut rest = Vec::new();
    let _ = client.stream().read_to_end(&mut rest);
    assert!(!rest.windows(3).any(|part| part == b"250"), "{rest:?}");
    // The gate lives.
    assert_eq!(shown(&gate, &STARTTLS), "CN=localhost");
}

#[test]
fn a_connection_of_openssl_that_is_cut_in_mail_data_is_no_end_of_a_message() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let postfix = Postfix::start(&scratch);
    let gate = gate(&scratch, &authority, |setup| setup.smarthost = postfix.address());
    let mut client = Encrypted::open(gate.address, &STARTTLS);
    assert_eq!(client.ask("EHLO client.test").unwrap().code, 250);
    assert_eq!(client.ask(&format!("MAIL FROM:<{SENDER}>")).unwrap().code, 250);
    assert_eq!(client.ask("RCPT TO:<alice@example.com>").unwrap().code, 250);
    assert_eq!(client.ask("DATA").unwrap().code, 354);
    client.send(b"Subject: half\r\n\r\nhalf\r\n").unwrap();
    client.cut();
    let abandoned = wait_until(SOON, || {
        let evidence = gate.evidence();
        evidence.iter().any(|record| record.to_string().contains("abandoned")).then_some(())
    });
    assert!(abandoned.is_some(), "{:?}", gate.evidence());
    assert!(recipients(&postfix).is_empty());
}

#[test]
fn a_postfix_that_is_not_who_it_should_be_gets_no_mail() {
    let scratch = Scratch::new();
    let (authority, stranger) =
        (Authority::new(&scratch, "authority"), Authority::new(&scratch, "stranger"));
    let postfix = Postfix::start_with_tls(&scratch, &authority, false);
    let code = |folder: &str, lines: String| {
        let mut setup = Setup::new(postfix.address());
        setup.smarthost_lines = lines;
        let gate = Gate::start(&scratch.path().join(folder), &setup);
        gate.verdict("alice@example.com").code
    };
    let (good, bad) = (authority.ca.display(), stranger.ca.display());
    assert_eq!(code("good", format!("tls_ca = \"{good}\"\n")), 250);
    assert_eq!(code("bad", format!("tls_ca = \"{bad}\"\n")), 451);
    assert_eq!(code("name", format!("tls_ca = \"{good}\"\ntls_name = \"mx.test\"\n")), 451);
    let pin = |n: u8| format!("tls_pin = [\"sha256:{}\"]\n", format!("{n:02x}").repeat(32));
    assert_eq!(code("pin", pin(7)), 451);
    assert_eq!(code("any", "tls = \"opportunistic\"\n".to_owned()), 250);
}

/// Offers STARTTLS, and says more behind its 220 than it should.
fn injecting(stream: &mut TcpStream, together: bool) -> std::io::Result<()> {
    let mut line = [0; 512];
    stream.write_all(b"220 smarthost.test\r\n")?;
    let _ = stream.read(&mut line)?;
    stream.write_all(b"250-smarthost.test\r\n250 STARTTLS\r\n")?;
    let _ = stream.read(&mut line)?;
    let more = b"250-smarthost.test\r\n250 SIZE\r\n250 ok\r\n250 ok\r\n";
    if together {
        return stream.write_all(&[&b"220 go\r\n"[..], more].concat());
    }
    stream.write_all(b"220 go\r\n")?;
    stream.write_all(more)?;
    stream.read(&mut line).map(|_| ())
}

#[test]
fn bytes_behind_the_220_of_a_smarthost_are_not_replies() {
    let scratch = Scratch::new();
    let scripts: [fn(&mut TcpStream) -> std::io::Result<()>; 2] =
        [|stream| injecting(stream, true), |stream| injecting(stream, false)];
    for (n, script) in scripts.into_iter().enumerate() {
        let smarthost = Impostor::start(script);
        for mode in ["opportunistic", "required"] {
            let mut setup = Setup::new(smarthost.address);
            setup.smarthost_lines = format!("tls = \"{mode}\"\n");
            let gate = Gate::start(&scratch.path().join(format!("{mode}{n}")), &setup);
            assert_eq!(gate.verdict("alice@example.com").code, 451, "{mode} {n}");
        }
    }
}
