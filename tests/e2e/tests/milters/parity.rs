//! The same messages through miltertest, through Postfix, and through the gate: the same
//! milter must have said the same to all of them, and what arrives must be the same.

use e2e::{
    Clamav, DkimKey, DkimKind, Door, Letter, OpenDkim, Postfix, Pymilter, Rspamd, Said, Scratch,
    Smarthost, miltertest, signatures,
};
use serde_json::json;

use super::{RECIPIENT, field, gate_with_one, letter, parted, send_from};
use crate::SENDER;

/// What became of a message.
#[derive(Debug, PartialEq)]
struct Outcome {
    code: u16,
    /// Header fields, and the body; those that were added on the way to a Maildir are left
    /// out, and those that no two runs have alike have no value.
    arrived: Option<(Vec<String>, String)>,
}

/// Sends all letters and looks for each of them by its Message-ID.
fn outcomes(
    server: std::net::SocketAddr,
    store: &Postfix,
    letters: &[(String, Letter)],
    vague: &[&str],
) -> Vec<Outcome> {
    let replies: Vec<_> = letters
        .iter()
        .map(|(from, letter)| send_from(server, from, &[RECIPIENT], letter))
        .collect();
    let stored = store.stored();
    let mut outcomes = Vec::new();
    for ((_, letter), reply) in letters.iter().zip(replies) {
        let id = field(&letter.content, "Message-ID");
        let copy = stored.iter().find(|copy| field(&copy.content, "Message-ID") == id);
        let arrived = copy.map(|copy| {
            let (fields, body) = parted(&copy.content);
            let own = |field: &String| {
                field.starts_with("Received:") && field.contains("by postfix.test")
            };
            let fields = fields.into_iter().filter(|field| !own(field));
            let fields = fields.map(|field| match field.split_once(':') {
                Some((name, _)) if vague.contains(&name) => name.to_owned(),
                _ => field,
            });
            (fields.collect(), String::from_utf8_lossy(&body).into_owned())
        });
        outcomes.push(Outcome { code: reply.code, arrived });
    }
    outcomes
}

/// Sends all letters three ways. `start` starts the milter; `vague`: fields of the milter that
/// no two runs have alike, `fields`: those to look for besides. Gives what arrived by the gate.
fn same_everywhere(
    scratch: &Scratch,
    door: &Door,
    letters: &[(String, Letter)],
    vague: &[&str],
    fields: &[&str],
) -> (Vec<Outcome>, Vec<Vec<u8>>) {
    let asked: Vec<&str> = vague.iter().chain(fields).copied().collect();
    let said: Vec<Said> = letters
        .iter()
        .map(|(from, letter)| {
            miltertest(scratch, door, from, &[RECIPIENT], &letter.content, &asked)
        })
        .collect();

    let reference = Scratch::new();
    let postfix = Postfix::start_with_milters(&reference, &[door]);
    let expected = outcomes(postfix.address(), &postfix, letters, vague);
    for (((from, letter), said), outcome) in letters.iter().zip(&said).zip(&expected) {
        let code = match said.word {
            'c' | 'a' | 'd' => 250,
            'r' if said.step == "connect" => 554,
            'r' => 550,
            't' => 451,
            // A reply of its own says itself.
            'y' => outcome.code,
            other => panic!("{other:?} is no verdict: {said:?}"),
        };
        assert_eq!(outcome.code, code, "{from} {}: {said:?}\n{}", letter.name, postfix.log());
        let arrived = outcome.arrived.as_ref();
        assert_eq!(arrived.is_some(), matches!(said.word, 'c' | 'a'), "{said:?}");
        if let Some((header, _)) = arrived {
            for name in &asked {
                let there = header
                    .iter()
                    .any(|field| field == name || field.starts_with(&format!("{name}:")));
                assert_eq!(
                    there,
                    said.fields.iter().any(|field| field == name),
                    "{name}: {said:?}"
                );
            }
        }
    }

    let server = Postfix::start(scratch);
    let gate = gate_with_one(scratch, &server, door, "");
    let through = outcomes(gate.address, &server, letters, vague);
    for ((((from, letter), said), one), other) in
        letters.iter().zip(&said).zip(&expected).zip(&through)
    {
        // Here a refused client is told so at MAIL, in the words for that.
        if matches!(said.step.as_str(), "connect" | "helo") {
            assert_eq!((other.code / 100, &other.arrived), (one.code / 100, &one.arrived));
            continue;
        }
        // A message that a milter wants to vanish is refused, unless the listener says else.
        if one.code == 250 && one.arrived.is_none() {
            assert_eq!(other, &Outcome { code: 550, arrived: None }, "{}", gate.log());
            continue;
        }
        assert_eq!(other, one, "{from} {}\n{}", letter.name, gate.log());
    }
    let arrived = server.stored().into_iter().map(|copy| copy.content).collect();
    (through, arrived)
}

fn every_letter() -> Vec<(String, Letter)> {
    Letter::all().into_iter().map(|letter| (SENDER.to_owned(), letter)).collect()
}

/// Codes of all outcomes.
fn codes(outcomes: &[Outcome]) -> Vec<u16> {
    outcomes.iter().map(|outcome| outcome.code).collect()
}

#[test]
fn rspamd_says_the_same_to_miltertest_postfix_and_the_gate() {
    let scratch = Scratch::new();
    let rspamd = Rspamd::start(&scratch);
    let mut letters = every_letter();
    letters.push((SENDER.to_owned(), letter("gtube", Rspamd::GTUBE)));
    letters.push((SENDER.to_owned(), letter("marked", Rspamd::MARKED)));
    let fields = ["X-Spam-Status", "X-Spam"];
    let (outcomes, _) = same_everywhere(&scratch, &rspamd.door, &letters, &[], &fields);
    assert_eq!(codes(&outcomes), [250, 250, 250, 250, 554, 250]);
}

#[test]
fn clamav_says_the_same_to_miltertest_postfix_and_the_gate() {
    let scratch = Scratch::new();
    let clamav = Clamav::start(&scratch);
    let mut letters = every_letter();
    letters.push((SENDER.to_owned(), letter("eicar", &Clamav::eicar())));
    let (outcomes, _) = same_everywhere(&scratch, &clamav.door, &letters, &[], &[]);
    assert_eq!(codes(&outcomes), [250, 250, 250, 250, 550]);
}

#[test]
fn opendkim_says_the_same_to_miltertest_postfix_and_the_gate_openssl_dkimpy() {
    let scratch = Scratch::new();
    let key = DkimKey::new(&scratch, DkimKind::Rsa, "corp.example", "rsa");
    let opendkim = OpenDkim::signing(&scratch, &Door::port(), &key);
    let letters = every_letter();
    let vague = ["DKIM-Signature", "DKIM-Filter"];
    let (outcomes, arrived) = same_everywhere(&scratch, &opendkim.door, &letters, &vague, &[]);
    assert_eq!(codes(&outcomes), [250, 250, 250, 250]);
    for content in arrived {
        let judged = signatures(&scratch, &[&key], &content);
        assert_eq!(judged.len(), 1);
        assert!(judged[0].true_one, "{}", String::from_utf8_lossy(&content[..600]));
    }
}

/// What a milter may say to each step, and what it may do to a message: a rule for each
/// sender.
#[test]
fn pymilter_says_the_same_to_miltertest_postfix_and_the_gate() {
    let mut rules = Vec::new();
    let mut letters = Vec::new();
    for (name, at, does) in [
        ("reject", "mail", json!([["reject"]])),
        ("reply", "mail", json!([["reply", "553", "5.1.8", "we know you, shop"]])),
        ("accept", "mail", json!([["accept"]])),
        ("accept", "eom", json!([["reject"]])),
        ("rcpt", "rcpt", json!([["tempfail"]])),
        ("data", "data", json!([["reject"]])),
        ("header", "header", json!([["reject"]])),
        ("vanish", "eoh", json!([["discard"]])),
        ("body", "body", json!([["reply", "451", "4.7.9", "later, perhaps"]])),
        ("eom", "eom", json!([["tempfail"]])),
        (
            "fields",
            "eom",
            json!([
                ["add", "X-Added", "one\n\ttwo"],
                // Counted from Postfix's own field, which is number 0.
                ["insert", 1, "X-First", "top"],
                ["insert", 3, "X-Second", "below the first that was sent"],
                ["insert", 100, "X-Last", "bottom"],
                ["change", "Subject", 1, "another"],
                ["change", "X-Folded", 1, ""],
                ["change", "X-Not-There", 1, "now it is"],
            ]),
        ),
        ("changed", "eom", json!([["body", "another body\r\n.\r\nwith a dot\r\n"]])),
    ] {
        let from = format!("{name}@corp.example");
        rules.push(json!({"at": at, "from": from, "do": does}));
        if letters.iter().all(|(known, _)| *known != from) {
            letters.push((from, letter(name, ".\r\n..\r\nwhat it is about")));
        }
    }
    let scratch = Scratch::new();
    let door = Door::port();
    let _milter = Pymilter::start(&scratch, "milter", &door, &rules.into());
    let fields = ["X-Added", "X-First", "X-Second", "X-Last"];
    let (outcomes, _) = same_everywhere(&scratch, &door, &letters, &[], &fields);
    // The seventh is the one that is to vanish.
    let expected = [550, 553, 250, 451, 550, 550, 550, 451, 451, 250, 250];
    assert_eq!(codes(&outcomes), expected);
}

/// What it says to a client before there is a message.
#[test]
fn pymilter_refuses_clients_at_miltertest_postfix_and_the_gate() {
    for (at, says) in [("connect", "reject"), ("helo", "tempfail")] {
        let scratch = Scratch::new();
        let door = Door::port();
        let script = json!([{"at": at, "do": [[says]]}]);
        let _milter = Pymilter::start(&scratch, "milter", &door, &script);
        let letters = [(SENDER.to_owned(), letter("nobody", "nothing"))];
        let _ = same_everywhere(&scratch, &door, &letters, &[], &[]);
    }
}
