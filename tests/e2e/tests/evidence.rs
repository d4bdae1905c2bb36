//! `[evidence] sync = "always"`, as the operating system sees it: what an intent is, is on the
//! disk before the smarthost gets the dot.

use std::path::{Path, PathBuf};
use std::time::Duration;

use e2e::{Aiosmtpd, Gate, Letter, Peers, Scratch, Setup, kill_nine, wait_until};

use crate::SENDER;

/// What is written behind a reply is there within milliseconds; the machine is shared.
const LIMIT: Duration = Duration::from_secs(60);

const ALWAYS: &str = "sync = \"always\"\n";

/// A gate under strace, which stays in the background: the gate is the child.
fn traced(scratch: &Scratch, smarthost: &Aiosmtpd, options: &[&str]) -> (Gate, PathBuf) {
    let trace = scratch.path().join("trace");
    let mut under: Vec<String> =
        ["-D", "-f", "-qq", "-y", "-s", "8192", "-o"].map(str::to_owned).into();
    under.insert(0, Peers::get().field("strace", "program").to_owned());
    under.push(trace.to_str().unwrap().to_owned());
    under.extend(options.iter().map(|option| (*option).to_owned()));
    let setup = Setup { evidence_lines: ALWAYS.to_owned(), under, ..Setup::new(smarthost.address) };
    (Gate::start(&folder(scratch), &setup), trace)
}

fn folder(scratch: &Scratch) -> PathBuf {
    scratch.path().join("gate")
}

/// Only what is done to the evidence itself.
fn evidence(scratch: &Scratch) -> String {
    folder(scratch).join("evidence.jsonl").to_str().unwrap().to_owned()
}

/// What strace has written, once it has written `enough`.
fn lines(trace: &Path, enough: impl Fn(&str) -> bool) -> Vec<String> {
    let read = || std::fs::read_to_string(trace).ok().filter(|text| enough(text));
    let text = wait_until(LIMIT, read);
    let text = text.unwrap_or_else(|| panic!("{:?}", std::fs::read_to_string(trace)));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn an_intent_is_on_the_disk_before_aiosmtpd_has_the_dot_says_strace() {
    const MESSAGES: usize = 5;
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let (gate, trace) = traced(&scratch, &smarthost, &["-e", "trace=/^write|fdatasync|^send"]);
    for number in 0..MESSAGES {
        let letter = Letter::plain(&format!("letter {number}"));
        let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content);
        assert_eq!(reply.unwrap().code, 250);
    }
    assert_eq!(smarthost.taken().len(), MESSAGES);
    let is_intent = |line: &str| line.contains(r#"\"record\":\"intent\""#);
    let is_dot = |line: &str| line.contains("<socket:") && line.contains(r#"".\r\n""#);
    let count = |text: &str| text.lines().filter(|line| is_dot(line)).count();
    let lines = lines(&trace, |text| count(text) == MESSAGES);
    let mut rest = lines.as_slice();
    for number in 0..MESSAGES {
        let intent = rest.iter().position(|line| is_intent(line)).expect("an intent");
        let dot = rest.iter().position(|line| is_dot(line)).expect("a dot");
        let between = rest.get(intent..dot).unwrap_or_else(|| panic!("{number}: dot first"));
        // A call that another process interrupts is told in two lines.
        let begins = |line: &&String| line.contains("fdatasync(") && line.contains("evidence");
        let ends = |line: &&String| line.contains("fdatasync") && line.ends_with("= 0");
        let begun = between.iter().position(|line| begins(&line));
        let begun = begun.unwrap_or_else(|| panic!("{number}: no fdatasync: {between:#?}"));
        assert!(between[begun..].iter().any(|line| ends(&line)), "{number}: {between:#?}");
        rest = &rest[dot + 1..];
    }
}

#[test]
fn many_sessions_to_aiosmtpd_share_a_slow_disk_says_strace() {
    const SESSIONS: usize = 8;
    const EACH: usize = 3;
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let slow = "inject=fdatasync:delay_exit=300000";
    let path = evidence(&scratch);
    let options = ["-P", path.as_str(), "-e", "trace=fdatasync,write", "-e", slow];
    let (gate, trace) = traced(&scratch, &smarthost, &options);
    std::thread::scope(|scope| {
        for session in 0..SESSIONS {
            let gate = &gate;
            scope.spawn(move || {
                let mut dialogue = gate.dialogue();
                for number in 0..EACH {
                    let letter = Letter::plain(&format!("{session} {number}"));
                    let reply = dialogue.mail(SENDER, &["alice@example.com"], &letter.content);
                    assert_eq!(reply.unwrap().code, 250);
                }
            });
        }
    });
    assert_eq!(smarthost.taken().len(), SESSIONS * EACH);
    let intents = |text: &str| text.matches(r#"\"record\":\"intent\""#).count();
    let lines = lines(&trace, |text| intents(text) == SESSIONS * EACH);
    // Of intents: a seal, one a second at most, has one of its own.
    let (mut syncs, mut waiting) = (0, false);
    for line in &lines {
        waiting |= intents(line) > 0;
        if line.contains("fdatasync(") && std::mem::take(&mut waiting) {
            syncs += 1;
        }
    }
    assert!(syncs > 0 && syncs < SESSIONS * EACH, "{syncs} for {} messages", SESSIONS * EACH);
}

#[test]
fn a_disk_that_fails_means_try_again_and_aiosmtpd_gets_nothing_says_strace() {
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let path = evidence(&scratch);
    let options =
        ["-P", path.as_str(), "-e", "trace=fdatasync", "-e", "inject=fdatasync:error=EIO"];
    let (gate, _) = traced(&scratch, &smarthost, &options);
    let mut dialogue = gate.dialogue();
    for number in 0..2 {
        let letter = Letter::plain(&format!("letter {number}"));
        let reply = dialogue.mail(SENDER, &["alice@example.com"], &letter.content).unwrap();
        assert_eq!(reply.code, 451, "{reply:?}");
    }
    // Refusals need no disk.
    assert_eq!(gate.verdict("bob@example.com").code, 550);
    assert!(smarthost.taken().is_empty());
    // How it ended is written behind the reply.
    let ending = |record: &&serde_json::Value| record["ending"] == "deferred";
    let both =
        wait_until(LIMIT, || (gate.evidence().iter().filter(ending).count() == 2).then_some(()));
    assert!(both.is_some(), "{:#?}", gate.evidence());
    assert!(gate.log().contains("cannot be synced"), "{}", gate.log());
}

#[test]
fn a_gate_killed_while_messages_wait_for_the_disk_tells_their_end_after_its_start_strace_aiosmtpd()
{
    let scratch = Scratch::new();
    let smarthost = Aiosmtpd::start(&scratch);
    let path = evidence(&scratch);
    let options = [
        "-P",
        path.as_str(),
        "-e",
        "trace=fdatasync",
        "-e",
        "inject=fdatasync:delay_exit=12000000",
    ];
    let (mut gate, _) = traced(&scratch, &smarthost, &options);
    std::thread::scope(|scope| {
        for session in 0..3 {
            let gate = &gate;
            scope.spawn(move || {
                let letter = Letter::plain(&format!("letter {session}"));
                let reply = gate.dialogue().mail(SENDER, &["alice@example.com"], &letter.content);
                assert!(reply.is_err(), "{reply:?}");
            });
        }
        let intents = || {
            let records = gate.evidence();
            records.iter().filter(|record| record["record"] == "intent").count()
        };
        wait_until(LIMIT, || (intents() == 3).then_some(())).expect("intents");
        kill_nine(gate.process_id());
    });
    gate.kill_and_restart();
    assert!(smarthost.taken().is_empty(), "no dot without a disk");
    let unknown = |record: &&serde_json::Value| record["ending"] == "unknown";
    assert_eq!(gate.evidence().iter().filter(unknown).count(), 3);
    let walk = gate.ask(&["evidence", "verify", "--config", "optgate.toml"]);
    assert_eq!(walk.code, 0, "{}", walk.text());
}
