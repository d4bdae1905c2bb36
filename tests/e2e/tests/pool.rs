//! Several smarthosts, and connections to them that outlive a session.

use std::time::Duration;

use e2e::{Exim, Gate, Letter, Postfix, Scratch, Setup, Smarthost, free_port, wait_until};
use serde_json::Value;

use crate::SENDER;

/// More than the non-mail commands that stock servers take of one client (Exim 10, Postfix 100).
const MESSAGES: usize = 500;

#[test]
fn five_hundred_sessions_share_one_connection_to_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let gate = gate_in_front_of(&scratch, &postfix);
    let before = postfix.log().matches(": connect from ").count();
    send_all(&gate);
    let log = postfix.log();
    assert_eq!(log.matches(": connect from ").count() - before, 1, "{}", gate.log());
    assert!(!log.contains("too many errors"), "{log}");
    assert_eq!(postfix.stored().len(), MESSAGES);
}

#[test]
fn five_hundred_sessions_share_one_connection_to_exim() {
    let scratch = Scratch::new();
    let exim = Exim::start(&scratch);
    let gate = gate_in_front_of(&scratch, &exim);
    let before = counter(&gate, "smarthost_connections");
    send_all(&gate);
    assert_eq!(counter(&gate, "smarthost_connections") - before, 1, "{}", gate.log());
    assert!(!exim.log().contains("too many nonmail"), "{}", exim.log());
    assert_eq!(exim.stored().len(), MESSAGES);
}

#[test]
fn mail_goes_on_when_one_of_two_smarthosts_is_killed_and_comes_back_to_it() {
    let scratch = Scratch::new();
    let (first, second) = (Scratch::new(), Scratch::new());
    let address = free_port();
    let main = Postfix::start_at(&first, address);
    let reserve = Exim::start(&second);
    let gate = Gate::start(
        &scratch.path().join("gate"),
        &Setup {
            smarthost_lines: format!(
                "name = \"main\"\n[[smarthost]]\nname = \"reserve\"\naddress = \"{}\"\npriority = 2\n",
                reserve.address()
            ),
            ..Setup::new(address)
        },
    );
    assert_eq!(send(&gate, "one"), 250);
    assert_eq!((main.stored().len(), reserve.stored().len()), (1, 0));
    main.stop();
    for message in ["two", "three", "four", "five"] {
        assert_eq!(send(&gate, message), 250, "{}", gate.log());
    }
    assert_eq!(reserve.stored().len(), 4);
    let left_alone = smarthost(&gate, "main").get("state").cloned();
    assert_eq!(left_alone, Some(Value::from("down")));

    let main = Postfix::start_at(&first, address);
    let back = wait_until(Duration::from_secs(120), || {
        assert_eq!(send(&gate, "again"), 250, "{}", gate.log());
        (main.stored().len() > 1).then_some(())
    });
    assert!(back.is_some(), "{}", gate.log());
    assert_eq!(smarthost(&gate, "main").get("state"), Some(&Value::from("up")));
}

#[test]
fn two_smarthosts_share_the_mail_by_weight_and_a_stream_keeps_to_its_own() {
    let scratch = Scratch::new();
    let (first, second) = (Scratch::new(), Scratch::new());
    let (heavy, light) = (Postfix::start(&first), Exim::start(&second));
    let gate = Gate::start(
        &scratch.path().join("gate"),
        &Setup {
            smarthost_lines: format!(
                "name = \"heavy\"\nweight = 3\n[[smarthost]]\nname = \"light\"\naddress = \"{}\"\n",
                light.address()
            ),
            tables: "[[stream]]\nname = \"bills\"\nsender = [\"bills@corp.example\"]\n\
                     smarthost = [\"light\"]\n"
                .to_owned(),
            ..Setup::new(heavy.address())
        },
    );
    let letter = Letter::plain("a bill");
    for _ in 0..20 {
        let sent =
            gate.dialogue().mail("bills@corp.example", &["alice@example.com"], &letter.content);
        assert_eq!(sent.expect("the gate answers").code, 250);
    }
    assert_eq!((heavy.stored().len(), light.stored().len()), (0, 20));
    for _ in 0..60 {
        assert_eq!(send(&gate, "shared"), 250);
    }
    let (of_heavy, of_light) = (heavy.stored().len(), light.stored().len() - 20);
    assert_eq!(of_heavy + of_light, 60);
    // 45 to 15 on the average; wrong by chance less than once in a million.
    assert!((29..=59).contains(&of_heavy), "{of_heavy} to {of_light}");
}

fn gate_in_front_of(scratch: &Scratch, smarthost: &impl Smarthost) -> Gate {
    let setup = Setup {
        smarthost_lines: "messages_per_connection = 1000\n".to_owned(),
        ..Setup::new(smarthost.address())
    };
    let gate = Gate::start(&scratch.path().join("gate"), &setup);
    // It is asked once what it offers, which is a connection of its own.
    let asked = wait_until(Duration::from_secs(60), || {
        let settled =
            counter(&gate, "smarthost_connections") == 1 && connections(&gate) == Some((0, 0));
        settled.then_some(())
    });
    assert!(asked.is_some(), "{}", gate.log());
    gate
}

/// Each in a session of its own; between them sessions whose transaction ends without data.
fn send_all(gate: &Gate) {
    for n in 0..MESSAGES {
        if n % 10 == 0 {
            let mut dialogue = gate.dialogue();
            let mut ask = |line: &str| dialogue.ask(line).expect("the gate answers").code;
            assert_eq!(ask(&format!("MAIL FROM:<{SENDER}>")), 250);
            assert_eq!(ask("RCPT TO:<gone@example.com>"), 550);
            // When this is answered, the connection is there for others.
            assert_eq!(ask("RSET"), 250);
        }
        assert_eq!(send(gate, &format!("message {n}")), 250, "{n}: {}", gate.log());
    }
}

fn send(gate: &Gate, words: &str) -> u16 {
    let letter = Letter::plain(words);
    let sent = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content);
    sent.expect("the gate answers").code
}

fn status(gate: &Gate) -> Value {
    let status = gate.ask(&["status", "--config", "optgate.toml", "-o", "json"]);
    serde_json::from_str(&status.out).expect("status is JSON")
}

fn counter(gate: &Gate, name: &str) -> u64 {
    let status = status(gate);
    let found = status.pointer(&format!("/gate/counters/{name}"));
    found.and_then(Value::as_u64).expect("the gate counts this")
}

fn smarthost(gate: &Gate, name: &str) -> Value {
    let status = status(gate);
    let all = status.pointer("/gate/smarthosts").and_then(Value::as_array).cloned();
    let named = |host: &Value| host.get("name").is_some_and(|given| given == name);
    all.into_iter().flatten().find(named).expect("there is such a smarthost")
}

/// Connections to the first smarthost, and those of them that are idle.
fn connections(gate: &Gate) -> Option<(u64, u64)> {
    let status = status(gate);
    let figure = |name: &str| status.pointer(&format!("/gate/smarthosts/0/{name}"))?.as_u64();
    Some((figure("connections")?, figure("idle")?))
}
