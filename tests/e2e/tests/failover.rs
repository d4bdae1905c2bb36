//! A smarthost that is lost, and the one that takes over.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use e2e::{Gate, Impostor, Letter, Postfix, Scratch, Setup, Smarthost, free_port, wait_until};

use crate::{SENDER, recipients};

/// Takes recipients and is gone.
fn dies_after_rcpt(stream: &mut TcpStream) -> std::io::Result<()> {
    serve(stream, |verb, _| match verb {
        "RCPT" => Some("250 2.1.5 ok\r\n"),
        _ => None,
    })
}

/// Messages that [`takes_one_each`] has taken.
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// Connections that it has ended at a second one.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Takes one message on each connection, and is gone when another begins on it.
fn takes_one_each(stream: &mut TcpStream) -> std::io::Result<()> {
    serve(stream, |verb, taken| match verb {
        "MAIL" | "RSET" if taken > 0 => {
            ENDED.fetch_add(1, Ordering::Relaxed);
            Some("")
        }
        _ => None,
    })
}

/// Speaks SMTP; what `last` answers is its last word. It is told how many messages were taken.
fn serve(
    stream: &mut TcpStream,
    last: fn(&str, usize) -> Option<&'static str>,
) -> std::io::Result<()> {
    let mut input = BufReader::new(stream.try_clone()?);
    stream.write_all(b"220 impostor.test ESMTP\r\n")?;
    let (mut line, mut in_data, mut taken) = (String::new(), false, 0);
    loop {
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if in_data {
            if line == ".\r\n" {
                in_data = false;
                taken += 1;
                TAKEN.fetch_add(1, Ordering::Relaxed);
                stream.write_all(b"250 2.0.0 taken\r\n")?;
            }
            continue;
        }
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        if let Some(word) = last(&verb, taken) {
            return stream.write_all(word.as_bytes());
        }
        in_data = verb == "DATA";
        stream.write_all(match verb.as_str() {
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 2.0.0 bye\r\n",
            _ => b"250 2.0.0 ok\r\n".as_slice(),
        })?;
    }
}

fn gate_with_reserve(scratch: &Scratch, main: std::net::SocketAddr, reserve: &Postfix) -> Gate {
    let lines = format!(
        "name = \"main\"\n[[smarthost]]\nname = \"reserve\"\naddress = \"{}\"\npriority = 2\n",
        reserve.address()
    );
    let setup = Setup { smarthost_lines: lines, ..Setup::new(main) };
    Gate::start(&scratch.path().join("gate"), &setup)
}

#[test]
fn postfix_takes_over_when_the_first_dies_between_rcpt_and_data() {
    let scratch = Scratch::new();
    let main = Impostor::start(dies_after_rcpt);
    let reserve = Postfix::start(&scratch);
    let gate = gate_with_reserve(&scratch, main.address, &reserve);
    let mut dialogue = gate.dialogue();
    let mut ask = |line: &str| dialogue.ask(line).expect("the gate answers").code;
    assert_eq!(ask(&format!("MAIL FROM:<{SENDER}>")), 250);
    assert_eq!(ask("RCPT TO:<alice@example.com>"), 250);
    // Whether the reserve has her too is not the client's business, but it must be known.
    let lost =
        wait_until(Duration::from_secs(60), || gate.log().contains("smarthost lost").then_some(()));
    assert!(lost.is_some(), "{}", gate.log());
    assert_eq!(ask("RCPT TO:<bob@example.com>"), 550, "refused here as there");
    assert_eq!(ask("DATA"), 354, "{}", gate.log());
    let letter = Letter::plain("once").content;
    dialogue.send(&letter).expect("the gate takes it");
    dialogue.send(b".\r\n").expect("the gate takes it");
    assert_eq!(dialogue.read().expect("the gate answers").code, 250, "{}", gate.log());
    assert_eq!(recipients(&reserve), ["alice@example.com"]);
    assert!(reserve.stored().iter().all(|stored| stored.content == letter));
}

#[test]
fn postfix_takes_over_when_nobody_listens_at_the_first() {
    let scratch = Scratch::new();
    let reserve = Postfix::start(&scratch);
    let gate = gate_with_reserve(&scratch, free_port(), &reserve);
    let letter = Letter::plain("once").content;
    let sent = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter);
    assert_eq!(sent.expect("the gate answers").code, 250, "{}", gate.log());
    assert_eq!(recipients(&reserve), ["alice@example.com"]);
}

#[test]
fn a_kept_connection_that_ends_at_the_next_mail_costs_nobody_a_message() {
    let scratch = Scratch::new();
    let only = Impostor::start(takes_one_each);
    let gate = Gate::start(&scratch.path().join("gate"), &Setup::new(only.address));
    for number in 1..=3 {
        let letter = Letter::plain("one of three").content;
        let sent = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter);
        assert_eq!(sent.expect("the gate answers").code, 250, "{number}: {}", gate.log());
        let (taken, ended) = (TAKEN.load(Ordering::Relaxed), ENDED.load(Ordering::Relaxed));
        assert_eq!((taken, ended), (number, number - 1), "each but the first was a kept one");
    }
}
