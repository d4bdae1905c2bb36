//! The records of greetings: whose there are, and that nothing loses them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use e2e::{Authority, Dialogue, Encrypted, Gate, Scratch, Setup, free_port, kill_nine, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{LONG, PATIENCE, of_kind, shown};

const FRONT_END: &str =
    "allow = [\"127.0.0.0/8\", \"198.51.100.0/24\"]\nxclient = [\"127.0.0.0/8\"]\n";

fn is_of(client: &str) -> impl Fn(&Value) -> bool {
    move |record| record["client"] == client
}

/// Connects, says this, and reads the first line.
fn first_line(address: std::net::SocketAddr, say: &str) -> (BufReader<TcpStream>, String) {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    stream.get_mut().write_all(say.as_bytes()).unwrap();
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    (stream, line)
}

#[test]
fn who_was_shown_a_greeting_is_recorded_and_nobody_else() {
    let scratch = Scratch::new();
    let authority = Authority::new(&scratch, "authority");
    let (proxied, implicit, closed) = (free_port(), free_port(), free_port());
    let setup = Setup {
        listener_lines: format!("{FRONT_END}{LONG}"),
        tables: format!(
            "[[listener]]\naddress = \"{proxied}\"\nallow = [\"203.0.113.0/24\"]\n\
             proxy_protocol = [\"127.0.0.0/8\"]\nnotice = \"Be kind.\"\n\
             [[listener]]\naddress = \"{implicit}\"\ntls = \"implicit\"\nnotice = \"Be kind.\"\n\
             [[listener]]\naddress = \"{closed}\"\nallow = [\"192.0.2.0/24\"]\nnotice = \"Be kind.\"\n\
             [[certificate]]\ncertificate = \"{}\"\nkey = \"{}\"\n\
             [limits]\nconnections_per_client = 6\n",
            authority.certificate.display(),
            authority.key.display()
        ),
        // Nobody sends mail here.
        ..Setup::new(free_port())
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);

    // By PROXY header: the client, not the front end. All of these sessions stay open, so that
    // no record comes from the end of one.
    let turned_away = first_line(proxied, "PROXY TCP4 192.0.2.1 127.0.0.1 40000 25\r\n");
    assert!(turned_away.1.starts_with("554 "), "{}", turned_away.1);
    let (_behind, line) = first_line(proxied, "PROXY TCP4 203.0.113.9 127.0.0.1 40000 25\r\n");
    assert_eq!(line, "220 gate.test ESMTP Be kind.\r\n");
    shown(&gate, proxied, is_of("203.0.113.9"));
    // A front end that says nothing and goes.
    drop(TcpStream::connect(proxied).unwrap());

    // Under TLS: after the handshake, and not when it fails or the client goes before it.
    let (_failed, answer) = {
        let mut stream = TcpStream::connect(implicit).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(b"EHLO client.test\r\n").unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        (stream, answer)
    };
    assert!(!answer.starts_with(b"220"), "{answer:?}");
    drop(TcpStream::connect(implicit).unwrap());
    let ca = authority.ca.display().to_string();
    let mut encrypted = Encrypted::open(implicit, &["-CAfile", &ca]);
    assert_eq!(encrypted.read().unwrap().code, 220);
    shown(&gate, implicit, is_of("127.0.0.1"));

    // By XCLIENT: the front end first, then the client, in one session.
    let mut front_end = gate.dialogue();
    let again = front_end.ask("XCLIENT ADDR=198.51.100.7").unwrap();
    assert!(again.code == 220 && again.text.contains("NO UCE C=US L=CA"), "{again:?}");
    let told = shown(&gate, gate.address, is_of("198.51.100.7"));
    let session = |record: &Value| record["session"] == told[0]["session"];
    let both = shown(&gate, gate.address, session);
    assert_eq!(both.len(), 2, "{both:#?}");
    assert_eq!(both[0]["client"], "127.0.0.1");
    assert_eq!(both[0]["greeting"], both[1]["greeting"]);

    // Refused instead of greeted.
    let (_refused, reply) = Dialogue::open(closed).unwrap();
    assert_eq!(reply.code, 554, "{reply:?}");
    let mut open = Vec::new();
    let mut greeted = of_kind(&gate, "notice").len();
    let reply = loop {
        let (dialogue, reply) = Dialogue::open(gate.address).unwrap();
        if reply.code != 220 {
            break reply;
        }
        open.push(dialogue);
        assert!(open.len() < 10, "no limit");
    };
    assert_eq!(reply.code, 421, "{reply:?}");
    greeted += open.len();

    drop((open, turned_away, front_end, encrypted));
    assert_eq!(gate.stop(), Some(0), "{}", gate.log());
    let notices = of_kind(&gate, "notice");
    assert_eq!(notices.len(), greeted, "{notices:#?}");
    for (listener, number) in [(proxied, 1), (implicit, 1), (closed, 0)] {
        let at = notices.iter().filter(|record| record["listener"] == listener.to_string());
        assert_eq!(at.count(), number, "{listener}: {notices:#?}");
    }
    // What "Be kind." says is told once, though two listeners show it.
    assert_eq!(of_kind(&gate, "notice-text").len(), 2);

    let told = gate.ask(&["evidence", "--client", "203.0.113.9"]);
    assert_eq!(told.code, 0, "{}", told.text());
    assert!(told.out.contains("  220 gate.test ESMTP Be kind.\n"), "{}", told.out);
    assert!(told.err.contains("the evidence is: intact"), "{}", told.err);
    let told = gate.ask(&["evidence", "--client", "198.51.100.7"]);
    assert!(told.out.contains("  220-gate.test ESMTP NO UCE C=US L=CA It is"), "{}", told.out);
    assert!(told.out.contains("this is the last word\n"), "{}", told.out);
    // Refused, and so not shown anything.
    assert_eq!(gate.ask(&["evidence", "--client", "192.0.2.1"]).code, 1);
}

#[test]
fn a_greeting_outlives_kill_nine_a_reload_and_the_turn_of_the_files() {
    let scratch = Scratch::new();
    let setup = Setup {
        listener_lines: "notice = \"First words.\"\nnotice_version = \"one\"\n".to_owned(),
        evidence_lines: "rotate_size = \"4KiB\"\n".to_owned(),
        ..Setup::new(free_port())
    };
    let mut gate = Gate::start(&scratch.path().join("gate"), &setup);
    // Its EHLO is answered, so what comes before that is done. It has sent no mail.
    let idle = gate.dialogue();
    kill_nine(gate.process_id());
    gate.kill();
    drop(idle);
    let position = |kind: &str| gate.evidence().iter().position(|one| one["record"] == kind);
    let (text, notice) = (position("notice-text").expect("a text"), position("notice"));
    assert!(notice.is_some_and(|notice| text < notice), "{:#?}", gate.evidence());
    // The one that waited for the gate to listen may be another.
    assert_eq!(of_kind(&gate, "notice").last().unwrap()["version"], "one");
    let killed = of_kind(&gate, "notice").last().unwrap()["session"].as_str().unwrap().to_owned();
    gate.restart();

    // Other words from now on, by SIGHUP.
    let file = gate.folder().join("optgate.toml");
    let words = std::fs::read_to_string(&file).unwrap().replace("First words.", "Other words.");
    std::fs::write(&file, words.replace("\"one\"", "\"two\"")).unwrap();
    let pid = Pid::from_raw(gate.process_id().try_into().unwrap()).unwrap();
    kill_process(pid, Signal::HUP).unwrap();
    let other = wait_until(PATIENCE, || {
        let (_, greeting) = Dialogue::open(gate.address).unwrap();
        (greeting.text == "gate.test ESMTP Other words.").then_some(())
    });
    other.expect("the new greeting");

    // More than a file takes, until what was said first is in packed ones alone, and what is said
    // now in the current one.
    let closed = || {
        let names = std::fs::read_dir(gate.folder()).unwrap().flatten();
        let names = names.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("evidence.jsonl.0")).collect::<Vec<_>>()
    };
    let turned = wait_until(PATIENCE, || {
        gate.dialogue();
        let (closed, texts) = (closed(), of_kind(&gate, "notice-text"));
        let packed = !closed.is_empty() && closed.iter().all(|name| name.ends_with(".gz"));
        let now = !texts.is_empty() && texts.iter().all(|text| text["version"] == "two");
        (packed && now).then_some(())
    });
    turned.unwrap_or_else(|| panic!("{:?} {:#?}", closed(), gate.evidence()));

    assert_eq!(gate.stop(), Some(0), "{}", gate.log());
    let told = gate.ask(&["evidence", "--client", "127.0.0.1", "--limit", "10000"]);
    assert_eq!(told.code, 0, "{}", told.text());
    for words in [
        killed.as_str(),
        "  one  ",
        "  two  ",
        "  220 gate.test ESMTP First words.\n",
        "  220 gate.test ESMTP Other words.\n",
    ] {
        assert!(told.out.contains(words), "{words}: {}", told.out);
    }
    assert!(told.err.contains("the evidence is: intact"), "{}", told.err);
}
