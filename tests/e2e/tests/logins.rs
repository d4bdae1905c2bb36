//! The gate logs in to a smarthost: a wrong password, one that is changed, and tokens.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use e2e::{Authority, Gate, Letter, Scratch, Secured, Setup};

use crate::{SENDER, recipients};

const TO: &str = "alice@example.com";

/// Sends until the gate may try its smarthost again; the last code.
fn code(gate: &Gate, what: &str) -> u16 {
    let letter = Letter::plain(what);
    gate.dialogue().mail(SENDER, &[TO], &letter.content).unwrap().code
}

/// Once the smarthost is tried again: it was left alone for a while.
fn taken_at_last(gate: &Gate) {
    let begun = std::time::Instant::now();
    while code(gate, "the right word") != 250 {
        assert!(begun.elapsed().as_secs() < 120, "{}", gate.log());
        std::thread::sleep(std::time::Duration::from_millis(300));
    }
}

#[test]
fn a_wrong_password_is_told_and_a_changed_one_counts_exim_openssl() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let server = Secured::exim(&scratch, &authority);
    let folder = scratch.path().join("gate");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("password"), "wrong word").unwrap();
    let mut setup = Setup::new(server.starttls);
    setup.smarthost_lines = format!(
        "tls_ca = \"{}\"\nlogin = \"{}\"\npassword_file = \"password\"\n",
        authority.ca.display(),
        Secured::USER,
    );
    let gate = Gate::start(&folder, &setup);
    assert_eq!(code(&gate, "the wrong word"), 451, "{}", gate.log());
    assert!(gate.log().contains("refused the login with 535"), "{}", gate.log());
    let status = gate.ask(&["status"]);
    assert!(status.text().contains("cannot log in"), "{}", status.text());
    std::fs::write(folder.join("password"), Secured::PASSWORD).unwrap();
    taken_at_last(&gate);
    assert_eq!(recipients(&*server.server), [TO]);
    for word in ["wrong word", Secured::PASSWORD] {
        assert!(!gate.log().contains(word), "the password is in the log");
    }
}

/// Takes mail from whoever says one of `good` in its initial response to AUTH XOAUTH2.
fn smarthost(good: Arc<Mutex<String>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map(Result::unwrap) {
            let good = Arc::clone(&good);
            std::thread::spawn(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let mut stream = stream;
                let mut say = |text: &str| stream.write_all(format!("{text}\r\n").as_bytes());
                let _ = say("220 smarthost.example");
                let mut content = false;
                while let Some(Ok(line)) = lines.next() {
                    let reply = match line.get(..4).unwrap_or(&line) {
                        "." => {
                            content = false;
                            "250 2.0.0 taken"
                        }
                        _ if content => continue,
                        "EHLO" => "250-smarthost.example\r\n250 AUTH XOAUTH2",
                        "AUTH" if line.ends_with(&*good.lock().unwrap()) => "235 2.7.0 welcome",
                        "AUTH" => {
                            let _ = say("334 eyJzdGF0dXMiOiI0MDEifQ==");
                            assert_eq!(lines.next().unwrap().unwrap(), "");
                            "535 5.7.3 no"
                        }
                        "DATA" => {
                            content = true;
                            "354 go on"
                        }
                        _ => "250 2.0.0 fine",
                    };
                    let _ = say(reply);
                }
            });
        }
    });
    address
}

/// A token from a program; the next one, when the smarthost takes that one no more.
#[test]
fn tokens_of_a_program_are_asked_for_anew_when_they_are_refused() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("gate");
    std::fs::create_dir_all(&folder).unwrap();
    let token = folder.join("token");
    std::fs::write(&token, "first\n").unwrap();
    // user=erp^Aauth=Bearer first^A^A
    let first = "dXNlcj1lcnABYXV0aD1CZWFyZXIgZmlyc3QBAQ==";
    let second = "dXNlcj1lcnABYXV0aD1CZWFyZXIgc2Vjb25kAQE=";
    let good = Arc::new(Mutex::new(first.to_owned()));
    let mut setup = Setup::new(smarthost(Arc::clone(&good)));
    setup.smarthost_lines = format!(
        "tls = \"off\"\nlogin = \"erp\"\ntoken_command = [\"cat\", \"{}\"]\nidle = 0\n",
        token.display()
    );
    let gate = Gate::start(&folder, &setup);
    assert_eq!(code(&gate, "one"), 250, "{}", gate.log());
    assert_eq!(code(&gate, "two"), 250, "{}", gate.log());
    std::fs::write(&token, "second\n").unwrap();
    *good.lock().unwrap() = second.to_owned();
    assert_eq!(code(&gate, "three"), 250, "revoked, and asked for anew\n{}", gate.log());
    *good.lock().unwrap() = "another".to_owned();
    assert_eq!(code(&gate, "four"), 451, "{}", gate.log());
    assert!(gate.log().contains("refused the login with 535"), "{}", gate.log());
    for secret in ["Bearer", first, second] {
        assert!(!gate.log().contains(secret), "a token is in the log");
    }
}
