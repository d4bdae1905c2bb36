//! Clients that ask for TLS and log in, at any point.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use testkit::Dice;

use crate::client::Sent;

/// What nobody may ever take for a command of the client's.
pub(crate) const INJECTED: &str = "EHLO injected.example\r\nMAIL FROM:<injected@x.example>\r\n";

/// How a client goes about a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempt {
    Right,
    Wrong,
    Cancelled,
    Garbage,
}

/// The user of a session, as everything of it with its mark.
pub(crate) fn user(session: usize) -> String {
    format!("u@s{session}.example")
}

/// The message of PLAIN (RFC 4616 s2), in base64.
pub(crate) fn token(session: usize, password: &str) -> String {
    STANDARD.encode(format!("\0{}\0{password}", user(session)))
}

/// Puts STARTTLS and AUTH into a script: logins where no transaction is open, STARTTLS anywhere.
pub(crate) fn weave(dice: &mut Dice, script: VecDeque<Sent>) -> VecDeque<Sent> {
    let mut woven = VecDeque::new();
    for sent in script {
        if matches!(sent, Sent::Mail { .. } | Sent::Quit) {
            at_rest(dice, &mut woven);
        }
        if !matches!(sent, Sent::Hello) && dice.permille(40) {
            woven.push_back(Sent::StartTls { injects: false });
        }
        woven.push_back(sent);
    }
    woven
}

fn at_rest(dice: &mut Dice, woven: &mut VecDeque<Sent>) {
    // A transaction that came to nothing may still be open.
    woven.push_back(Sent::Rset);
    if dice.permille(250) {
        woven.push_back(Sent::StartTls { injects: dice.permille(150) });
    }
    for _ in 0..dice.below(3) {
        let attempt = match dice.below(8) {
            0 => Attempt::Wrong,
            1 => Attempt::Cancelled,
            2 => Attempt::Garbage,
            _ => Attempt::Right,
        };
        woven.push_back(Sent::Rset);
        woven.push_back(Sent::Auth { attempt, at_once: dice.permille(500) });
        if dice.permille(60) {
            woven.push_back(Sent::StartTls { injects: false });
        }
    }
}
