//! Mail that is held until filters have seen it: the smarthost waits before DATA and hears
//! that somebody is still there, and nothing that is too large is kept.

use std::time::Duration;

use e2e::{Door, Gate, Letter, Pymilter, Scratch, Seen, Setup, Witness, wait_until};
use serde_json::json;

use super::{RECIPIENT, letter, send, send_from};
use crate::SENDER;

/// The least that can be configured.
const INTERVAL: Duration = Duration::from_secs(5);

fn gate_with_limits(scratch: &Scratch, witness: &Witness, limits: &str, tables: &str) -> Gate {
    let setup =
        Setup { tables: format!("{tables}\n[limits]\n{limits}\n"), ..Setup::new(witness.address) };
    Gate::start(&scratch.path().join("gate"), &setup)
}

/// The lines of one transaction, from MAIL to the content: as many NOOPs as intervals have gone
/// by before DATA, and `least` at least. That they are one interval apart to the moment is
/// for the simulation to say, which has a clock of its own.
fn is_kept_alive(transaction: &[Seen], least: usize) {
    let lines: Vec<&str> = transaction.iter().map(|seen| seen.line.as_str()).collect();
    let place = |line: &str| lines.iter().position(|is| *is == line);
    let data = place("DATA").unwrap_or_else(|| panic!("DATA: {lines:?}"));
    assert!(lines[0].starts_with("MAIL") && lines[1].starts_with("RCPT"), "{lines:?}");
    let noops = data - 2;
    assert_eq!(&lines[2..data], vec!["NOOP"; noops], "{lines:?}");
    assert_eq!(&lines[data..], ["DATA", "CONTENT"], "nothing between: {lines:?}");
    let waited = transaction[data].at - transaction[1].at;
    let fits = INTERVAL * u32::try_from(noops).unwrap() <= waited + INTERVAL / 2;
    assert!(noops >= least && fits, "{noops} in {waited:?}");
}

/// Waits until the smarthost has heard so many NOOPs.
fn kept_alive(witness: &Witness, count: usize) {
    let noops = || witness.seen().iter().filter(|seen| seen.line == "NOOP").count();
    let heard = wait_until(Duration::from_secs(60), || (noops() >= count).then_some(()));
    assert!(heard.is_some(), "{:?}", witness.seen());
}

/// Once a slow filter, and once a slow client: the smarthost hears a NOOP for each interval
/// before DATA, and none behind it. Both go on when two have come.
#[test]
fn pymilter_takes_its_time_and_the_smarthost_is_kept_alive_before_data() {
    let scratch = Scratch::new();
    let go_on = scratch.path().join("go-on");
    let script = json!([{"at": "eom", "from": "slow@corp.example", "do": [["wait", go_on]]}]);
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &script);
    let table = milter.door.table("it", "");
    let limits = "noop_interval = \"5s\"";
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (scratch, witness) = (Scratch::new(), Witness::start(&[]));
            let gate = gate_with_limits(&scratch, &witness, limits, &table);
            let letter = letter("slow-filter", "x");
            let told = std::thread::scope(|scope| {
                let from = "slow@corp.example";
                let told = scope.spawn(|| send_from(gate.address, from, &[RECIPIENT], &letter));
                kept_alive(&witness, 2);
                std::fs::write(&go_on, "").expect("a file can be written");
                told.join().expect("an answer")
            });
            assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
            is_kept_alive(&witness.transaction(), 2);
        });
        scope.spawn(|| {
            let (scratch, witness) = (Scratch::new(), Witness::start(&[]));
            let gate = gate_with_limits(&scratch, &witness, limits, &table);
            let mut dialogue = gate.dialogue();
            dialogue.ask(&format!("MAIL FROM:<{SENDER}>")).expect("an answer");
            dialogue.ask(&format!("RCPT TO:<{RECIPIENT}>")).expect("an answer");
            assert_eq!(dialogue.ask("DATA").expect("an answer").code, 354);
            for (count, text) in [(1, "Subject: slow\r\n\r\none\r\n"), (2, "two\r\n")] {
                kept_alive(&witness, count);
                dialogue.send(text.as_bytes()).expect("it is taken");
            }
            assert_eq!(dialogue.ask(".").expect("an answer").code, 250, "{}", gate.log());
            is_kept_alive(&witness.transaction(), 2);
        });
    });
}

#[test]
fn pymilter_needs_all_of_a_message_and_one_that_is_too_large_is_refused() {
    let scratch = Scratch::new();
    let milter = Pymilter::start(&scratch, "milter", &Door::port(), &json!([]));
    for lines in ["", "changes = false\n"] {
        let (scratch, witness) = (Scratch::new(), Witness::start(&[]));
        let table = milter.door.table("it", lines);
        let gate = gate_with_limits(&scratch, &witness, "held_message = \"100KiB\"", &table);
        let told = send(gate.address, &[RECIPIENT], &Letter::attachment());
        assert_eq!(told.code, 552, "{lines:?} {told:?}\n{}", gate.log());
        assert!(told.text.starts_with("5.3.4"), "{told:?}");
        let told = send(gate.address, &[RECIPIENT], &letter("small", "x"));
        assert_eq!(told.code, 250, "{told:?}\n{}", gate.log());
        assert_eq!(witness.taken().len(), 1, "{lines:?}");
    }
}
