//! kill -9 of the gate in the middle of everything: no acknowledged opt-out is
//! lost, and no acknowledged message is.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use e2e::{Dialogue, Gate, Letter, Postfix, Scratch, Setup, Smarthost, wait_until};

use crate::SENDER;

/// How often the gate is killed.
const ROUNDS: u32 = 6;

/// What the clients and the operator were told, over all rounds.
#[derive(Default)]
struct Told {
    /// Every message that was begun, by its number; whether it got its 250.
    messages: Mutex<BTreeMap<u32, bool>>,
    /// Addresses whose `optout add` succeeded.
    opted_out: Mutex<Vec<String>>,
}

#[test]
fn nothing_acknowledged_is_lost_when_the_gate_is_killed_with_postfix() {
    let scratch = Scratch::new();
    let postfix = Postfix::start(&scratch);
    let mut gate = Gate::start(&scratch.path().join("gate"), &Setup::new(postfix.address()));
    let told = Told::default();
    let number = AtomicU32::new(0);

    for round in 0..ROUNDS {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| send_until(&over, &gate, &number, &told));
            }
            scope.spawn(|| opt_out_until(&over, &gate, round, &told));
            // Long enough for work in every phase, another moment every time.
            let begun = number.load(Ordering::Relaxed);
            wait_until(Duration::from_secs(30), || {
                (number.load(Ordering::Relaxed) >= begun + 20).then_some(())
            });
            std::thread::sleep(Duration::from_millis(u64::from(round) * 37));
            // The clients borrow the gate, so it is killed by its number.
            e2e::kill_nine(gate.process_id());
            over.store(true, Ordering::Relaxed);
        });
        gate.kill_and_restart();
        for address in told.opted_out.lock().unwrap().iter() {
            assert_eq!(gate.verdict(address).code, 550, "{address} was acknowledged, and is lost");
        }
    }

    let opted_out = told.opted_out.lock().unwrap().len();
    let messages = told.messages.lock().unwrap();
    let acknowledged = messages.values().filter(|yes| **yes).count();
    assert!(opted_out > 0 && acknowledged > 0, "{opted_out} opt-outs, {acknowledged} messages");

    let stored = postfix.stored();
    for (number, yes) in messages.iter() {
        let letter = letter(*number);
        let copies = stored.iter().filter(|copy| copy.content == letter.content).count();
        if *yes {
            assert_eq!(copies, 1, "message {number} was acknowledged");
        } else {
            assert!(
                copies <= 1,
                "message {number} was not acknowledged and is there {copies} times"
            );
        }
    }
    let whole = stored
        .iter()
        .filter(|copy| messages.keys().any(|number| copy.content == letter(*number).content));
    assert_eq!(whole.count(), stored.len(), "nothing arrived that nobody sent in full");
    accounted_for(&gate, &messages, &stored);
}

/// What the smarthost took and the client was not told of must be `unknown` in
/// the evidence, so that somebody can find out.
fn accounted_for(gate: &Gate, messages: &BTreeMap<u32, bool>, stored: &[e2e::Stored]) {
    let evidence: Vec<String> = gate.evidence().iter().map(ToString::to_string).collect();
    for (number, _) in messages.iter().filter(|(_, yes)| !**yes) {
        if stored.iter().any(|copy| copy.content == letter(*number).content) {
            let id = format!("<{}@corp.example>", id(*number));
            let lines: Vec<&String> = evidence.iter().filter(|line| line.contains(&id)).collect();
            let told = lines.iter().any(|l| l.contains("unknown") || l.contains("\"outcome\""));
            assert!(told, "message {number} arrived, its client was not told, and: {lines:?}");
        }
    }
}

fn send_until(over: &AtomicBool, gate: &Gate, number: &AtomicU32, told: &Told) {
    while !over.load(Ordering::Relaxed) {
        let Ok((mut dialogue, _)) = Dialogue::open(gate.address) else { return };
        if dialogue.ask("EHLO client.test").is_err() {
            return;
        }
        for _ in 0..3 {
            let mine = number.fetch_add(1, Ordering::Relaxed);
            told.messages.lock().unwrap().insert(mine, false);
            let to = format!("customer{mine}@example.com");
            let reply = dialogue.mail(SENDER, &[&to], &letter(mine).content);
            match reply {
                Ok(reply) if reply.code == 250 => {
                    told.messages.lock().unwrap().insert(mine, true);
                }
                Ok(reply) => panic!("a refusal where none is due: {reply:?}"),
                Err(_) => return,
            }
        }
    }
}

fn opt_out_until(over: &AtomicBool, gate: &Gate, round: u32, told: &Told) {
    for count in 0..1000 {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let address = format!("leaver{round}x{count}@example.com");
        if gate.ask(&["optout", "add", &address]).code == 0 {
            told.opted_out.lock().unwrap().push(address);
        }
    }
}

fn id(number: u32) -> String {
    format!("crash-{number}")
}

/// Big enough that a kill can hit the middle of it.
fn letter(number: u32) -> Letter {
    let mut letter = Letter::plain(&id(number));
    for line in 0..500 {
        letter
            .content
            .extend_from_slice(format!("{number} {line} {}\r\n", "x".repeat(70)).as_bytes());
    }
    letter
}
